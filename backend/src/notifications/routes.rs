//! Mounts the routes of the inbox.

use super::handlers;
use crate::http::Api;
use contract::endpoints as ep;

pub fn routes(api: &mut Api) {
    api.mount(&ep::LIST_NOTIFICATIONS, handlers::list).mount(&ep::DISMISS_NOTIFICATION, handlers::dismiss);
}
