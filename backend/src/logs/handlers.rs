//! The routes of Backup Logs.

use super::download::Download;
use super::query::{LogQuery, WaitQuery};
use super::service::LogsService;
use super::stream::EventStream;
use crate::http::{ApiError, Permit, Query};
use actix_web::{get, web};
use contract::{BackupLog, BackupLogPage, LogProgress, OverallStatus};

/// Lists the Backup Logs, the newest first.
#[utoipa::path(tag = "logs", operation_id = "list_logs", params(LogQuery), responses((status = 200)))]
#[get("/api/v1/logs")]
pub async fn list(
    service: web::Data<LogsService>,
    query: Query<LogQuery>,
) -> Result<web::Json<BackupLogPage>, ApiError> {
    Ok(web::Json(service.list(&query.0).await?))
}

/// One Backup Log, with `wait` once its pass has ended.
#[utoipa::path(tag = "logs", operation_id = "get_log", params(("id" = i64, Path), WaitQuery), responses((status = 200)))]
#[get("/api/v1/logs/{id}")]
pub async fn get(
    service: web::Data<LogsService>,
    id: web::Path<i64>,
    query: Query<WaitQuery>,
    permit: Permit,
) -> Result<web::Json<BackupLog>, ApiError> {
    let log = service.get(*id).await?;
    if log.overall_status != OverallStatus::Pending || query.0.duration().is_zero() {
        return Ok(web::Json(log));
    }
    let waited = permit.during(service.wait(*id, query.0.duration())).await?;
    Ok(web::Json(waited.transpose()?.unwrap_or(log)))
}

/// Follows a pass: `progress` events while it runs, then one `log` event with the Backup Log.
///
/// The stream ends without the `log` event when the permission is gone or the server stops: ask again then.
#[utoipa::path(tag = "logs", operation_id = "watch_log", params(("id" = i64, Path)), responses((status = 200, description = "Server-sent events.", content_type = "text/event-stream", body = LogProgress)))]
#[get("/api/v1/logs/{id}/events")]
pub async fn watch(
    service: web::Data<LogsService>,
    id: web::Path<i64>,
    permit: Permit,
) -> Result<EventStream, ApiError> {
    let log = service.get(*id).await?;
    Ok(EventStream::of(service.get_ref().clone(), log, permit.watch()))
}

/// Downloads one archive of a pass from the archive directory. Ranges are honoured.
#[utoipa::path(tag = "logs", operation_id = "download_archive", params(("id" = i64, Path), ("name" = String, Path, description = "The archive's name without its folder: `files.tgz`, `db.sql.gz`.")), responses((status = 200, description = "The archive.", content_type = "application/octet-stream", body = Vec<u8>), (status = 206, description = "The part of it that `Range` asked for.", content_type = "application/octet-stream", body = Vec<u8>), (status = 410, description = "The copy is no longer in the archive directory.")))]
#[get("/api/v1/logs/{id}/archives/{name}")]
pub async fn download(
    service: web::Data<LogsService>,
    path: web::Path<(i64, String)>,
) -> Result<Download, ApiError> {
    let (id, name) = path.into_inner();
    Download::open(service.archive(id, &name).await?).await
}
