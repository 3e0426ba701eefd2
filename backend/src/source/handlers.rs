//! The route of the source.

use super::service::SourceService;
use crate::http::ApiError;
use actix_web::{get, web};
use contract::SourceReport;

/// Looks at the store: directories, databases, tables, grants, and what would go wrong in a pass.
///
/// It takes some seconds. What cannot be read is a problem in the report, not an error of the request.
#[utoipa::path(tag = "source", responses((status = 200)))]
#[get("/api/v1/source")]
pub async fn get_source(service: web::Data<SourceService>) -> Result<web::Json<SourceReport>, ApiError> {
    Ok(web::Json(service.report().await))
}
