//! The routes of the inbox.

use super::query::NotificationQuery;
use super::service::NotificationsService;
use crate::http::{ApiError, NoContent, Query};
use actix_web::{get, post, web};
use contract::NotificationPage;

/// Lists the inbox, the newest first.
#[utoipa::path(tag = "notifications", operation_id = "list_notifications", params(NotificationQuery), responses((status = 200)))]
#[get("/api/v1/notifications")]
pub async fn list(
    service: web::Data<NotificationsService>,
    query: Query<NotificationQuery>,
) -> Result<web::Json<NotificationPage>, ApiError> {
    Ok(web::Json(service.list(&query.0).await?))
}

/// Dismisses a notification, for everybody. One that is dismissed already is fine.
#[utoipa::path(tag = "notifications", operation_id = "dismiss_notification", params(("id" = i64, Path)), responses((status = 204)))]
#[post("/api/v1/notifications/{id}/dismiss")]
pub async fn dismiss(
    service: web::Data<NotificationsService>,
    id: web::Path<i64>,
) -> Result<NoContent, ApiError> {
    service.dismiss(*id).await?;
    Ok(NoContent)
}
