use super::handlers;
use crate::http::Api;
use contract::endpoints as ep;

pub fn routes(api: &mut Api) {
    api.mount(&ep::LIST_ROLES, handlers::list_roles)
        .mount(&ep::CREATE_ROLE, handlers::create_role)
        .mount(&ep::GET_ROLE, handlers::get_role)
        .mount(&ep::UPDATE_ROLE, handlers::update_role)
        .mount(&ep::DELETE_ROLE, handlers::delete_role);
}
