//! Mounts the routes of the channels.

use super::handlers;
use crate::http::Api;
use contract::endpoints as ep;

pub fn routes(api: &mut Api) {
    api.mount(&ep::GET_ALERTS, handlers::get_alerts)
        .mount(&ep::SAVE_ALERTS, handlers::save_alerts)
        .mount(&ep::TEST_ALERT, handlers::test_alert);
}
