//! The clockwork: looks every second which Sets are due, and brings abandoned passes to an end.

use crate::clock::SharedClock;
use crate::runs::RunsService;
use crate::settings::SettingsService;
use chrono::{DateTime, Utc};
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct Scheduler {
    runs: RunsService,
    settings: SettingsService,
    clock: SharedClock,
}

impl Scheduler {
    pub fn new(runs: RunsService, settings: SettingsService, clock: SharedClock) -> Self {
        Scheduler { runs, settings, clock }
    }

    /// Ticks until `stop` is cancelled. A tick that fails or panics is logged, and the next one comes.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let (scheduler, now) = (self.clone(), self.clock.now());
            if let Err(error) = tokio::spawn(async move { scheduler.tick(now).await }).await {
                tracing::error!(%error, "a tick of the scheduler panicked");
            }
        }
    }

    /// One step at `now`. Its parts fail on their own: each is logged and leaves the others alone.
    pub async fn tick(&self, now: DateTime<Utc>) {
        report("abandoned passes could not be ended", self.runs.reap(now).await);
        let settings = match self.settings.current().await {
            Ok(settings) => settings,
            Err(error) => return report::<(), _>("the settings could not be read", Err(error)),
        };
        let zone = settings.time_zone;
        report("slots could not follow the time zone", self.runs.follow_zone(zone, now).await);
        report("the daily chores could not be begun", self.runs.start_chores(zone, now).await);
        if settings.enabled {
            // First: the passes that start now must not hide what was missed while nobody was there.
            let missed = self.runs.tell_missed(zone, settings.missed_grace, now).await;
            report("Backup Sets that are missed could not be told", missed);
            report("passes could not be tried again", self.runs.start_retries(now).await);
            report("due Backup Sets could not be started", self.runs.start_due(zone, now).await);
        }
    }
}

fn report<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) {
    if let Err(error) = result {
        tracing::error!(%error, "{what}");
    }
}
