//! The routes of Backup Sets.

use super::query::{BackupQuery, ScheduleQuery};
use super::service::BackupsService;
use crate::http::{ApiError, Created, IfMatch, IfMatchHeader, NoContent, Query, Tagged, Valid};
use actix_web::{delete, get, post, put, web};
use contract::{BackupSet, BackupSetInput, BackupSetPage, SchedulePreview};

/// Lists the Backup Sets.
#[utoipa::path(tag = "backups", operation_id = "list_backups", params(BackupQuery), responses((status = 200)))]
#[get("/api/v1/backups")]
pub async fn list(
    service: web::Data<BackupsService>,
    query: Query<BackupQuery>,
) -> Result<web::Json<BackupSetPage>, ApiError> {
    Ok(web::Json(service.list(&query.0).await?))
}

/// Makes a Backup Set.
#[utoipa::path(tag = "backups", operation_id = "create_backup", responses((status = 201), (status = 409, description = "The title or the folder name is taken.")))]
#[post("/api/v1/backups")]
pub async fn create(
    service: web::Data<BackupsService>,
    input: Valid<BackupSetInput>,
) -> Result<Created<BackupSet>, ApiError> {
    let body = service.create(&input.0).await?;
    Ok(Created { id: body.id, body })
}

/// One Backup Set.
#[utoipa::path(tag = "backups", operation_id = "get_backup", params(("id" = i64, Path)), responses((status = 200)))]
#[get("/api/v1/backups/{id}")]
pub async fn get(
    service: web::Data<BackupsService>,
    id: web::Path<i64>,
) -> Result<Tagged<BackupSet>, ApiError> {
    Ok(Tagged(service.get(*id).await?))
}

/// Replaces a Backup Set.
#[utoipa::path(tag = "backups", operation_id = "update_backup", params(("id" = i64, Path), IfMatchHeader), responses((status = 200), (status = 409, description = "The title or the folder name is taken.")))]
#[put("/api/v1/backups/{id}")]
pub async fn update(
    service: web::Data<BackupsService>,
    id: web::Path<i64>,
    expected: IfMatch,
    input: Valid<BackupSetInput>,
) -> Result<Tagged<BackupSet>, ApiError> {
    Ok(Tagged(service.update(*id, expected.0, &input.0).await?))
}

/// Deletes a Backup Set. Its copies stay where they are.
#[utoipa::path(tag = "backups", operation_id = "delete_backup", params(("id" = i64, Path), IfMatchHeader), responses((status = 204), (status = 409, description = "A pass of it is queued or running.")))]
#[delete("/api/v1/backups/{id}")]
pub async fn delete(
    service: web::Data<BackupsService>,
    id: web::Path<i64>,
    expected: IfMatch,
) -> Result<NoContent, ApiError> {
    service.delete(*id, expected.0).await?;
    Ok(NoContent)
}

/// When a schedule would run next, before it is saved.
#[utoipa::path(tag = "backups", operation_id = "preview_schedule", params(ScheduleQuery), responses((status = 200)))]
#[get("/api/v1/schedule")]
pub async fn preview(
    service: web::Data<BackupsService>,
    query: Query<ScheduleQuery>,
) -> Result<web::Json<SchedulePreview>, ApiError> {
    Ok(web::Json(service.preview(&query.0).await?))
}
