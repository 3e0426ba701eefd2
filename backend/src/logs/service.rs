//! Reading Backup Logs, waiting for them, finding their archives.

use super::convert;
use super::error::Error;
use super::progress::{Hub, Watcher};
use super::query::LogQuery;
use super::repo;
use crate::clock::SharedClock;
use crate::db::Db;
use crate::wire;
use chrono::{DateTime, Utc};
use contract::{BackupLog, BackupLogPage, LogProgress, OverallStatus, Phase, PhaseProgress, PhaseState};
use engine::policy::layout;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How many logs are deleted in one transaction.
const CLEAN_UP_BATCH: u64 = 500;
/// Lets others at the database in between.
const CLEAN_UP_PAUSE: Duration = Duration::from_millis(20);
/// How often a pass of another process is looked at.
const POLL: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct LogsService {
    db: Db,
    clock: SharedClock,
    hub: Hub,
    archive_dir: Arc<PathBuf>,
}

/// An archive that can be downloaded.
#[derive(Debug)]
pub struct Archive {
    pub path: PathBuf,
    /// Says which Set and which pass: `nightly-2026-11-22T02-30-00Z-db.sql.gz`.
    pub file_name: String,
    pub sha256: String,
}

impl LogsService {
    pub fn new(db: Db, clock: SharedClock, hub: Hub, archive_dir: PathBuf) -> Self {
        LogsService { db, clock, hub, archive_dir: Arc::new(archive_dir) }
    }

    pub async fn get(&self, id: i64) -> Result<BackupLog, Error> {
        let log = repo::find(&self.db, id).await?.ok_or(Error::Missing(id))?;
        Ok(convert::backup_log(log)?)
    }

    pub async fn list(&self, query: &LogQuery) -> Result<BackupLogPage, Error> {
        let page = query.page().map_err(Error::Invalid)?;
        let order = query.order().map_err(Error::Invalid)?;
        let filter = repo::Filter {
            backup_id: query.backup_id,
            overall_status: query.overall_status.map(wire::name),
            trigger: query.trigger.map(wire::name),
            q: query.q.clone(),
        };
        let range = (page.offset(), u64::from(page.per_page));
        let (logs, total) = repo::list(&self.db, &filter, order, range).await?;
        let items = logs.into_iter().map(convert::backup_log).collect::<Result<_, _>>()?;
        let total = i64::try_from(total).unwrap_or(i64::MAX);
        Ok(BackupLogPage { items, page: page.page, per_page: page.per_page, total })
    }

    /// The log once its pass has ended, or as it is after `wait`.
    pub async fn wait(&self, id: i64, wait: Duration) -> Result<BackupLog, Error> {
        let deadline = Instant::now() + wait;
        loop {
            // Watched before it is read, so that an end in between is not missed.
            let watcher = self.watch(id);
            let log = self.get(id).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            if log.overall_status != OverallStatus::Pending || left.is_zero() {
                return Ok(log);
            }
            let pause = left.min(POLL);
            match watcher {
                Some(mut watcher) => drop(tokio::time::timeout(pause, watcher.ended()).await),
                None => tokio::time::sleep(pause).await,
            }
        }
    }

    /// Deletes the logs of passes that began before `before`, oldest first, a batch at a time so that nobody waits for it; returns how
    /// many. What is running or to be tried again stays. The catalogue of copies keeps what it has.
    pub async fn clean_up(&self, before: DateTime<Utc>, stop: &CancellationToken) -> Result<u64, Error> {
        let mut deleted = 0;
        while !stop.is_cancelled() {
            let batch = repo::delete_before(&self.db, before, CLEAN_UP_BATCH).await?;
            deleted += batch;
            if batch == 0 {
                break;
            }
            tokio::time::sleep(CLEAN_UP_PAUSE).await;
        }
        Ok(deleted)
    }

    /// The live progress of the pass; `None` unless it runs in this process.
    pub fn watch(&self, id: i64) -> Option<Watcher> {
        self.hub.watch(id)
    }

    /// What can be told of a pass that is queued, or runs in another process.
    pub fn progress_from_afar(&self, log: &BackupLog) -> LogProgress {
        let elapsed = self.clock.now() - log.started_at;
        let queued = PhaseProgress {
            phase: Phase::Queued,
            state: PhaseState::Running,
            bytes_done: 0,
            bytes_total: None,
            bytes_written: 0,
            items_done: 0,
            items_total: None,
            rate_bytes_per_sec: None,
        };
        LogProgress {
            log_id: log.id,
            overall_status: log.overall_status,
            phases: if log.queued { vec![queued] } else { Vec::new() },
            destinations: Vec::new(),
            elapsed_sec: elapsed.to_std().unwrap_or_default().as_secs_f64(),
            remaining_sec: None,
        }
    }

    /// The file behind `name`, the base name of an archive of this log. Only names that the log lists are found.
    pub async fn archive(&self, id: i64, name: &str) -> Result<Archive, Error> {
        let log = self.get(id).await?;
        let base = |path: &str| path.rsplit('/').next() == Some(name);
        let file = log.files.into_iter().find(|f| base(&f.name) && layout::is_safe_key(&f.name));
        let file = file.ok_or_else(|| Error::NoSuchArchive { name: name.into() })?;
        let gone = || Error::ArchiveGone { name: name.into() };
        let copy =
            repo::local_copy(&self.db, id).await?.filter(|c| layout::is_safe_key(c)).ok_or_else(gone)?;
        let path = self.archive_dir.join(&copy).join(&file.name);
        match tokio::fs::symlink_metadata(&path).await {
            Ok(meta) if meta.is_file() => {}
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
            _ => return Err(gone()),
        }
        let file_name = format!("{}-{name}", copy.replace('/', "-"));
        Ok(Archive { path, file_name, sha256: file.sha256 })
    }
}
