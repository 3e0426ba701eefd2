//! One pass from taking its row to closing it.

use super::catalogue;
use super::error::Error;
use super::job;
use super::outcome::{self, Ending, Facts};
use super::repo::{self, Held};
use super::service::{Inner, LEASE};
use crate::db;
use crate::logs::progress::Reporter;
use crate::storages::Destination;
use contract::{BackupSet, RowResult};
use engine::event::Events;
use engine::pipeline::{self, Job, Outcome, Row, Target};
use engine::storage::StorageKind;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const HEARTBEAT: Duration = Duration::from_secs(20);
/// How often, and with which pauses, the end of a pass is written when the database does not take it.
const CLOSE_ATTEMPTS: u32 = 30;
const CLOSE_PAUSE: Duration = Duration::from_secs(2);

/// A pass of this process.
#[derive(Debug, Clone)]
pub struct Running {
    pub held: Held,
    cancel: CancellationToken,
    /// Why it was cut off, when it was.
    cut: Arc<OnceLock<Cut>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The server stops.
    Stop,
    /// Somebody else may hold the pass by now, or the database has not answered for too long.
    LeaseLost,
}

impl Running {
    pub fn new(held: Held) -> Self {
        Running { held, cancel: CancellationToken::new(), cut: Arc::default() }
    }

    pub fn cut(&self, why: Cut) {
        // The first reason counts.
        let _ = self.cut.set(why);
        self.cancel.cancel();
    }
}

pub const CRASHED: &str = "interrupted: the server ended while this pass was running (a crash, a kill, a power cut). \
    What was half-made has been removed, finished copies stay. Run the Backup Set again or wait for its next slot.";
pub const STOPPED: &str = "interrupted: the server was stopped while this pass was running. What was half-made has been \
    removed, finished copies stay. Run the Backup Set again or wait for its next slot.";
/// What a row is told that such a pass did not get to.
pub const CUT_SHORT: &str = "Nothing is known to be stored here: the pass was interrupted.";
const NOT_PREPARED: &str = "Nothing was stored here: the pass could not be prepared.";
const NOT_DONE: &str = "Nothing is known to be stored here: the pass ended in an error of Storekeep itself.";
const PANICKED: &str = "The pass ended in an error of Storekeep itself; the server's log has the details. What was \
    half-made is removed at the next start. Please report it.";

/// What a pass of this process keeps going; it ends with the pass, also when that panics.
struct Life {
    inner: Arc<Inner>,
    log_id: i64,
    heart: JoinHandle<()>,
}

impl Drop for Life {
    fn drop(&mut self) {
        // A lease that nobody renews any more runs out: then the pass is ended as an abandoned one.
        self.heart.abort();
        self.inner.running().remove(&self.log_id);
        self.inner.wake.notify_one();
    }
}

/// Runs a pass that this process holds. Never fails: whatever happens ends in the log row.
pub(super) async fn execute(inner: Arc<Inner>, running: Running) {
    let held = running.held.clone();
    let heart = tokio::spawn(heartbeat(inner.clone(), held.clone(), running.clone()));
    let _life = Life { inner: inner.clone(), log_id: held.log_id, heart };
    if AssertUnwindSafe(run(&inner, &running)).catch_unwind().await.is_err() {
        tracing::error!(
            backup_log.id = held.log_id,
            "a pass panicked; the message is in the output of the server"
        );
        let ending = inner.broken_off(&held, PANICKED, NOT_DONE).await;
        finish(&inner, &held, ending, None).await;
    }
}

async fn run(inner: &Inner, running: &Running) {
    let held = &running.held;
    tracing::info!(
        backup_log.id = held.log_id,
        backup.id = held.backup_id,
        attempt = held.attempt,
        "a pass starts"
    );
    let (ending, reporter) = match prepare(inner, held).await {
        Ok((set, job)) => {
            let reporter = inner.rooms.hub.open(held.log_id, job::plan(&set, &job));
            (perform(inner, held, &set, job, &reporter, running).await, Some(reporter))
        }
        Err(error) => {
            let error = inner.rooms.redactor.redact(&error.to_string());
            tracing::error!(backup_log.id = held.log_id, error, "a pass could not be prepared");
            let message = format!("The pass could not be prepared: {error}.");
            (Some(inner.broken_off(held, &message, NOT_PREPARED).await), None)
        }
    };
    match ending {
        Some(ending) => finish(inner, held, ending, reporter).await,
        None => tracing::error!(backup_log.id = held.log_id, "a pass was given up: its lease was lost"),
    }
}

impl Inner {
    /// The end of a pass of which only the reason is known.
    async fn broken_off(&self, held: &Held, message: &str, of_rows: &str) -> Ending {
        let rows = self.rows_not_reached(held.backup_id, held.log_id, of_rows).await;
        outcome::failure(held, message, &rows, self.rooms.clock.now())
    }

    /// One failed result for each enabled row of a Set; none when the Set itself cannot be read.
    pub async fn rows_not_reached(&self, backup_id: i64, log_id: i64, message: &str) -> Vec<RowResult> {
        match self.rooms.backups.get(backup_id).await {
            Ok(set) => {
                let rows = self.rows(&set, log_id).await;
                rows.iter().map(|row| outcome::not_reached(row, message, &self.rooms.redactor)).collect()
            }
            Err(error) => {
                tracing::error!(backup.id = backup_id, %error, "the rows of a pass cannot be told");
                Vec::new()
            }
        }
    }

    /// The enabled rows of a Set. Where their Storage Sets cannot be read, they are called by their ids.
    pub async fn rows(&self, set: &BackupSet, log_id: i64) -> Vec<Row> {
        let places = job::places(set);
        let destinations = self.rooms.storages.destinations(&places, log_id).await.unwrap_or_else(|error| {
            tracing::error!(backup.id = set.id, %error, "the Storage Sets of a pass cannot be read");
            let unknown = |id: i64| Destination {
                title: format!("Storage {id}"),
                kind: StorageKind::AmazonS3,
                target: Target::Unusable("The Storage Set could not be read.".into()),
            };
            places.iter().map(|place| (place.clone(), unknown(place.0))).collect()
        });
        job::rows(set, &destinations)
    }
}

async fn prepare(inner: &Inner, held: &Held) -> Result<(BackupSet, Job), Error> {
    let rooms = &inner.rooms;
    let set = rooms.backups.get(held.backup_id).await?;
    let destinations = rooms.storages.destinations(&job::places(&set), held.log_id).await?;
    let last = catalogue::last_good_bytes(&rooms.db, set.id).await?;
    let source = rooms.place.source.clone().ok_or(Error::NoSource)?;
    let job = job::job(&set, &rooms.place, source, held.started_at, &destinations, last);
    Ok((set, job))
}

/// The engine's work, and how it is to be stored. `None` when the pass is no longer ours to store.
async fn perform(
    inner: &Inner,
    held: &Held,
    set: &BackupSet,
    job: Job,
    reporter: &Reporter,
    running: &Running,
) -> Option<Ending> {
    let roots = job.rows.iter().map(|row| (row.storage_id.clone(), row.path.clone())).collect();
    let facts = Facts { held: held.clone(), backup_title: set.title.clone(), roots };
    let work = work(job, reporter.events(), running.cancel.clone()).await;
    let now = inner.rooms.clock.now();
    let stopped = match running.cut.get() {
        Some(Cut::LeaseLost) => return None,
        Some(Cut::Stop) => true,
        None => false,
    };
    let ending = work.map_err(Error::from).and_then(|outcome| {
        let outcome = if stopped { interrupted(outcome) } else { outcome };
        Ok(outcome::ending(&facts, &outcome, &inner.rooms.redactor, now)?)
    });
    match ending {
        Ok(ending) => Some(ending),
        Err(error) => {
            tracing::error!(backup_log.id = held.log_id, %error, "a pass broke off");
            Some(inner.broken_off(held, PANICKED, NOT_DONE).await)
        }
    }
}

/// The pipeline on a thread of its own: a panic ends the thread, not the server, and no step of it holds up requests.
async fn work(job: Job, events: Events, cancel: CancellationToken) -> std::io::Result<Outcome> {
    let (done, outcome) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new().name("pass".into()).spawn(move || {
        // Nobody waits any more only when the server is about to end.
        let _ = done.send(runtime.block_on(pipeline::run(job, events, cancel)));
    })?;
    outcome
        .await
        .map_err(|_| std::io::Error::other("it panicked; the message is in the output of the server"))
}

/// What a pass that the stop of the server cut off came to. One that got through in time keeps what it came to.
fn interrupted(outcome: Outcome) -> Outcome {
    if outcome.status == pipeline::Status::Failed {
        Outcome { error: Some(STOPPED.into()), ..outcome }
    } else {
        outcome
    }
}

async fn finish(inner: &Inner, held: &Held, ending: Ending, reporter: Option<Reporter>) {
    let status = ending.status;
    let mut attempt = 1;
    let stored = loop {
        match store(&inner.rooms.db, held, &ending).await {
            Err(error) if attempt < CLOSE_ATTEMPTS => {
                tracing::warn!(backup_log.id = held.log_id, %error, attempt, "the end of a pass could not be stored; trying again");
                tokio::time::sleep(CLOSE_PAUSE).await;
                attempt += 1;
            }
            other => break other,
        }
    };
    match stored {
        Ok(true) => tracing::info!(
            backup_log.id = held.log_id,
            backup.id = held.backup_id,
            status = ?status,
            seconds = ending.log.duration_sec,
            error = ending.log.error_message.as_deref(),
            "a pass has ended"
        ),
        Ok(false) => {
            tracing::error!(
                backup_log.id = held.log_id,
                "the end of a pass was not stored: its lease was lost"
            )
        }
        Err(error) => {
            tracing::error!(backup_log.id = held.log_id, %error, "the end of a pass could not be stored")
        }
    }
    if let Some(reporter) = reporter {
        reporter.finish(status);
    }
}

/// Closes the log and brings the catalogue up to date, both or neither. False when the pass is not held any more.
pub(super) async fn store(db: &db::Db, held: &Held, ending: &Ending) -> Result<bool, db::Error> {
    db::transaction(db, |tx| async move {
        if !repo::close(&tx, held, &ending.log).await? {
            return Ok(false);
        }
        for (destination, root, path) in &ending.swept {
            catalogue::remove(&tx, destination, root, path).await?;
        }
        for copy in &ending.copies {
            catalogue::add(&tx, copy).await?;
        }
        Ok(true)
    })
    .await
}

/// Renews the lease until the task is aborted; cuts the pass off once it is lost.
async fn heartbeat(inner: Arc<Inner>, held: Held, running: Running) {
    let limit = LEASE.to_std().unwrap_or(HEARTBEAT);
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let until = inner.rooms.clock.now() + LEASE;
        match tokio::time::timeout(HEARTBEAT, repo::renew(&inner.rooms.db, &held, until)).await {
            Ok(Ok(true)) => renewed = Instant::now(),
            Ok(Ok(false)) => {
                tracing::error!(backup_log.id = held.log_id, "the lease of a pass is lost; it is cancelled");
                return running.cut(Cut::LeaseLost);
            }
            Ok(Err(error)) => {
                tracing::warn!(backup_log.id = held.log_id, %error, "the lease of a pass could not be renewed");
            }
            Err(_) => {
                tracing::warn!(
                    backup_log.id = held.log_id,
                    "the database does not answer the renewal of a lease"
                )
            }
        }
        if renewed.elapsed() >= limit {
            tracing::error!(backup_log.id = held.log_id, "the lease of a pass has run out; it is cancelled");
            return running.cut(Cut::LeaseLost);
        }
    }
}
