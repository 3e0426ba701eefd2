//! Sets that have no good copy for longer than their schedule and the grace allow: they are told as missed, once.
//!
//! A pass that fails is told by itself. This is for what nobody else tells: a server that was off, a queue that does not move, passes that never
//! come about.

mod repo;

#[cfg(test)]
mod tests;

use super::error::Error;
use super::service::RunsService;
use super::slots;
use crate::alerts;
use crate::db;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use engine::policy::schedule::{Schedule, next_slot};
use repo::Watched;
use std::sync::{Mutex, PoisonError};

/// How often is looked.
const PERIOD: TimeDelta = TimeDelta::minutes(1);

/// When this process looked last.
#[derive(Debug, Default)]
pub struct LastLook(Mutex<Option<DateTime<Utc>>>);

impl LastLook {
    /// True, and noted, when it is time again: at first, and once in a while. A clock that was set back is no reason to wait for it.
    fn is_due(&self, now: DateTime<Utc>) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| now < last || now - last >= PERIOD);
        if due {
            *last = Some(now);
        }
        due
    }
}

/// The slot that should have made a good copy, when it is over for longer than `grace`. `baseline` is when the newest good copy was begun, or
/// since when one is waited for.
fn missed_slot(
    schedule: &Schedule,
    zone: Tz,
    baseline: DateTime<Utc>,
    grace: TimeDelta,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    next_slot(schedule, zone, baseline, baseline).filter(|slot| now - *slot > grace)
}

impl RunsService {
    /// Tells the Sets that are missed by now. To be called before slots are started: the pass that makes up for it must not hide it.
    pub async fn tell_missed(&self, zone: Tz, grace: TimeDelta, now: DateTime<Utc>) -> Result<(), Error> {
        if !self.inner.missed.is_due(now) {
            return Ok(());
        }
        repo::begin_to_watch(&self.inner.rooms.db, now).await?;
        for set in repo::watched(&self.inner.rooms.db).await? {
            if let Err(error) = self.tell_if_missed(&set, zone, grace, now).await {
                tracing::error!(backup.id = set.scheduled.id, %error, "a Backup Set that is missed could not be told");
            }
        }
        Ok(())
    }

    async fn tell_if_missed(
        &self,
        set: &Watched,
        zone: Tz,
        grace: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        // One that cannot be read is told where it is started.
        let Ok(schedule) = slots::schedule(&set.scheduled) else { return Ok(()) };
        let Some(baseline) = set.last_good_at.max(set.watched_since) else { return Ok(()) };
        let Some(due_at) = missed_slot(&schedule, zone, baseline, grace, now) else { return Ok(()) };
        let missed = alerts::Missed {
            backup_id: set.scheduled.id,
            title: set.scheduled.title.clone(),
            last_good_at: set.last_good_at,
            due_at,
            last_status: set.last_status.clone(),
        };
        let (alerts, missed) = (&self.inner.rooms.alerts, &missed);
        // Marked and told, both or neither.
        let told = db::transaction(&self.inner.rooms.db, |tx| async move {
            match repo::mark(&tx, set, now).await? {
                true => alerts.missed(&tx, missed).await.map(Some),
                false => Ok(None),
            }
        })
        .await?;
        if let Some(told) = told {
            alerts.committed(told);
            tracing::warn!(backup.id = set.scheduled.id, due = %due_at, "a Backup Set has no good copy for too long");
        }
        Ok(())
    }
}
