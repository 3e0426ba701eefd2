//! Live progress of the passes of this process: the pass writes, any number of clients watch.

use super::tracker::{Plan, Tracker};
use contract::{LogProgress, OverallStatus};
use engine::event::{Event, Events};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// The passes that run here. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Hub {
    passes: Arc<Mutex<HashMap<i64, Arc<Pass>>>>,
}

#[derive(Debug)]
struct Pass {
    began: Instant,
    tracker: Mutex<Tracker>,
    /// Whether it has ended; each event marks it as changed.
    ended: watch::Sender<bool>,
}

/// The writing end. Dropping it ends the pass for everybody who watches.
#[derive(Debug)]
pub struct Reporter {
    hub: Hub,
    log_id: i64,
    pass: Arc<Pass>,
}

/// The reading end.
#[derive(Debug)]
pub struct Watcher {
    pass: Arc<Pass>,
    ended: watch::Receiver<bool>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Announces a pass with what it will have.
    pub fn open(&self, log_id: i64, plan: Plan) -> Reporter {
        let tracker = Mutex::new(Tracker::new(log_id, plan));
        let pass = Arc::new(Pass { began: Instant::now(), tracker, ended: watch::Sender::new(false) });
        lock(&self.passes).insert(log_id, pass.clone());
        Reporter { hub: self.clone(), log_id, pass }
    }

    /// `None` when the pass does not run in this process.
    pub fn watch(&self, log_id: i64) -> Option<Watcher> {
        let pass = lock(&self.passes).get(&log_id).cloned()?;
        Some(Watcher { ended: pass.ended.subscribe(), pass })
    }
}

impl Reporter {
    /// A listener for the engine.
    pub fn events(&self) -> Events {
        let pass = self.pass.clone();
        Events::new(move |event| pass.apply(&event))
    }

    /// The log row is final.
    pub fn finish(self, status: OverallStatus) {
        lock(&self.pass.tracker).finish(status);
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        lock(&self.hub.passes).remove(&self.log_id);
        self.pass.ended.send_replace(true);
    }
}

impl Pass {
    fn apply(&self, event: &Event) {
        lock(&self.tracker).apply(event, self.began.elapsed());
        self.ended.send_modify(|_| {});
    }
}

impl Watcher {
    pub fn snapshot(&self) -> LogProgress {
        lock(&self.pass.tracker).snapshot(self.pass.began.elapsed())
    }

    pub fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Resolves at the next event or the end.
    pub async fn changed(&mut self) {
        // The sender lives in `pass`, so it cannot be gone.
        let _ = self.ended.changed().await;
    }

    /// Resolves at the end.
    pub async fn ended(&mut self) {
        let _ = self.ended.wait_for(|ended| *ended).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Phase;
    use std::time::Duration;

    #[tokio::test]
    async fn watchers_see_events_and_the_end() {
        let hub = Hub::default();
        assert!(hub.watch(1).is_none());
        let reporter = hub.open(1, Plan { phases: vec![Phase::Files], ..Plan::default() });
        let mut watcher = hub.watch(1).unwrap();
        let started =
            Event::Started { phase: engine::event::Phase::Files, total_bytes: None, total_items: Some(3) };
        reporter.events().emit(started);
        tokio::time::timeout(Duration::from_secs(5), watcher.changed()).await.unwrap();
        assert_eq!(watcher.snapshot().phases[0].items_total, Some(3));
        assert!(!watcher.has_ended());
        reporter.finish(OverallStatus::Success);
        tokio::time::timeout(Duration::from_secs(5), watcher.ended()).await.unwrap();
        assert_eq!(watcher.snapshot().overall_status, OverallStatus::Success);
        assert!(hub.watch(1).is_none());
    }

    #[tokio::test]
    async fn a_pass_that_is_dropped_ends_for_its_watchers() {
        let hub = Hub::default();
        let reporter = hub.open(1, Plan::default());
        let mut watcher = hub.watch(1).unwrap();
        drop(reporter);
        tokio::time::timeout(Duration::from_secs(5), watcher.ended()).await.unwrap();
    }
}
