//! Mounts the routes that start passes.

use super::handlers;
use crate::http::Api;
use contract::endpoints as ep;

pub fn routes(api: &mut Api) {
    api.mount(&ep::RUN_BACKUP, handlers::run)
        .mount(&ep::CANCEL_LOG, handlers::cancel)
        .mount(&ep::RETRY_LOG, handlers::retry);
}
