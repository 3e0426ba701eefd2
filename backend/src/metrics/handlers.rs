use super::service::{CONTENT_TYPE, MetricsService};
use crate::http::{ApiError, FromHere, bearer_token};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use contract::ProblemCode;

/// Reads the metrics, for Prometheus: from the machine itself, or with the metrics token.
#[utoipa::path(tag = "server", responses(
    (status = 200, description = "The metrics, as OpenMetrics text.", content_type = "application/openmetrics-text", body = String),
    (status = 403, description = "The request comes from another machine, and without the metrics token."),
))]
#[get("/metrics")]
pub async fn metrics(
    metrics: Data<MetricsService>,
    here: FromHere,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    if !metrics.admits(here.0, bearer_token(request.headers())) {
        let detail = "Metrics are read from the machine itself, or with the token of STOREKEEP_METRICS_TOKEN as `Authorization: Bearer …`.";
        return Err(ApiError::new(ProblemCode::NotFromHere, detail));
    }
    let text = metrics.text().await.map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
}
