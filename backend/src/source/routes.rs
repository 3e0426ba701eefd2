//! Mounts the route of the source.

use super::handlers;
use crate::http::Api;
use contract::endpoints as ep;

pub fn routes(api: &mut Api) {
    api.mount(&ep::GET_SOURCE, handlers::get_source);
}
