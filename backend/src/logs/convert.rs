//! From the database to the wire.

use super::repo::Log;
use crate::db;
use crate::wire;
use contract::{BackupLog, OverallStatus, RowResult, RowStatus};

pub fn backup_log(log: Log) -> Result<BackupLog, db::Error> {
    let storages: Vec<RowResult> = db::from_json(&log.storages)?;
    let overall_status = wire::parse(&log.overall_status)?;
    let failed = storages.iter().any(|row| row.status == RowStatus::Failed);
    let retryable =
        overall_status == OverallStatus::Failed && failed && log.local_copy && log.backup_id.is_some();
    Ok(BackupLog {
        id: log.id,
        backup_id: log.backup_id,
        backup_title: log.backup_title,
        trigger: wire::parse(&log.trigger)?,
        label: log.label,
        overall_status,
        queued: log.queued,
        started_at: log.started_at,
        finished_at: log.finished_at,
        duration_sec: log.duration_sec.filter(|_| log.finished_at.is_some()),
        files: db::from_json(&log.files)?,
        storages,
        error_message: log.error_message,
        warnings: db::from_json(&log.warnings)?,
        copy_path: log.copy_path,
        downloadable: log.local_copy,
        cancelling: log.cancelling,
        retryable,
        retry_at: log.retry_at,
        retry_of: log.retry_of,
    })
}
