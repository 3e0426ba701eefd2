use super::{handlers, roles};
use crate::http::Api;
use contract::endpoints as ep;

pub fn routes(api: &mut Api) {
    api.mount(&ep::LIST_USERS, handlers::list_users)
        .mount(&ep::CREATE_USER, handlers::create_user)
        .mount(&ep::GET_USER, handlers::get_user)
        .mount(&ep::UPDATE_USER, handlers::update_user)
        .mount(&ep::DELETE_USER, handlers::delete_user);
    roles::routes(api);
}
