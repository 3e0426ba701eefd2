//! One pass: archive → seal → local retention → every row → its retention.

use crate::archive::ArchiveFile;
use crate::event::{Events, Warning};
use crate::source::magento::Source;
use crate::storage::{RetryPolicy, Storage, StorageKind};
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

mod database;
mod earlier;
mod inventory;
mod local;
mod make;
mod pass;
mod resume;
mod rows;
mod space;
mod status;
mod sweep;
mod unchanged;
mod upload;

#[cfg(test)]
mod tests;

pub use inventory::{CopyThere, Inventory, copies_at};
pub use local::{LocalCopy, local_copies, remove_partials};
pub use resume::{Again, resume};
pub use space::human;

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
    /// Absolute paths that never go into an archive, wherever they lie: the server's data directory, which holds its keys. The archive
    /// directory is left out in any case.
    pub leave_out: Vec<PathBuf>,
    pub exclude_tables: Vec<String>,
    pub symlinks: crate::source::files::Symlinks,
    /// Bytes per archive part; an archive that fits into one part is not numbered.
    pub part_size: u64,
    /// The enabled rows, in order.
    pub rows: Vec<Row>,
    /// Cancelled together with the pass, it keeps what uploads have sent and their sessions for [`resume`].
    pub suspend: CancellationToken,
    /// How many passes in a row may copy what is unchanged from the one before; 0: everything is read and made anew.
    pub reuse_limit: u32,
    /// Uncompressed-to-archive estimate for the free-space check: bytes of the last good copy of this Set, if there is one.
    pub last_copy_bytes: Option<u64>,
}

/// One enabled destination.
#[derive(Clone)]
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

#[derive(Clone)]
pub enum Target {
    /// The archive directory itself.
    Local,
    /// Rooted at the row's path already: the copy's keys there are `<folder>/<timestamp>/…`.
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
    /// Copies that retention removed there, as `<folder>/<timestamp>`.
    pub swept: Vec<String>,
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
    /// Local copies that only waited for their uploads and are gone, as `<folder>/<timestamp>`.
    pub swept: Vec<String>,
    /// The local copy is still there at the end (as a row, or as staging kept for a retry).
    pub local_copy_kept: bool,
}

pub const MAX_WARNINGS: usize = 1000;

/// Threads that read and compress files in one pass. Each has buffers of its own: more would cost memory beyond what the program may
/// use, and no disk keeps more of them busy.
const MOST_WORKERS: usize = 8;

/// How many of them a pass has on a machine that can run so many threads at once.
pub fn workers(available: usize) -> usize {
    available.clamp(1, MOST_WORKERS)
}

/// Runs one pass to its end. Cancelling `cancel` stops it at the next block of bytes; nothing half-made stays.
///
/// The order, and what each step promises, is that of a pass: the database snapshot is opened before the first file is read; everything
/// is written under `<timestamp>.partial/`, flushed, and renamed with its manifest; then the rows, each on its own.
pub async fn run(job: Job, events: Events, cancel: CancellationToken) -> Outcome {
    run_tuned(job, events, cancel, Tuning::default()).await
}

/// How patient a pass is with destinations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning {
    pub retry: RetryPolicy,
    /// A destination that takes nothing and says nothing for so long is given up on.
    pub stall: Duration,
    /// How long a cancelled upload may take to clear up behind itself.
    pub grace: Duration,
    /// How long removing what arrived of a failed upload may take.
    pub clear_up: Duration,
    /// The same after the pass was cancelled: somebody waits for its end.
    pub clear_up_cancelled: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            retry: RetryPolicy::default(),
            stall: Duration::from_secs(30 * 60),
            grace: Duration::from_millis(1500),
            clear_up: Duration::from_secs(60),
            clear_up_cancelled: Duration::from_secs(3),
        }
    }
}

pub(crate) async fn run_tuned(
    job: Job,
    events: Events,
    cancel: CancellationToken,
    tuning: Tuning,
) -> Outcome {
    let cancel = cancel.child_token();
    // What was started for this pass ends with it, also when it panics or its future is dropped.
    let _end = cancel.clone().drop_guard();
    let started = Instant::now();
    let outcome = caught(&job.folder, pass::run(&job, events, cancel, tuning)).await;
    outcome.unwrap_or_else(|reason| Outcome::failed(&job, started, reason))
}

/// What a pass came to; as an error what is told of one that panicked. `of` is what it was about.
async fn caught<T>(of: &str, pass: impl Future<Output = T>) -> std::result::Result<T, String> {
    AssertUnwindSafe(pass).catch_unwind().await.map_err(|panic| {
        let text = panic_text(panic.as_ref());
        tracing::error!(of, panic = text, "a pass panicked");
        format!("The pass ended unexpectedly: {text}. This is a fault of the program.")
    })
}

/// What a panic said.
fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

impl Outcome {
    /// A pass that failed before anything could be stored.
    fn failed(job: &Job, started: Instant, error: String) -> Outcome {
        let seconds = started.elapsed().as_secs_f64();
        let row = |row: &Row| {
            let message = match &row.target {
                Target::Unusable(message) => message.clone(),
                _ => "Nothing was stored here: the pass failed before.".into(),
            };
            row.result(false, message, 0, seconds)
        };
        Outcome {
            status: Status::Failed,
            copy_path: None,
            archives: Vec::new(),
            complete: false,
            rows: job.rows.iter().map(row).collect(),
            warnings: Vec::new(),
            error: Some(error),
            swept: Vec::new(),
            local_copy_kept: false,
        }
    }
}

impl Row {
    fn result(&self, ok: bool, message: String, bytes: u64, seconds: f64) -> RowResult {
        RowResult {
            storage_id: self.storage_id.clone(),
            title: self.title.clone(),
            kind: self.kind,
            ok,
            message,
            bytes,
            seconds,
            swept: Vec::new(),
        }
    }
}
