//! Limits how often a password or the set-up token can be guessed.
//!
//! Counted in the memory of one server and bounded: it slows guessing down, it is not a record. Attempts are counted before
//! they are judged, so that many at once get no further than one after the other; a success is taken back.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

const WINDOW: TimeDelta = TimeDelta::minutes(5);
/// Failures in a window, from one address against one account.
const PER_PAIR: u32 = 5;
/// From one address against whatever account: guards against trying one password on many names.
const PER_ADDRESS: u32 = 30;
/// Against one account from wherever: high, since it can be used to lock somebody out for the rest of the window.
const PER_ACCOUNT: u32 = 100;
/// How many counters are kept. When there are more, those whose window began first go.
const CAPACITY: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Pair(String, IpAddr),
    Address(IpAddr),
    Account(String),
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    since: DateTime<Utc>,
    failures: u32,
}

#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<Key, Counter>>);

/// One counted attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    account: String,
    address: IpAddr,
}

impl Attempt {
    fn keys(&self) -> [(Key, u32); 3] {
        [
            (Key::Pair(self.account.clone(), self.address), PER_PAIR),
            (Key::Address(self.address), PER_ADDRESS),
            (Key::Account(self.account.clone()), PER_ACCOUNT),
        ]
    }
}

impl Throttle {
    /// Counts an attempt, or says in how many seconds the next one is allowed.
    pub(super) fn begin(&self, account: &str, address: IpAddr, now: DateTime<Utc>) -> Result<Attempt, u64> {
        // An IPv6 host has a whole /64 to itself: that is one address here.
        let attempt = Attempt { account: account.to_owned(), address: network(address) };
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wait = None;
        for (key, limit) in attempt.keys() {
            if let Some(counter) = counters.get(&key)
                && counter.failures >= limit
                && now < counter.since + WINDOW
            {
                wait = wait.max(Some(counter.since + WINDOW - now));
            }
        }
        if let Some(wait) = wait {
            return Err(u64::try_from(wait.num_seconds()).unwrap_or(0) + 1);
        }
        for (key, _) in attempt.keys() {
            let counter = counters.entry(key).or_insert(Counter { since: now, failures: 0 });
            if now >= counter.since + WINDOW {
                *counter = Counter { since: now, failures: 0 };
            }
            counter.failures += 1;
        }
        shrink(&mut counters, now);
        Ok(attempt)
    }

    /// The attempt was right: it does not count, and earlier failures of this pair are forgiven.
    pub(super) fn succeeded(&self, attempt: &Attempt) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in attempt.keys() {
            if matches!(key, Key::Pair(..)) {
                counters.remove(&key);
            } else if let Some(counter) = counters.get_mut(&key) {
                counter.failures = counter.failures.saturating_sub(1);
            }
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

fn shrink(counters: &mut HashMap<Key, Counter>, now: DateTime<Utc>) {
    if counters.len() <= CAPACITY {
        return;
    }
    counters.retain(|_, c| now < c.since + WINDOW);
    if counters.len() > CAPACITY {
        let mut begun: Vec<DateTime<Utc>> = counters.values().map(|c| c.since).collect();
        let middle = begun.len() / 2;
        let (_, median, _) = begun.select_nth_unstable(middle);
        let median = *median;
        // Those of one instant alone cannot be told apart; then a full table begins anew.
        if counters.values().all(|c| c.since >= median) {
            counters.clear();
        } else {
            counters.retain(|_, c| c.since >= median);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn guesses_against_one_account_are_stopped_until_the_window_ends() {
        let throttle = Throttle::default();
        for i in 0..5 {
            throttle.begin("anna", address(1), at(i)).unwrap();
        }
        assert_eq!(throttle.begin("anna", address(1), at(5)).unwrap_err(), 296);
        assert!(throttle.begin("anna", address(2), at(5)).is_ok());
        assert!(throttle.begin("bert", address(1), at(5)).is_ok());
        assert!(throttle.begin("anna", address(1), at(300)).is_ok());
    }

    #[test]
    fn one_password_cannot_be_tried_on_many_names() {
        let throttle = Throttle::default();
        for i in 0..30 {
            throttle.begin(&format!("user{i}"), address(1), at(0)).unwrap();
        }
        assert!(throttle.begin("somebody", address(1), at(1)).is_err());
    }

    #[test]
    fn many_addresses_against_one_account_are_stopped_too() {
        let throttle = Throttle::default();
        for i in 0..100 {
            throttle.begin("anna", address(i), at(0)).unwrap();
        }
        assert!(throttle.begin("anna", address(200), at(1)).is_err());
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_together() {
        let throttle = Throttle::default();
        for i in 0..5 {
            throttle.begin("anna", IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, i]), at(0)).unwrap();
        }
        assert!(throttle.begin("anna", IpAddr::from([0x2001, 0xdb8, 0, 0, 9, 9, 9, 9]), at(0)).is_err());
        assert!(throttle.begin("anna", IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, 1]), at(0)).is_ok());
    }

    #[test]
    fn a_success_forgives_earlier_failures() {
        let throttle = Throttle::default();
        for _ in 0..50 {
            for _ in 0..3 {
                throttle.begin("anna", address(1), at(0)).unwrap();
            }
            let attempt = throttle.begin("anna", address(1), at(0)).unwrap();
            throttle.succeeded(&attempt);
            throttle.0.lock().unwrap().remove(&Key::Address(address(1)));
            throttle.0.lock().unwrap().remove(&Key::Account("anna".into()));
        }
    }

    #[test]
    fn the_table_stays_bounded_whatever_comes() {
        let throttle = Throttle::default();
        for i in 0..60_000_u32 {
            let [a, b, c, d] = i.to_be_bytes();
            let _ =
                throttle.begin(&format!("user{i}"), IpAddr::from([10 + a, b, c, d]), at(i64::from(i / 1000)));
        }
        assert!(throttle.0.lock().unwrap().len() <= CAPACITY + 3);
    }
}
