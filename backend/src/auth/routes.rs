use super::handlers;
use crate::http::Api;
use contract::endpoints as ep;

pub fn routes(api: &mut Api) {
    api.mount(&ep::GET_SETUP, handlers::get_setup)
        .mount(&ep::SETUP, handlers::setup)
        .mount(&ep::LOGIN, handlers::login)
        .mount(&ep::REFRESH, handlers::refresh)
        .mount(&ep::LOGOUT, handlers::logout)
        .mount(&ep::GET_ME, handlers::get_me)
        .mount(&ep::CHANGE_PASSWORD, handlers::change_password);
}
