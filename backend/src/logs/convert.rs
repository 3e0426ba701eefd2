//! From the database to the wire.

use super::repo::Log;
use crate::db;
use crate::wire;
use contract::BackupLog;

pub fn backup_log(log: Log) -> Result<BackupLog, db::Error> {
    Ok(BackupLog {
        id: log.id,
        backup_id: log.backup_id,
        backup_title: log.backup_title,
        trigger: wire::parse(&log.trigger)?,
        label: log.label,
        overall_status: wire::parse(&log.overall_status)?,
        queued: log.queued,
        started_at: log.started_at,
        finished_at: log.finished_at,
        duration_sec: log.duration_sec,
        files: db::from_json(&log.files)?,
        storages: db::from_json(&log.storages)?,
        error_message: log.error_message,
        warnings: db::from_json(&log.warnings)?,
        copy_path: log.copy_path,
        downloadable: log.local_copy,
    })
}
