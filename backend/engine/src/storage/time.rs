//! Where drivers get the time from and how they wait, so that tests of hours take milliseconds.

use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;

#[async_trait::async_trait]
pub trait Time: Send + Sync {
    fn now(&self) -> DateTime<Utc>;
    async fn sleep(&self, duration: Duration);
}

pub type SharedTime = Arc<dyn Time>;

/// The time of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTime;

#[async_trait::async_trait]
impl Time for SystemTime {
    #[expect(clippy::disallowed_methods, reason = "the one place of the engine that reads the wall clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
