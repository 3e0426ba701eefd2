//! Mounts the routes of Storage Sets.

use super::handlers;
use crate::http::Api;
use contract::endpoints as ep;

pub fn routes(api: &mut Api) {
    api.mount(&ep::LIST_STORAGES, handlers::list)
        .mount(&ep::CREATE_STORAGE, handlers::create)
        .mount(&ep::LIST_STORAGE_OPTIONS, handlers::options)
        .mount(&ep::GET_STORAGE, handlers::get)
        .mount(&ep::UPDATE_STORAGE, handlers::update)
        .mount(&ep::DELETE_STORAGE, handlers::delete)
        .mount(&ep::TEST_STORAGE, handlers::test)
        .mount(&ep::LINK_STORAGE, handlers::link)
        .mount(&ep::OAUTH_CALLBACK, handlers::callback);
}
