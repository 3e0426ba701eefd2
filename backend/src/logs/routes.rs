//! Mounts the routes of Backup Logs.

use super::handlers;
use crate::http::Api;
use contract::endpoints as ep;

pub fn routes(api: &mut Api) {
    api.mount(&ep::LIST_LOGS, handlers::list)
        .mount(&ep::GET_LOG, handlers::get)
        .mount(&ep::WATCH_LOG, handlers::watch)
        .mount(&ep::DOWNLOAD_ARCHIVE, handlers::download);
}
