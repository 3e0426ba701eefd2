//! What is done once a day, by one of the servers on a database: old logs go, and the catalogue of copies is compared with what is there.

mod inventory;
mod repo;

#[cfg(test)]
mod repo_tests;

use super::error::Error;
use super::service::RunsService;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use engine::policy::schedule::{Schedule, first_slot};
use tokio_util::sync::CancellationToken;

/// How the daily chore is called in the database.
const DAILY: &str = "daily";
/// When it is done, in the configured time zone.
const AT: &str = "03:00";

impl RunsService {
    /// Begins the daily chores when their time has come, unless another server does them; a time that was missed is made up for.
    pub async fn start_chores(&self, zone: Tz, now: DateTime<Utc>) -> Result<(), Error> {
        let next =
            Schedule::parse(Some(24), Some(AT), None).ok().and_then(|daily| first_slot(&daily, zone, now));
        let Some(next) = next else { return Ok(()) };
        if repo::claim(&self.inner.rooms.db, DAILY, next, now).await? {
            let runs = self.clone();
            self.inner.tasks.spawn(async move {
                // What is left when the server stops is done the next day.
                let stopping = runs.inner.stopping.clone();
                let work = runs.do_chores(now, &stopping);
                tokio::select! {
                    () = work => {}
                    () = stopping.cancelled() => {}
                }
            });
        }
        Ok(())
    }

    async fn do_chores(&self, now: DateTime<Utc>, stop: &CancellationToken) {
        let rooms = &self.inner.rooms;
        match rooms.settings.current().await {
            Ok(settings) => {
                let before = now - TimeDelta::days(settings.log_retention_days.into());
                match rooms.logs.clean_up(before, stop).await {
                    Ok(0) => {}
                    Ok(deleted) => tracing::info!(deleted, %before, "old logs were deleted"),
                    Err(error) => tracing::error!(%error, "old logs could not be deleted"),
                }
            }
            Err(error) => tracing::error!(%error, "the settings could not be read; old logs stay"),
        }
        if let Err(error) = self.reconcile().await {
            tracing::error!(%error, "the catalogue of copies could not be compared with what is there");
        }
    }
}
