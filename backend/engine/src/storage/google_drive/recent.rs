//! What this process wrote and deleted lately: searches lag behind.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// No search lags for so long.
const LAG: TimeDelta = TimeDelta::hours(1);
/// Beyond so many, the old ones are dropped.
const MANY: usize = 1024;

#[derive(Default)]
pub(super) struct Recent(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Ids of the files that were written, by path; the newest last.
    written: HashMap<String, Vec<(String, DateTime<Utc>)>>,
    gone: HashMap<String, DateTime<Utc>>,
}

impl Recent {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wrote(&self, path: &str, id: &str, now: DateTime<Utc>) {
        let mut known = self.known();
        if known.written.len() >= MANY {
            known.written.retain(|_, ids| ids.iter().any(|(_, at)| now - *at < LAG));
        }
        let ids = known.written.entry(path.into()).or_default();
        ids.retain(|(known, _)| known != id);
        ids.push((id.into(), now));
    }

    pub fn deleted(&self, path: &str, id: &str, now: DateTime<Utc>) {
        let mut known = self.known();
        if known.gone.len() >= MANY {
            known.gone.retain(|_, at| now - *at < LAG);
        }
        known.gone.insert(id.into(), now);
        if let Some(ids) = known.written.get_mut(path) {
            ids.retain(|(known, _)| known != id);
            if ids.is_empty() {
                known.written.remove(path);
            }
        }
    }

    /// Whether it was deleted so lately that searches may still show it. (People can bring a folder back from the trash.)
    pub fn is_gone(&self, id: &str, now: DateTime<Utc>) -> bool {
        self.known().gone.get(id).is_some_and(|at| now - *at < LAG)
    }

    /// The newest first.
    pub fn of(&self, path: &str) -> Vec<String> {
        let known = self.known();
        known.written.get(path).into_iter().flatten().rev().map(|(id, _)| id.clone()).collect()
    }

    /// What was written below a folder and is not among `seen`: paths and ids.
    pub fn unseen(&self, folder: &str, seen: &HashSet<String>) -> Vec<(String, String)> {
        let known = self.known();
        let below = known.written.iter().filter(|(path, _)| crate::storage::below(path, folder));
        below
            .flat_map(|(path, ids)| ids.iter().map(move |(id, _)| (path.clone(), id.clone())))
            .filter(|(_, id)| !seen.contains(id))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_known_until_it_is_deleted() {
        let (recent, now) = (Recent::default(), DateTime::UNIX_EPOCH);
        recent.wrote("a/x", "1", now);
        recent.wrote("a/x", "2", now);
        recent.wrote("a/x", "1", now);
        recent.wrote("ab/y", "3", now);
        assert_eq!(recent.of("a/x"), ["1", "2"]);
        let seen = HashSet::from(["2".to_string()]);
        assert_eq!(recent.unseen("a", &seen), [("a/x".to_string(), "1".to_string())]);
        assert_eq!(recent.unseen("", &seen).len(), 2);
        recent.deleted("a/x", "1", now);
        recent.deleted("a/x", "2", now);
        assert!(recent.is_gone("1", now) && recent.is_gone("2", now) && !recent.is_gone("3", now));
        assert!(!recent.is_gone("1", now + LAG));
        assert_eq!(recent.of("a/x"), Vec::<String>::new());
    }

    #[test]
    fn what_is_kept_does_not_grow_for_ever() {
        let (recent, now) = (Recent::default(), DateTime::UNIX_EPOCH);
        for n in 0..MANY + 10 {
            let at = now + TimeDelta::minutes(i64::try_from(n).unwrap());
            recent.wrote(&format!("{n}"), "id", at);
            recent.deleted("", &format!("{n}"), at);
        }
        let known = recent.known();
        assert!(known.written.len() < 80 && known.gone.len() < 80, "{}", known.written.len());
    }
}
