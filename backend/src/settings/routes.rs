use super::handlers;
use crate::http::Api;
use contract::endpoints as ep;

pub fn routes(api: &mut Api) {
    api.mount(&ep::GET_CONFIG, handlers::get_config).mount(&ep::SAVE_CONFIG, handlers::save_config);
}
