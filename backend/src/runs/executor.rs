//! Takes passes from the queue, as many at once as the settings allow, and ends them when the server stops.

use super::pass::{self, CUT_SHORT, Cut, Running, STOPPED};
use super::repo::{self, Held};
use super::service::{Inner, RunsService};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often the queue is looked at without being woken: passes may have been queued by other processes.
const POLL: Duration = Duration::from_secs(2);
/// How long passes that were cut off get to clean up.
const CLEANUP: Duration = Duration::from_secs(10);

impl RunsService {
    /// Works on the queue until `stop` is cancelled. What goes wrong is logged, and the work goes on.
    pub async fn work(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.take_waiting(&stop).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.inner.wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    async fn take_waiting(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.take_one().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(%error, "the queue of passes cannot be read");
                    return;
                }
            }
        }
    }

    /// Starts the pass that waits longest. False when none waits, or none may start now.
    async fn take_one(&self) -> Result<bool, super::Error> {
        let rooms = &self.inner.rooms;
        let settings = rooms.settings.current().await?;
        let limit = usize::try_from(settings.max_parallel_passes).unwrap_or(1);
        if !settings.enabled || self.inner.running().len() >= limit {
            return Ok(false);
        }
        let now = rooms.clock.now();
        let archive_dir = rooms.place.archive_dir.clone();
        let has = move |copy: &str| archive_dir.join(copy).is_dir();
        let Some(held) = repo::take(&rooms.db, &self.inner.holder(now), now, &has).await? else {
            return Ok(false);
        };
        spawn(&self.inner, held);
        Ok(true)
    }

    /// Ends the work of this process: waits up to `limit` for passes to end by themselves, then cuts them off and marks them
    /// as interrupted. [`RunsService::work`] must have been stopped before.
    pub async fn stop(&self, limit: Duration) {
        let inner = &self.inner;
        inner.stopping.cancel();
        inner.tasks.close();
        if tokio::time::timeout(limit, inner.tasks.wait()).await.is_ok() {
            return;
        }
        for running in inner.running().values() {
            running.cut(Cut::Stop);
        }
        if tokio::time::timeout(CLEANUP, inner.tasks.wait()).await.is_ok() {
            return;
        }
        let left: Vec<Held> = inner.running().values().map(|r| r.held.clone()).collect();
        for held in left {
            self.mark_stopped(&held).await;
        }
    }

    async fn mark_stopped(&self, held: &Held) {
        let rooms = &self.inner.rooms;
        let ending = self.inner.broken_off(held, STOPPED, CUT_SHORT).await;
        match pass::store(rooms, held, &ending).await {
            Ok(_) => tracing::warn!(
                backup_log.id = held.log_id,
                "a pass did not stop in time; it is marked as interrupted"
            ),
            Err(error) => {
                tracing::error!(backup_log.id = held.log_id, %error, "a pass could not be marked as interrupted")
            }
        }
    }
}

/// Runs a pass that this process holds in a task of its own.
pub(super) fn spawn(inner: &Arc<Inner>, held: Held) -> JoinHandle<()> {
    let running = Running::new(held);
    // Known before the task begins, so that the next look at the queue counts it.
    inner.running().insert(running.held.log_id, running.clone());
    inner.tasks.spawn(pass::execute(inner.clone(), running))
}
