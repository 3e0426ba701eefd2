//! The metrics as text, and who may read them.

use super::passes::Passes;
use super::repo::{self, State};
use crate::clock::SharedClock;
use crate::config::Secret;
use crate::crypto::same_text;
use crate::db::{self, Db};
use chrono::{DateTime, Utc};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;
type Whole = Family<Labels, Gauge>;
type Fraction = Family<Labels, Gauge<f64, AtomicU64>>;

#[derive(Clone)]
pub struct MetricsService {
    db: Db,
    clock: SharedClock,
    token: Option<Secret>,
    passes: Passes,
}

impl MetricsService {
    /// `token` lets other machines read them.
    pub fn new(db: Db, clock: SharedClock, token: Option<Secret>) -> Self {
        MetricsService { db, clock, token, passes: Passes::default() }
    }

    /// Where the passes of this process are counted.
    pub fn passes(&self) -> Passes {
        self.passes.clone()
    }

    pub fn admits(&self, from_here: bool, bearer: Option<&str>) -> bool {
        let known =
            self.token.as_ref().zip(bearer).is_some_and(|(token, said)| same_text(token.expose(), said));
        from_here || known
    }

    /// All of them, as they are now.
    pub async fn text(&self) -> Result<String, db::Error> {
        let state = repo::state(&self.db).await?;
        let mut registry = Registry::default();
        self.passes.register(&mut registry);
        register(&mut registry, &state, self.clock.now());
        let mut text = String::new();
        encode(&mut text, &registry)
            .map_err(|e| db::Error::Custom(format!("the metrics cannot be written: {e}")))?;
        Ok(text)
    }
}

fn register(registry: &mut Registry, state: &State, now: DateTime<Utc>) {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let (queued, running) = (Gauge::<i64>::default(), Gauge::<i64>::default());
    queued.set(number(state.queued));
    running.set(number(state.running));
    registry.register("storekeep_queued_passes", "Passes that wait for their turn", queued);
    registry.register(
        "storekeep_running_passes",
        "Passes that a server or command holds, here or elsewhere",
        running,
    );

    let (timestamps, ages) = (Fraction::default(), Fraction::default());
    for (place, at) in &state.newest {
        let labels = vec![("backup", place.backup.clone()), ("destination", place.destination.clone())];
        timestamps.get_or_create(&labels).set(seconds(at.timestamp_millis()));
        ages.get_or_create(&labels).set(seconds((now - *at).num_milliseconds()).max(0.0));
    }
    registry.register(
        "storekeep_newest_good_copy_timestamp_seconds",
        "When the newest complete copy at a destination was begun",
        timestamps,
    );
    registry.register("storekeep_newest_good_copy_age_seconds", "How long ago that is", ages);

    let missed = Whole::default();
    for (backup, is_missed) in &state.missed {
        missed.get_or_create(&vec![("backup", backup.clone())]).set(i64::from(*is_missed));
    }
    registry.register(
        "storekeep_backup_missed",
        "1 while a Backup Set has no good copy for longer than its schedule and the grace allow",
        missed,
    );

    let undelivered = Whole::default();
    for (channel, waiting) in &state.undelivered {
        undelivered.get_or_create(&vec![("channel", channel.clone())]).set(number(*waiting));
    }
    registry.register("storekeep_undelivered_messages", "Messages that are not sent yet", undelivered);
}

fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}
