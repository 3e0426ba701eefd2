//! Paths of folders and the ids behind them.

use super::api::Api;
use super::file::{File, ROOT, folders_named};
use super::join;
use crate::storage::{Error, ErrorKind, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So long a folder that was there is taken to be there by those who only read.
const BELIEVED: TimeDelta = TimeDelta::seconds(60);
/// Beyond so many, all are forgotten and found anew.
const MANY: usize = 4096;

/// The folders of an account by their paths from its root. One object of it serves all destinations of the account.
#[derive(Default)]
pub(super) struct Folders {
    known: Mutex<HashMap<String, Known>>,
    making: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Known {
    /// Never empty; the oldest first.
    ids: Vec<String>,
    /// When it was last seen to be there.
    seen: DateTime<Utc>,
}

/// What there is of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Ids of the deepest folder of the path that is there; more than one where it exists twice, and then the oldest first.
    pub ids: Vec<String>,
    /// Paths of the folders that are not there, the outermost first.
    pub missing: Vec<String>,
}

impl Place {
    /// The folders of the path; none when it is not there.
    pub fn whole(self) -> Vec<String> {
        if self.missing.is_empty() { self.ids } else { Vec::new() }
    }
}

/// How much is asked about folders that are known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Those seen a moment ago are taken to be there.
    Lately,
    /// Each is looked at.
    Nothing,
}

impl Folders {
    /// Held by whoever makes or removes folders: two who find none would make two.
    pub async fn alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.making.lock().await
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, path: &str) -> Option<Known> {
        self.known().get(path).cloned()
    }

    /// `ids`: the oldest first.
    pub fn learn(&self, path: &str, ids: Vec<String>, seen: DateTime<Utc>) {
        let mut known = self.known();
        if known.len() >= MANY {
            known.clear();
        }
        if !path.is_empty() && !ids.is_empty() {
            known.insert(path.into(), Known { ids, seen });
        }
    }

    pub fn knows(&self, path: &str) -> bool {
        self.known().contains_key(path)
    }

    /// Ids of all that is known below a folder.
    pub fn below(&self, path: &str) -> Vec<String> {
        let known = self.known();
        let below = known.iter().filter(|(known, _)| crate::storage::below(known, path));
        below.flat_map(|(_, known)| known.ids.clone()).collect()
    }

    /// Forgets a folder and all below it. Those above it are not believed in any more: they may have taken it with them.
    pub fn forget(&self, path: &str) {
        let mut known = self.known();
        known.retain(|known, _| known != path && !crate::storage::below(known, path));
        for (above, known) in known.iter_mut() {
            if crate::storage::below(path, above) {
                known.seen = DateTime::UNIX_EPOCH;
            }
        }
    }

    /// # Errors
    /// `Unavailable` when Google did not look everywhere: then nothing follows from not finding a folder.
    pub async fn locate(&self, api: &Api, path: &str, trust: Trust) -> Result<Place> {
        let (mut ids, mut done) = self.deepest_known(api, path, trust).await?;
        let mut missing = Vec::new();
        let rest = path.strip_prefix(&done).unwrap_or(path).trim_start_matches('/').to_owned();
        for name in rest.split('/').filter(|name| !name.is_empty()) {
            done = join(&done, name);
            if missing.is_empty() {
                let found = find(api, name, &ids).await?;
                if !found.is_empty() {
                    if found.len() > 1 {
                        tracing::warn!(
                            path = done,
                            folders = found.len(),
                            "a folder of Google Drive exists more than once"
                        );
                    }
                    self.learn(&done, found.clone(), api.now());
                    ids = found;
                    continue;
                }
            }
            missing.push(done.clone());
        }
        Ok(Place { ids, missing })
    }

    /// The deepest folder of a path that is known and is there, and its path. Those above it are looked at too, from time to time: one that
    /// was renamed takes away all below it.
    async fn deepest_known(&self, api: &Api, path: &str, trust: Trust) -> Result<(Vec<String>, String)> {
        'anew: loop {
            let (mut ids, mut done) = (vec![ROOT.to_owned()], String::new());
            for name in path.split('/').filter(|name| !name.is_empty()) {
                let at = join(&done, name);
                let Some(known) = self.get(&at) else { break };
                let lately = (api.now() - known.seen).abs() < BELIEVED;
                if lately && (trust == Trust::Lately || at != path) {
                    (ids, done) = (known.ids, at);
                    continue;
                }
                let mut there = Vec::new();
                for id in known.ids {
                    let is_there = |f: &File| f.is_our_folder() && f.name == name && f.lies_in(&ids);
                    if api.get(&id).await?.is_some_and(|f| is_there(&f)) {
                        there.push(id);
                    }
                }
                if there.is_empty() {
                    tracing::warn!(path = at, "a folder of Google Drive was removed or renamed");
                    self.forget(&at);
                    continue 'anew;
                }
                self.learn(&at, there.clone(), api.now());
                (ids, done) = (there, at);
            }
            return Ok((ids, done));
        }
    }
}

/// Our folders of a name, the oldest first.
async fn find(api: &Api, name: &str, parents: &[String]) -> Result<Vec<String>> {
    let found = api.search(&folders_named(name, parents)).await?;
    let mut files = found.files;
    // Searches compare loosely.
    files.retain(|f| f.is_our_folder() && f.name == name && f.lies_in(parents));
    if files.is_empty() && !found.complete {
        let text = "Google Drive did not search everywhere, so it is not known what is there.";
        return Err(Error::new(ErrorKind::Unavailable, text));
    }
    files.sort_by(|a, b| a.age().cmp(&b.age()));
    Ok(files.into_iter().map(|f| f.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_forgotten_with_all_below_it() {
        let (folders, now) = (Folders::default(), DateTime::UNIX_EPOCH);
        for path in ["a", "a/b", "a/b/c", "a/bc", "x"] {
            folders.learn(path, vec![path.into()], now);
        }
        folders.learn("", vec!["r".into()], now);
        folders.learn("none", vec![], now);
        let mut below = folders.below("a/b");
        assert_eq!(below, ["a/b/c"]);
        below = folders.below("a");
        below.sort();
        assert_eq!(below, ["a/b", "a/b/c", "a/bc"]);
        folders.forget("a/b");
        let mut known: Vec<_> = folders.known().keys().cloned().collect();
        known.sort();
        assert_eq!(known, ["a", "a/bc", "x"]);
        assert!(folders.knows("x") && !folders.knows("a/b"));
    }

    #[test]
    fn what_is_known_does_not_grow_for_ever() {
        let folders = Folders::default();
        for n in 0..MANY + 5 {
            folders.learn(&n.to_string(), vec![n.to_string()], DateTime::UNIX_EPOCH);
        }
        assert_eq!(folders.known().len(), 5);
    }
}
