use super::HealthService;
use crate::http::{ApiError, Document};
use actix_web::http::header::ContentType;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get};
use contract::Health;

/// Says that the process answers.
#[utoipa::path(tag = "server", responses((status = 200, description = "It answers.")))]
#[get("/healthz")]
pub async fn healthz() -> Json<Health> {
    Json(HealthService::alive())
}

/// Says whether the server can work.
#[utoipa::path(tag = "server", responses(
    (status = 200, description = "It can."),
    (status = 503, description = "The metadata database does not answer."),
))]
#[get("/readyz")]
pub async fn readyz(health: Data<HealthService>) -> Result<Json<Health>, ApiError> {
    if health.ready().await {
        return Ok(Json(HealthService::alive()));
    }
    let detail =
        "The metadata database does not answer. Check that it runs and that the server may connect to it.";
    Err(ApiError::unavailable(detail, anyhow::anyhow!("the metadata database does not answer")))
}

/// Serves this document.
#[utoipa::path(tag = "server", responses((status = 200, description = "The OpenAPI document.")))]
#[get("/api/openapi.json")]
pub async fn get_openapi(document: Data<Document>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .insert_header((actix_web::http::header::CACHE_CONTROL, "no-cache"))
        .body(document.json().to_owned())
}
