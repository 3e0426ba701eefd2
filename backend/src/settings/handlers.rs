use super::SettingsService;
use crate::http::{ApiError, IfMatch, IfMatchHeader, Tagged, Valid};
use actix_web::{get, put, web::Data};
use contract::{Settings, SettingsInput};

/// Reads the settings.
#[utoipa::path(tag = "config", responses((status = 200, description = "The settings.")))]
#[get("/api/v1/config")]
pub async fn get_config(settings: Data<SettingsService>) -> Result<Tagged<Settings>, ApiError> {
    Ok(Tagged(settings.get().await?))
}

/// Saves the settings, all of them.
#[utoipa::path(tag = "config", params(IfMatchHeader), responses((status = 200, description = "The saved settings.")))]
#[put("/api/v1/config")]
pub async fn save_config(
    settings: Data<SettingsService>,
    if_match: IfMatch,
    input: Valid<SettingsInput>,
) -> Result<Tagged<Settings>, ApiError> {
    Ok(Tagged(settings.save(&input.0, if_match.0).await?))
}
