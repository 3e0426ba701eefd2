use super::handlers;
use crate::http::Api;
use contract::endpoints as ep;

pub fn routes(api: &mut Api) {
    api.mount(&ep::HEALTHZ, handlers::healthz)
        .mount(&ep::READYZ, handlers::readyz)
        .mount(&ep::GET_OPENAPI, handlers::get_openapi);
}
