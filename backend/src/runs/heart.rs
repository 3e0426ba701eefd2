//! What a running pass is watched for: its lease, the wish that it ends, its limit of time.

use super::again;
use super::pass::{Cut, Running};
use super::repo;
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
    let log_id = running.held.log_id;
    let began = inner.rooms.clock.now();
    while !running.is_cut() {
        tokio::time::sleep(LOOK).await;
        // What the database does not answer now, it answers later; the lease tells when that takes too long.
        if let Ok(Some(who)) = again::repo::asked_for_end(&inner.rooms.db, log_id).await {
            return running.cut(Cut::Cancelled(who));
        }
        // Long before the next beat: somebody else may go on with its uploads.
        if let Ok(false) = repo::is_held(&inner.rooms.db, &running.held).await {
            tracing::error!(backup_log.id = log_id, "the lease of a pass is lost; it is cancelled");
            return running.cut(Cut::LeaseLost);
        }
        let Ok(settings) = inner.rooms.settings.current().await else { continue };
        let took = (inner.rooms.clock.now() - began).to_std().unwrap_or_default();
        if took >= settings.pass_time_limit {
            let hours = settings.pass_time_limit.as_secs() / 3600;
            tracing::error!(backup_log.id = log_id, hours, "a pass takes longer than it may; it is ended");
            return running.cut(Cut::TooLong { hours });
        }
    }
}
