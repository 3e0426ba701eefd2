//! One pass: archive → seal → local retention → every row → its retention.

use crate::archive::ArchiveFile;
use crate::event::{Events, Warning};
use crate::source::magento::Source;
use crate::storage::{Storage, StorageKind};
use chrono::{DateTime, Utc};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Everything one pass needs. Built by the server from a Set and its settings.
pub struct Job {
    /// Title of the Set, for messages and the manifest.
    pub title: String,
    /// The Set's folder: one safe path segment.
    pub folder: String,
    /// When the pass started; names the copy's folder (see `policy::layout`).
    pub started_at: DateTime<Utc>,
    pub archive_dir: PathBuf,
    pub source: Source,
    pub files: bool,
    pub database: bool,
    pub exclude_directories: Vec<String>,
    pub exclude_tables: Vec<String>,
    pub symlinks: crate::source::files::Symlinks,
    /// Bytes per archive part; an archive that fits into one part is not numbered.
    pub part_size: u64,
    /// The enabled rows, in order.
    pub rows: Vec<Row>,
    /// Uncompressed-to-archive estimate for the free-space check: bytes of the last good copy of this Set, if there is one.
    pub last_copy_bytes: Option<u64>,
}

/// One enabled destination.
pub struct Row {
    /// `local`, or the id of the Storage Set.
    pub storage_id: String,
    pub title: String,
    pub kind: StorageKind,
    pub keep_copies: u32,
    /// The row's folder at the destination; empty for local.
    pub path: String,
    pub target: Target,
}

pub enum Target {
    /// The archive directory itself.
    Local,
    Remote(Arc<dyn Storage>),
    /// The row cannot be used (its Storage Set is gone, disabled, unlinked): it fails with this message.
    Unusable(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Success,
    Partial,
    Failed,
}

#[derive(Debug, Clone)]
pub struct RowResult {
    pub storage_id: String,
    pub title: String,
    pub kind: StorageKind,
    pub ok: bool,
    pub message: String,
    pub bytes: u64,
    pub seconds: f64,
}

/// What a pass came to. There is always one: errors end in `status` and `error`, never in a panic or an early return.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub status: Status,
    /// `<folder>/<timestamp>` once sealed.
    pub copy_path: Option<String>,
    pub archives: Vec<ArchiveFile>,
    /// Everything that was asked for is in the copy.
    pub complete: bool,
    pub rows: Vec<RowResult>,
    /// At most [`MAX_WARNINGS`], the last one then counts the rest.
    pub warnings: Vec<Warning>,
    /// Why the pass failed before the storage phase: the cause and the remedy.
    pub error: Option<String>,
    /// Local copies that retention removed, as `<folder>/<timestamp>`.
    pub swept: Vec<String>,
    /// The local copy is still there at the end (as a row, or as staging kept for a retry).
    pub local_copy_kept: bool,
}

pub const MAX_WARNINGS: usize = 1000;

/// Runs one pass to its end. Cancelling `cancel` stops it at the next block of bytes; nothing half-made stays.
pub async fn run(job: Job, events: Events, cancel: CancellationToken) -> Outcome {
    let _ = (job, events, cancel);
    Outcome {
        status: Status::Failed,
        copy_path: None,
        archives: Vec::new(),
        complete: false,
        rows: Vec::new(),
        warnings: Vec::new(),
        error: Some("not built yet".into()),
        swept: Vec::new(),
        local_copy_kept: false,
    }
}
