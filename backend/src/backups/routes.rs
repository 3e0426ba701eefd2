//! Mounts the routes of Backup Sets.

use super::handlers;
use crate::http::Api;
use contract::endpoints as ep;

pub fn routes(api: &mut Api) {
    api.mount(&ep::LIST_BACKUPS, handlers::list)
        .mount(&ep::CREATE_BACKUP, handlers::create)
        .mount(&ep::GET_BACKUP, handlers::get)
        .mount(&ep::UPDATE_BACKUP, handlers::update)
        .mount(&ep::DELETE_BACKUP, handlers::delete)
        .mount(&ep::PREVIEW_SCHEDULE, handlers::preview);
}
