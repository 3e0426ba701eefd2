//! What a running pass is watched for: its lease, the wish that it ends, its limit of time.

use super::pass::{Cut, Running};
use super::repo::{self, State};
use super::service::{Inner, LEASE};
use std::sync::Arc;
use std::time::{Duration, Instant};

const HEARTBEAT: Duration = Duration::from_secs(20);
/// How often is looked whether somebody wants the pass to end: who asks elsewhere waits for it.
const LOOK: Duration = Duration::from_secs(1);

/// Beats until the task is aborted, or the pass is cut off.
pub async fn beat(inner: Arc<Inner>, running: Running) {
    tokio::join!(renew(&inner, &running), listen(&inner, &running));
}

/// Renews the lease; cuts the pass off once it is lost.
async fn renew(inner: &Inner, running: &Running) {
    let held = &running.held;
    let limit = LEASE.to_std().unwrap_or(HEARTBEAT);
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let until = inner.rooms.clock.now() + LEASE;
        match tokio::time::timeout(HEARTBEAT, repo::renew(&inner.rooms.db, held, until)).await {
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

/// Cuts the pass off when somebody wants that, or when it takes too long.
async fn listen(inner: &Inner, running: &Running) {
    let (log_id, began) = (running.held.log_id, Instant::now());
    // What holds when it begins. Not by the wall clock, which can jump.
    let limit = inner.rooms.settings.current().await.map(|settings| settings.pass_time_limit).ok();
    while !running.is_cut() {
        tokio::time::sleep(LOOK).await;
        match repo::look(&inner.rooms.db, &running.held).await {
            Ok(State::Held) => {}
            Ok(State::Unwanted(who)) => return running.cut(Cut::Cancelled(who)),
            // Long before the next beat: somebody else may go on with its uploads.
            Ok(State::Lost) => {
                tracing::error!(backup_log.id = log_id, "the lease of a pass is lost; it is cancelled");
                return running.cut(Cut::LeaseLost);
            }
            // What the database does not answer now, it answers later; the lease tells when that takes too long.
            Err(_) => {}
        }
        if let Some(limit) = limit.filter(|limit| began.elapsed() >= *limit) {
            let hours = limit.as_secs() / 3600;
            tracing::error!(backup_log.id = log_id, hours, "a pass takes longer than it may; it is ended");
            return running.cut(Cut::TooLong { hours });
        }
    }
}
