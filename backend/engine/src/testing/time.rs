//! A time that passes at once.

use crate::storage::time::Time;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Stands still until somebody sleeps, and then jumps. Clones share one time: a driver and the fake it talks to.
#[derive(Debug, Clone)]
pub struct VirtualTime(Arc<Mutex<DateTime<Utc>>>);

impl Default for VirtualTime {
    fn default() -> Self {
        VirtualTime(Arc::new(Mutex::new(DateTime::UNIX_EPOCH + TimeDelta::days(20_783))))
    }
}

impl VirtualTime {
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

#[async_trait::async_trait]
impl Time for VirtualTime {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(TimeDelta::from_std(duration).unwrap_or(TimeDelta::zero()));
        // Others get their turn, as in a sleep that is one.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
