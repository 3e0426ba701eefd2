//! Slots: what the scheduler's tick does.

pub(super) mod repo;

#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod repo_tests;

use super::error::Error;
use super::repo::New;
use crate::db::Db;
use crate::wire;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use contract::Trigger;
use engine::policy::schedule::{Schedule, ScheduleError, first_slot, next_slot};
pub use repo::Scheduled;
use repo::Taken;

/// Queues a pass for every Set whose slot has come and moves each to its next slot; returns the logs. Missed slots count
/// once. A Set that is still busy skips the slot. What goes wrong with one Set is logged and leaves the others alone.
pub async fn start_due(db: &Db, zone: Tz, now: DateTime<Utc>) -> Result<Vec<i64>, Error> {
    let mut logs = Vec::new();
    for set in repo::due(db, now).await? {
        match start(db, &set, zone, now).await {
            Ok(Taken::Queued(log)) => {
                tracing::info!(backup.id = set.id, backup_log.id = log, slot = ?set.slot, "a slot has come; its pass is queued");
                logs.push(log);
            }
            Ok(Taken::Busy(log)) => tracing::warn!(
                backup.id = set.id,
                backup_log.id = log,
                slot = ?set.slot,
                "a slot is skipped: the pass before it is not done yet"
            ),
            Ok(Taken::Lost) => {}
            Err(error) => tracing::error!(backup.id = set.id, %error, "a slot could not be started"),
        }
    }
    Ok(logs)
}

async fn start(db: &Db, set: &Scheduled, zone: Tz, now: DateTime<Utc>) -> Result<Taken, Error> {
    let schedule = match schedule(set) {
        Ok(schedule) => schedule,
        Err(e) => {
            // It was valid when it was saved; a Set that can never be due must not be found at every tick.
            repo::set_next(db, set, None, zone.name()).await?;
            tracing::error!(backup.id = set.id, error = %e, "the schedule of a Backup Set cannot be read; save it again");
            return Ok(Taken::Lost);
        }
    };
    let next = set.slot.and_then(|slot| next_slot(&schedule, zone, slot, now));
    let pass = New {
        backup_id: set.id,
        trigger: wire::name(Trigger::Schedule),
        label: None,
        idempotency_key: None,
        holder: None,
        repeats: None,
        now,
    };
    Ok(repo::take(db, set, next, zone.name(), &pass).await?)
}

/// Finds the next slots anew of Sets whose slot was computed in another time zone than the configured one.
pub async fn follow_zone(db: &Db, zone: Tz, now: DateTime<Utc>) -> Result<(), Error> {
    for set in repo::in_other_zones(db, zone.name()).await? {
        let Ok(schedule) = schedule(&set) else { continue };
        let next = match set.slot {
            // Intervals of hours know no zone; a slot that has come stays due.
            Some(slot) if slot <= now || set.frequency.is_some_and(|f| !matches!(f, 24 | 48)) => Some(slot),
            _ => first_slot(&schedule, zone, now),
        };
        if repo::set_next(db, &set, next, zone.name()).await? {
            tracing::info!(backup.id = set.id, zone = zone.name(), next = ?next, "the next slot follows the time zone");
        }
    }
    Ok(())
}

/// The schedule of a Set as it is stored.
pub fn schedule(set: &Scheduled) -> Result<Schedule, ScheduleError> {
    let schedule = Schedule::parse(set.frequency, set.time_of_day.as_deref(), set.cron.as_deref())?;
    Ok(schedule.with_jitter(set.jitter_min, &set.folder_name))
}
