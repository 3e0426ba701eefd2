//! The routes that start passes.

use super::error::Error;
use super::service::{Request, RunsService};
use crate::http::{Accepted, ApiError, Permit, Principal, Query, ValidOrDefault, Via};
use crate::logs::WaitQuery;
use actix_web::{Either, HttpRequest, post, web};
use contract::{BackupLog, OverallStatus, RunInput, Trigger};
use std::time::Duration;

/// 200 with a log whose pass has ended, 202 with one that is under way.
type Started = Either<web::Json<BackupLog>, Accepted<BackupLog>>;

/// Starts a pass. 202 with its log while it is under way; with `wait`, 200 when it ended in time.
#[utoipa::path(tag = "backups", operation_id = "run_backup", params(("id" = i64, Path), WaitQuery, ("Idempotency-Key" = Option<String>, Header, description = "Requests for the same Backup Set with the same key start one pass together.")), request_body(content = Option<RunInput>), responses((status = 202, description = "The pass is queued or running."), (status = 200, description = "The pass has ended."), (status = 409, description = "A pass of the Set is queued or running, backups are switched off, or no Magento root is configured.")))]
#[post("/api/v1/backups/{id}/runs")]
pub async fn run(
    service: web::Data<RunsService>,
    id: web::Path<i64>,
    query: Query<WaitQuery>,
    principal: Principal,
    permit: Permit,
    request: HttpRequest,
    input: ValidOrDefault<RunInput>,
) -> Result<Started, ApiError> {
    let trigger = match principal.via {
        Via::Token(_) => Trigger::Token,
        Via::Session(_) => Trigger::Manual,
    };
    let idempotency_key = idempotency_key(&request)?;
    let pass = Request { backup_id: *id, trigger, label: input.0.label, idempotency_key };
    let log = service.start(pass, Duration::ZERO).await?;
    answer(&service, log, query.0.duration(), permit).await
}

/// Ends a pass early. 202 with its log while it is ending, which takes seconds; with `wait`, 200 when it ended in time.
#[utoipa::path(tag = "logs", operation_id = "cancel_log", params(("id" = i64, Path), WaitQuery), responses((status = 202, description = "The pass is ending."), (status = 200, description = "The pass has ended."), (status = 409, description = "The pass has ended already.")))]
#[post("/api/v1/logs/{id}/cancel")]
pub async fn cancel(
    service: web::Data<RunsService>,
    id: web::Path<i64>,
    query: Query<WaitQuery>,
    principal: Principal,
    permit: Permit,
) -> Result<Started, ApiError> {
    let log = service.cancel(*id, &principal.username).await?;
    answer(&service, log, query.0.duration(), permit).await
}

/// Tries the destinations of a failed pass again, from the archives that are kept. 202 with its log while it is under way; with `wait`, 200
/// when it ended in time.
#[utoipa::path(tag = "logs", operation_id = "retry_log", params(("id" = i64, Path), WaitQuery), responses((status = 202, description = "The pass is queued or running again."), (status = 200, description = "The pass has ended."), (status = 409, description = "A pass of the Set is queued or running, backups are switched off, or there is nothing to try again.")))]
#[post("/api/v1/logs/{id}/retry")]
pub async fn retry(
    service: web::Data<RunsService>,
    id: web::Path<i64>,
    query: Query<WaitQuery>,
    permit: Permit,
) -> Result<Started, ApiError> {
    let log = service.retry(*id).await?;
    answer(&service, log, query.0.duration(), permit).await
}

/// The log once its pass has ended, or as it is after `wait`.
async fn answer(
    service: &RunsService,
    log: BackupLog,
    wait: Duration,
    permit: Permit,
) -> Result<Started, ApiError> {
    if log.overall_status != OverallStatus::Pending || wait.is_zero() {
        return Ok(started(log));
    }
    let waited = permit.during(service.wait(log.id, wait)).await?;
    Ok(started(waited.transpose()?.unwrap_or(log)))
}

fn started(log: BackupLog) -> Started {
    match log.overall_status {
        OverallStatus::Pending => {
            Either::Right(Accepted { location: format!("/api/v1/logs/{}", log.id), body: log })
        }
        _ => Either::Left(web::Json(log)),
    }
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Error> {
    let header = request.headers().get("idempotency-key");
    header.map(|v| v.to_str().map(ToOwned::to_owned).map_err(|_| Error::IdempotencyKey)).transpose()
}
