//! Waiting for what another task does, with an end to it.

use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks every 5 ms until it holds.
///
/// # Panics
///
/// When it does not hold within a minute: `what` was waited for in vain.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    until_told(what, || std::future::ready(holds())).await;
}

/// [`until`] for what has to be asked of somebody.
pub async fn until_told<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "it never came to this: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
