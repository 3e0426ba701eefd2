//! Where time comes from. Nothing else reads the wall clock, so that tests can set it.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::sync::{Arc, Mutex, PoisonError};

/// The wall clock, in UTC and cut to microseconds: what every metadata database can store.
pub trait Clock: Send + Sync {
    fn now(&self) -> DateTime<Utc>;
}

/// How a clock is passed around.
pub type SharedClock = Arc<dyn Clock>;

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> DateTime<Utc> {
        DateTime::<Utc>::from(std::time::SystemTime::now()).trunc_subsecs(6)
    }
}

/// A clock that stands still until it is set.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<Mutex<DateTime<Utc>>>);

impl TestClock {
    pub fn at(now: DateTime<Utc>) -> Self {
        TestClock(Arc::new(Mutex::new(now.trunc_subsecs(6))))
    }

    pub fn set(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now.trunc_subsecs(6);
    }

    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_clock_moves_only_when_it_is_moved() {
        let start = DateTime::parse_from_rfc3339("2026-03-29T00:59:59.123456789Z").unwrap().to_utc();
        let clock = TestClock::at(start);
        let shared: SharedClock = Arc::new(clock.clone());
        assert_eq!(shared.now().timestamp_subsec_nanos(), 123_456_000);
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(shared.now().to_rfc3339(), "2026-03-29T01:00:00.123456+00:00");
    }

    #[test]
    fn the_system_clock_has_no_more_than_microseconds() {
        assert_eq!(SystemClock.now().timestamp_subsec_nanos() % 1000, 0);
    }
}
