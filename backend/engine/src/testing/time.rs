//! A time that passes at once.

use crate::storage::time::{SystemTime, Time};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Stands still until somebody sleeps, and then jumps. Clones share one time: a driver and the fake it talks to.
#[derive(Debug, Clone)]
pub struct VirtualTime(Arc<Mutex<Hands>>);

#[derive(Debug, Clone, Copy)]
enum Hands {
    At(DateTime<Utc>),
    /// As the machine's clock.
    Running,
}

impl Default for VirtualTime {
    fn default() -> Self {
        VirtualTime(Arc::new(Mutex::new(Hands::At(DateTime::UNIX_EPOCH + TimeDelta::days(20_783)))))
    }
}

impl VirtualTime {
    fn hands(&self) -> std::sync::MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing while the time runs by itself.
    pub fn advance(&self, by: TimeDelta) {
        if let Hands::At(now) = &mut *self.hands() {
            *now += by;
        }
    }

    /// From here on it is the machine's time: for a fake that a whole server talks to, which lives in that time.
    pub fn run(&self) {
        *self.hands() = Hands::Running;
    }
}

#[async_trait::async_trait]
impl Time for VirtualTime {
    fn now(&self) -> DateTime<Utc> {
        match *self.hands() {
            Hands::At(now) => now,
            Hands::Running => SystemTime.now(),
        }
    }

    async fn sleep(&self, duration: Duration) {
        if matches!(*self.hands(), Hands::Running) {
            return SystemTime.sleep(duration).await;
        }
        self.advance(TimeDelta::from_std(duration).unwrap_or(TimeDelta::zero()));
        // Others get their turn, as in a sleep that is one.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
