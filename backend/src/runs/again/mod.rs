//! After a pass: ending it early, and trying again what failed of it.

mod history;
mod merge;
pub(super) mod repo;

#[cfg(test)]
mod merge_tests;
#[cfg(test)]
mod repo_tests;

pub use merge::{Earlier, earlier, resumed};

use super::error::Error;
use super::job;
use super::outcome;
use super::pass::{self, Cut};
use super::repo::{Again, Held};
use super::service::{Inner, RunsService};
use crate::db;
use crate::wire;
use chrono::{DateTime, TimeDelta, Utc};
use contract::{BackupLog, BackupSet, OverallStatus, RowResult, Trigger};
use engine::pipeline::{self, Row};
use repo::{Asked, Reopened, Retried};
use tokio_util::sync::CancellationToken;

const NEVER_BEGUN: &str = "Nothing was stored here: the pass was cancelled before it began.";

/// When a pass that ended so is tried again by itself: a scheduled one that failed, as often as its Set wants.
pub fn next_retry(
    set: &BackupSet,
    held: &Held,
    status: OverallStatus,
    ended_at: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let scheduled = held.trigger == wire::name(Trigger::Schedule);
    let left = held.retries < set.retry_attempts;
    let again = status == OverallStatus::Failed && scheduled && left && set.enabled;
    let when = ended_at + TimeDelta::minutes(set.retry_delay_min.max(1).into());
    // The next slot outdoes it: then this failure is final, and told.
    let in_time = set.next_run_at.is_none_or(|next| when < next || next <= ended_at);
    (again && in_time).then_some(when)
}

impl RunsService {
    /// Asks for the end of a pass, in `who`'s name. One that waits has ended at once, one that runs ends within seconds, wherever it
    /// runs. Asking again is fine.
    pub async fn cancel(&self, log_id: i64, who: &str) -> Result<BackupLog, Error> {
        let inner = &self.inner;
        let now = inner.rooms.clock.now();
        if let Some(held) = super::repo::take_queued(&inner.rooms.db, log_id, &inner.holder(now), now).await?
        {
            inner.end_before_it_began(&held, who, now).await?;
            return Ok(inner.rooms.logs.get(log_id).await?);
        }
        match repo::ask_for_end(&inner.rooms.db, log_id, who, now).await? {
            Asked::Yes => {
                tracing::info!(backup_log.id = log_id, by = who, "a pass is to be cancelled");
                if let Some(running) = inner.running().get(&log_id) {
                    running.cut(Cut::Cancelled(who.to_owned()));
                }
                Ok(inner.rooms.logs.get(log_id).await?)
            }
            Asked::Ended => Err(Error::NotRunning { log_id }),
            Asked::Missing => Err(Error::Log(crate::logs::Error::Missing(log_id))),
        }
    }

    /// Tries the rows again that failed, from the archives that are kept: the log goes on.
    pub async fn retry(&self, log_id: i64) -> Result<BackupLog, Error> {
        let rooms = &self.inner.rooms;
        let log = rooms.logs.get(log_id).await?;
        if !rooms.settings.current().await?.enabled {
            return Err(Error::SwitchedOff);
        }
        if log.overall_status == OverallStatus::Pending {
            return Err(Error::AlreadyRunning { log_id });
        }
        if !log.retryable {
            return Err(Error::NothingToRetry { log_id });
        }
        match repo::reopen(&rooms.db, log_id, false, rooms.clock.now()).await? {
            Reopened::Done => {}
            Reopened::Running(log_id) => return Err(Error::AlreadyRunning { log_id }),
            Reopened::Not => return Err(Error::NothingToRetry { log_id }),
        }
        self.inner.wake.notify_one();
        Ok(rooms.logs.get(log_id).await?)
    }

    /// Queues what is to be tried again by now: the rows that failed where the archives are kept, the whole pass otherwise.
    pub async fn start_retries(&self, now: DateTime<Utc>) -> Result<(), Error> {
        for log_id in repo::due(&self.inner.rooms.db, now).await? {
            match repo::retry(&self.inner.rooms.db, log_id, now).await {
                Ok(Retried::Rows) => {
                    tracing::info!(backup_log.id = log_id, "the rows of a pass that failed are tried again");
                }
                Ok(Retried::Whole(new)) => {
                    tracing::info!(
                        backup_log.id = new,
                        repeats = log_id,
                        "a pass that failed is tried again"
                    );
                }
                Ok(Retried::Outdone) => {}
                Err(error) => {
                    tracing::error!(backup_log.id = log_id, %error, "a pass could not be tried again");
                    continue;
                }
            }
            self.inner.wake.notify_one();
        }
        Ok(())
    }
}

/// A pass that goes on, as the engine needs it.
pub struct Going {
    pub earlier: Earlier,
    pub job: pipeline::Again,
}

impl Inner {
    async fn end_before_it_began(&self, held: &Held, who: &str, now: DateTime<Utc>) -> Result<(), Error> {
        // Noted as for one that runs: nobody is told of what somebody wanted.
        repo::ask_for_end(&self.rooms.db, held.log_id, who, now).await?;
        let message = pass::cancelled_by(who);
        let ending = match &held.again {
            Some(again) => outcome::ended_again(held, again, &message, now),
            None => {
                let rows = self.rows_not_reached(held.backup_id, held.log_id, NEVER_BEGUN).await;
                outcome::failure(held, &message, &rows, now)
            }
        };
        pass::store(&self.rooms, held, &ending).await?;
        tracing::info!(backup_log.id = held.log_id, by = who, "a pass was cancelled before it began");
        Ok(())
    }

    /// What a pass that goes on has to do: the rows of the Set that failed before.
    pub async fn going(
        &self,
        set: &BackupSet,
        held: &Held,
        again: &Again,
        suspend: CancellationToken,
    ) -> Result<Going, Error> {
        let places = job::places(set);
        let destinations = self.rooms.storages.destinations(&places, held.log_id).await?;
        let rows = job::rows(set, &destinations);
        let results: Vec<RowResult> = db::from_json(&again.storages)?;
        let (earlier, rows): (Earlier, Vec<Row>) = earlier(results, rows);
        let job = pipeline::Again {
            archive_dir: self.rooms.place.archive_dir.clone(),
            copy_path: again.copy_path.clone(),
            rows,
            suspend,
        };
        Ok(Going { earlier, job })
    }
}
