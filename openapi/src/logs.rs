//! Backup Logs: the record of a pass, and its progress while it runs.

use crate::page::page_of;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OverallStatus {
    Pending,
    Success,
    Partial,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    Schedule,
    Manual,
    Token,
    Cli,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StorageType {
    Local,
    GoogleDrive,
    OneDrive,
    Dropbox,
    AmazonS3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    Success,
    Failed,
}

/// One archive of a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ArchiveFile {
    /// The path inside the copy: `files/files.tgz`, `files/files.tgz.001`, `db/db.sql.gz`.
    pub name: String,
    #[cfg_attr(feature = "schema", schema(minimum = 0))]
    pub size_bytes: i64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

/// What one enabled storage row came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RowResult {
    /// `local`, or the id of the Storage Set.
    pub storage_id: String,
    pub title: String,
    #[serde(rename = "type")]
    pub kind: StorageType,
    pub status: RowStatus,
    pub message: String,
    /// Bytes that this pass put there.
    pub bytes: i64,
    pub seconds: f64,
}

/// Something an administrator should know that did not end the pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Warning {
    /// Stable: `unreadable`, `vanished`, `changed`, `special_file`, `missing_grant`, `definition_changed`, …
    pub code: String,
    /// The file, table or privilege it is about.
    pub subject: Option<String>,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BackupLog {
    pub id: i64,
    /// Null once the Set is deleted.
    pub backup_id: Option<i64>,
    pub backup_title: String,
    pub trigger: Trigger,
    pub label: Option<String>,
    pub overall_status: OverallStatus,
    /// True while the pass waits for its turn.
    pub queued: bool,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub duration_sec: Option<f64>,
    pub files: Vec<ArchiveFile>,
    pub storages: Vec<RowResult>,
    pub error_message: Option<String>,
    pub warnings: Vec<Warning>,
    /// The copy's folder below each destination: `<folder_name>/<timestamp>`.
    pub copy_path: Option<String>,
    /// The local copy is there, so its archives can be downloaded.
    pub downloadable: bool,
    /// Somebody asked for its end; it ends within seconds.
    pub cancelling: bool,
    /// Its archives are kept and a row failed: the rows that failed can be tried again.
    pub retryable: bool,
    /// When it is tried again by itself.
    pub retry_at: Option<DateTime<Utc>>,
    /// The log of the pass that this one repeats.
    pub retry_of: Option<i64>,
}

page_of!(BackupLogPage, BackupLog);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Queued,
    Preflight,
    Files,
    Database,
    Seal,
    Retention,
    Upload,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PhaseState {
    Waiting,
    Running,
    Done,
    Failed,
}

/// How far one phase is. Files and Database run side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PhaseProgress {
    pub phase: Phase,
    pub state: PhaseState,
    /// Source bytes dealt with.
    pub bytes_done: i64,
    /// An estimate; null when nothing is known.
    pub bytes_total: Option<i64>,
    /// Compressed bytes written.
    pub bytes_written: i64,
    /// Files or tables.
    pub items_done: i64,
    pub items_total: Option<i64>,
    /// Source bytes a second, over the last seconds.
    pub rate_bytes_per_sec: Option<f64>,
}

/// How far one destination is while the copy is uploaded. They go side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DestinationProgress {
    /// The id of the Storage Set.
    pub storage_id: String,
    pub title: String,
    #[serde(rename = "type")]
    pub kind: StorageType,
    pub state: PhaseState,
    /// Bytes of the copy that it has taken.
    pub bytes_done: i64,
    /// Null until the upload begins.
    pub bytes_total: Option<i64>,
    /// Over the last seconds.
    pub rate_bytes_per_sec: Option<f64>,
}

/// The state of a running pass: what `GET /logs/{id}/events` sends as `progress` events, a few times a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LogProgress {
    pub log_id: i64,
    pub overall_status: OverallStatus,
    pub phases: Vec<PhaseProgress>,
    /// The enabled destinations besides this server, in the order of the Set's rows.
    pub destinations: Vec<DestinationProgress>,
    pub elapsed_sec: f64,
    /// Seconds left, once the rate says something.
    pub remaining_sec: Option<f64>,
}
