//! The routes of the channels.

use super::service::AlertsService;
use crate::http::{ApiError, IfMatch, IfMatchHeader, Tagged, Valid};
use actix_web::web::{Data, Json};
use actix_web::{get, post, put};
use contract::{AlertTestInput, AlertTestReport, Alerts, AlertsInput};

/// Reads where word is sent. Passwords and secrets are never given out.
#[utoipa::path(tag = "alerts", responses((status = 200, description = "The channels.")))]
#[get("/api/v1/alerts")]
pub async fn get_alerts(alerts: Data<AlertsService>) -> Result<Tagged<Alerts>, ApiError> {
    Ok(Tagged(alerts.get().await?))
}

/// Saves where word is sent, all of it.
#[utoipa::path(tag = "alerts", params(IfMatchHeader), responses((status = 200, description = "The saved channels.")))]
#[put("/api/v1/alerts")]
pub async fn save_alerts(
    alerts: Data<AlertsService>,
    if_match: IfMatch,
    input: Valid<AlertsInput>,
) -> Result<Tagged<Alerts>, ApiError> {
    Ok(Tagged(alerts.save(&input.0, if_match.0).await?))
}

/// Sends a message for a test, by what is saved, whether the channel is switched on or not.
#[utoipa::path(tag = "alerts", responses((status = 200, description = "What came of it.")))]
#[post("/api/v1/alerts/test")]
pub async fn test_alert(
    alerts: Data<AlertsService>,
    input: Valid<AlertTestInput>,
) -> Result<Json<AlertTestReport>, ApiError> {
    Ok(Json(alerts.test(input.0.channel).await?))
}
