//! One pass from taking its row to closing it.

use super::again::{self, Going};
use super::catalogue;
use super::error::Error;
use super::heart;
use super::job;
use super::outcome::{self, Ending, Facts};
use super::repo::{self, Held};
use super::service::{Inner, Rooms};
use crate::alerts::{Ended, Told};
use crate::db;
use crate::logs::progress::Reporter;
use crate::redact::Redactor;
use crate::storages::Destination;
use chrono::{DateTime, Utc};
use contract::{BackupSet, RowResult, RowStatus};
use engine::pipeline::{self, Job, Outcome, Row, Target};
use engine::storage::StorageKind;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often, and with which pauses, the end of a pass is written when the database does not take it.
const CLOSE_ATTEMPTS: u32 = 30;
const CLOSE_PAUSE: Duration = Duration::from_secs(2);

/// A pass of this process.
#[derive(Debug, Clone)]
pub struct Running {
    pub held: Held,
    cancel: CancellationToken,
    /// Cancelled as well when what its uploads have sent is to be kept.
    suspend: CancellationToken,
    /// Why it was cut off, when it was.
    cut: Arc<OnceLock<Cut>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// The server stops.
    Stop,
    /// Somebody else may hold the pass by now, or the database has not answered for too long.
    LeaseLost,
    /// Somebody wants it to end.
    Cancelled(String),
    TooLong {
        hours: u64,
    },
}

impl Cut {
    /// What the log says; `None` when it is not ours to write.
    fn message(&self) -> Option<String> {
        match self {
            Cut::Stop => Some(STOPPED.into()),
            Cut::LeaseLost => None,
            Cut::Cancelled(who) => Some(cancelled_by(who)),
            Cut::TooLong { hours } => Some(format!(
                "The pass took longer than the {hours} hours that a pass may take, and was ended. What was half-made has been removed, \
                 finished copies stay. Find out what is slow (the results of the rows tell), or allow passes more time in the settings."
            )),
        }
    }
}

pub fn cancelled_by(who: &str) -> String {
    let by = if who.is_empty() { String::new() } else { format!(" by {who}") };
    format!("The pass was cancelled{by}. What was half-made has been removed, finished copies stay.")
}

impl Running {
    pub fn new(held: Held) -> Self {
        let (cancel, suspend) = (CancellationToken::new(), CancellationToken::new());
        Running { held, cancel, suspend, cut: Arc::default() }
    }

    pub fn is_cut(&self) -> bool {
        self.cut.get().is_some()
    }

    pub fn cut(&self, why: Cut) {
        // Whoever comes after goes on with the uploads, or tidies them away; who cancels the pass wants nothing more of it.
        if matches!(why, Cut::Stop | Cut::LeaseLost) {
            self.suspend.cancel();
        }
        // The first reason counts.
        let _ = self.cut.set(why);
        self.cancel.cancel();
    }
}

pub const CRASHED: &str = "interrupted: the server ended while this pass was running (a crash, a kill, a power cut). Finished copies stay.";
pub const STOPPED: &str =
    "interrupted: the server was stopped while this pass was running. Finished copies stay.";
/// What follows on both.
const OVER: &str = "What was half-made has been removed. Run the Backup Set again or wait for its next slot.";
const KEPT: &str = "What was half-made has been removed. The archives are kept: try the destinations that failed again from the log, or wait \
    for the next slot.";
const GOES_ON: &str = "It is tried again by itself; what has been sent by then is not sent again.";
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
        self.inner.rooms.alerts.forget_pass(self.log_id);
        self.inner.wake.notify_one();
    }
}

/// Runs a pass that this process holds. Never fails: whatever happens ends in the log row.
pub(super) async fn execute(inner: Arc<Inner>, running: Running) {
    let held = running.held.clone();
    let heart = tokio::spawn(heart::beat(inner.clone(), running.clone()));
    let _life = Life { inner: inner.clone(), log_id: held.log_id, heart };
    let set = inner.rooms.backups.get(held.backup_id).await.ok();
    inner.rooms.alerts.pass_begins(held.log_id, set.and_then(|set| set.ping_url).as_deref());
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
    let (ending, reporter) = match prepare(inner, running).await {
        Ok((set, Work::Whole(job))) => {
            let reporter = inner.rooms.hub.open(held.log_id, job::plan(&set, &job));
            (perform(inner, held, &set, *job, &reporter, running).await, Some(reporter))
        }
        Ok((set, Work::Rest(going))) => {
            let reporter = inner.rooms.hub.open(held.log_id, job::plan_again(&going.job.rows));
            (go_on(inner, held, &set, going, &reporter, running).await, Some(reporter))
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
    pub async fn broken_off(&self, held: &Held, message: &str, of_rows: &str) -> Ending {
        let now = self.rooms.clock.now();
        let ending = match &held.again {
            Some(again) => outcome::ended_again(held, again, message, now),
            None => {
                let rows = self.rows_not_reached(held.backup_id, held.log_id, of_rows).await;
                outcome::failure(held, message, &rows, now)
            }
        };
        self.with_retry(held, ending, now).await
    }

    /// The end of a pass with when it is tried again, and with what an interrupted one is told of that. Not for one that somebody cancelled,
    /// whatever else ended it in the same moment.
    pub async fn with_retry(&self, held: &Held, mut ending: Ending, now: DateTime<Utc>) -> Ending {
        let asked = again::repo::asked_for_end(&self.rooms.db, held.log_id).await.ok().flatten();
        let set = match asked {
            Some(_) => None,
            None => self.rooms.backups.get(held.backup_id).await.ok(),
        };
        ending.log.retry_at = set.and_then(|set| again::next_retry(&set, held, ending.status, now));
        if let Some(message) = &mut ending.log.error_message
            && (message == CRASHED || message == STOPPED)
        {
            message.push(' ');
            message.push_str(match (ending.log.retry_at, &ending.log.copy_path) {
                (Some(_), _) => GOES_ON,
                (None, Some(_)) => KEPT,
                (None, None) => OVER,
            });
        }
        ending
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

/// What there is to do.
enum Work {
    Whole(Box<Job>),
    /// The copy is there; some rows lack it.
    Rest(Going),
}

async fn prepare(inner: &Inner, running: &Running) -> Result<(BackupSet, Work), Error> {
    let (rooms, held) = (&inner.rooms, &running.held);
    let set = rooms.backups.get(held.backup_id).await?;
    if let Some(again) = &held.again {
        let going = inner.going(&set, held, again, running.suspend.clone()).await?;
        return Ok((set, Work::Rest(going)));
    }
    let destinations = rooms.storages.destinations(&job::places(&set), held.log_id).await?;
    let last = catalogue::last_good_bytes(&rooms.db, set.id).await?;
    let source = rooms.place.source.clone().ok_or(Error::NoSource)?;
    let suspend = running.suspend.clone();
    let reuse_limit = job::reuse_limit(&set, rooms.settings.current().await?.full_pass_every);
    let job = job::job(&set, &rooms.place, source, held.started_at, &destinations, last, suspend);
    let job = Job { reuse_limit, ..job };
    Ok((set, Work::Whole(Box::new(job))))
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
    let (events, cancel) = (reporter.events(), running.cancel.clone());
    let work = work(move || pipeline::run(job, events, cancel)).await;
    finished(inner, running, work, |outcome, redactor, now| outcome::ending(&facts, outcome, redactor, now))
        .await
}

/// The same for what is left to do of a pass.
async fn go_on(
    inner: &Inner,
    held: &Held,
    set: &BackupSet,
    going: Going,
    reporter: &Reporter,
    running: &Running,
) -> Option<Ending> {
    let Going { earlier, job } = going;
    let again = held.again.as_ref()?;
    let (events, cancel) = (reporter.events(), running.cancel.clone());
    let work = work(move || pipeline::resume(job, events, cancel)).await;
    finished(inner, running, work, |outcome, redactor, now| {
        again::resumed(held, again, &set.title, &earlier, outcome, redactor, now)
    })
    .await
}

async fn finished(
    inner: &Inner,
    running: &Running,
    work: std::io::Result<Outcome>,
    ending: impl FnOnce(&Outcome, &Redactor, DateTime<Utc>) -> Result<Ending, db::Error>,
) -> Option<Ending> {
    let (held, now) = (&running.held, inner.rooms.clock.now());
    let message = match running.cut.get() {
        Some(cut) => Some(cut.message()?),
        None => None,
    };
    let ending = work.map_err(Error::from).and_then(|outcome| {
        // One that got through in time keeps what it came to.
        let outcome = match message {
            Some(message) if outcome.status == pipeline::Status::Failed => {
                Outcome { error: Some(message), ..outcome }
            }
            _ => outcome,
        };
        Ok(ending(&outcome, &inner.rooms.redactor, now)?)
    });
    match ending {
        Ok(ending) => Some(inner.with_retry(held, ending, now).await),
        Err(error) => {
            tracing::error!(backup_log.id = held.log_id, %error, "a pass broke off");
            Some(inner.broken_off(held, PANICKED, NOT_DONE).await)
        }
    }
}

/// The pipeline on a thread of its own: a panic ends the thread, not the server, and no step of it holds up requests.
async fn work<P: Future<Output = Outcome>>(
    pass: impl FnOnce() -> P + Send + 'static,
) -> std::io::Result<Outcome> {
    let (done, outcome) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new().name("pass".into()).spawn(move || {
        // Nobody waits any more only when the server is about to end.
        let _ = done.send(runtime.block_on(pass()));
    })?;
    outcome
        .await
        .map_err(|_| std::io::Error::other("it panicked; the message is in the output of the server"))
}

async fn finish(inner: &Inner, held: &Held, ending: Ending, reporter: Option<Reporter>) {
    let status = ending.status;
    let mut attempt = 1;
    let stored = loop {
        match store(&inner.rooms, held, &ending).await {
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

/// Closes the log, brings the catalogue up to date and puts what there is to tell into the outbox: all of it or nothing. False when the pass
/// is not held any more.
pub(super) async fn store(rooms: &Rooms, held: &Held, ending: &Ending) -> Result<bool, db::Error> {
    let ended = &ended(held, ending)?;
    let told = db::transaction(&rooms.db, |tx| async move {
        if !repo::close(&tx, held, &ending.log).await? {
            return Ok(None);
        }
        for (destination, root, path) in &ending.swept {
            catalogue::remove(&tx, destination, root, path).await?;
        }
        for copy in &ending.copies {
            catalogue::add(&tx, copy).await?;
        }
        if held.again.is_some() && repo::is_outdone(&tx, held).await? {
            return Ok(Some(Told::default()));
        }
        rooms.alerts.pass_ended(&tx, ended).await.map(Some)
    })
    .await?;
    let Some(told) = told else { return Ok(false) };
    rooms.alerts.committed(told);
    rooms.metrics.pass_ended(
        &ending.log.overall_status,
        &held.trigger,
        ending.log.duration_sec,
        put(held, &ended.rows),
    );
    Ok(true)
}

fn ended(held: &Held, ending: &Ending) -> Result<Ended, db::Error> {
    let log = &ending.log;
    Ok(Ended {
        backup_id: held.backup_id,
        log_id: held.log_id,
        status: ending.status,
        trigger: held.trigger.clone(),
        started_at: held.started_at,
        finished_at: log.finished_at,
        duration_sec: log.duration_sec,
        error: log.error_message.clone(),
        rows: db::from_json(&log.storages)?,
        warnings: db::from_json(&log.warnings)?,
        retried: log.retry_at.is_some(),
    })
}

/// The bytes that a pass put anywhere; of one that went on, since it went on.
fn put(held: &Held, rows: &[RowResult]) -> u64 {
    let earlier = held.again.as_ref().and_then(|again| db::from_json::<Vec<RowResult>>(&again.storages).ok());
    let stored = |rows: &[RowResult]| {
        let good = rows.iter().filter(|row| row.status == RowStatus::Success);
        good.map(|row| u64::try_from(row.bytes).unwrap_or(0)).sum::<u64>()
    };
    stored(rows).saturating_sub(earlier.as_deref().map_or(0, stored))
}
