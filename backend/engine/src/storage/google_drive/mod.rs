//! Google Drive (API v3).
//!
//! Storekeep asks for the scope `drive.file`: it sees what it made itself, and nothing else of the account. Names are not unique there and
//! everything has an id, so what is ours carries a private property: on a folder that it is ours, on a file the key that it is the content
//! of. Only what carries it, has the key's name and lies where the key says is an object; only that is ever deleted.
//!
//! - An object is replaced by a new file beside the old one, which goes once the new one is complete and checked: for a moment there are two,
//!   and everybody reads the newest.
//! - Ids are made by Google beforehand and kept in the `Sessions` before they are used: what is repeated after a lost answer finds what is
//!   there instead of doubling it.
//! - Searches lag behind writes. What this process wrote or deleted lately is known by id, and ids are looked up without a lag.
//! - Where folders of one name exist twice nevertheless, the oldest is written to and all are read.

mod api;
mod fault;
mod feed;
mod file;
mod folders;
mod recent;
mod root;
mod session;
mod state;
mod upload;

use super::account::Account;
use super::oauth::Provider;
use super::{AccountInfo, Cloud, Error, ErrorKind, Result, Sessions, SharedStorage, StorageKind};
use api::Api;
use folders::Folders;
use recent::Recent;
use reqwest::Url;
use root::Root;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// As messages call it.
const NAME: &str = "Google Drive";
/// Google stores whole granules, and wants every piece but the last to be made of them.
pub const GRANULE: u64 = 256 * 1024;

/// How Google's consent and token pages are spoken to. `base` stands for all of Google's hosts.
pub fn provider(base: Option<&Url>) -> Provider {
    Provider {
        kind: StorageKind::GoogleDrive,
        name: NAME,
        authorize_url: api::address(base, "https://accounts.google.com", "/o/oauth2/v2/auth"),
        token_url: api::address(base, "https://oauth2.googleapis.com", "/token"),
        scopes: &["https://www.googleapis.com/auth/drive.file"],
        // Without both, a second consent brings no refresh token.
        authorize_extra: &[("access_type", "offline"), ("prompt", "consent")],
        scope_at_refresh: false,
        // A 401 of the API is a token that ran out or was revoked: a refresh tells which.
        unauthorized: |_| None,
    }
}

/// Sizes that tests make smaller.
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// Bytes that are sent with one request, and held in memory by each upload; counts in whole [`GRANULE`]s.
    pub chunk_bytes: u64,
    /// Entries that are asked for with one page of a list, at most 1000.
    pub page: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning { chunk_bytes: 16 << 20, page: 1000 }
    }
}

/// An account at Google.
pub struct GoogleDrive {
    api: Api,
    chunk_bytes: u64,
    folders: Folders,
    recent: Recent,
    busy: Busy,
}

impl GoogleDrive {
    pub fn new(account: Arc<Account>, base: Option<&Url>) -> Arc<Self> {
        GoogleDrive::with_tuning(account, base, Tuning::default())
    }

    pub fn with_tuning(account: Arc<Account>, base: Option<&Url>, tuning: Tuning) -> Arc<Self> {
        Arc::new(GoogleDrive {
            api: Api::new(account, base, tuning.page),
            chunk_bytes: (tuning.chunk_bytes / GRANULE).max(1) * GRANULE,
            folders: Folders::default(),
            recent: Recent::default(),
            busy: Busy::default(),
        })
    }
}

#[async_trait::async_trait]
impl Cloud for GoogleDrive {
    fn kind(&self) -> StorageKind {
        StorageKind::GoogleDrive
    }

    async fn about(&self) -> Result<AccountInfo> {
        Ok(self.api.about().await?.info())
    }

    fn storage(self: Arc<Self>, root: &str, sessions: Arc<dyn Sessions>) -> Result<SharedStorage> {
        let root = root.trim_matches('/');
        if !root.is_empty() && !crate::policy::layout::is_safe_key(root) {
            let text = format!("`{}` cannot be a folder of Google Drive.", root.escape_debug());
            return Err(Error::new(ErrorKind::InvalidConfig, text));
        }
        Ok(Arc::new(Root { drive: self, root: root.into(), sessions }))
    }
}

/// Lets one `put` of a path run at a time: two would share one state of theirs in the `Sessions`.
#[derive(Default)]
struct Busy(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Busy {
    async fn alone(&self, path: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            paths.retain(|_, lock| lock.strong_count() > 0);
            let known = paths.get(path).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let lock = Arc::default();
                paths.insert(path.into(), Arc::downgrade(&lock));
                lock
            })
        };
        lock.lock_owned().await
    }
}

/// `a/b` and `c` are `a/b/c`; an empty part adds nothing.
fn join(above: &str, below: &str) -> String {
    match (above, below) {
        ("", path) | (path, "") => path.into(),
        (above, below) => format!("{above}/{below}"),
    }
}

/// The folder that a path lies in, and its own name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_put_together_and_taken_apart() {
        assert_eq!(join("", "a/b"), "a/b");
        assert_eq!(join("a", ""), "a");
        assert_eq!(join("a/b", "c/d"), "a/b/c/d");
        assert_eq!(split("a/b/c"), ("a/b", "c"));
        assert_eq!(split("c"), ("", "c"));
    }

    #[test]
    fn every_address_is_google_s_own_or_below_the_base() {
        let real = provider(None);
        assert_eq!(real.authorize_url.as_str(), "https://accounts.google.com/o/oauth2/v2/auth");
        assert_eq!(real.token_url.as_str(), "https://oauth2.googleapis.com/token");
        let base = "http://127.0.0.1:9/fake/".parse().unwrap();
        let fake = provider(Some(&base));
        assert_eq!(fake.authorize_url.as_str(), "http://127.0.0.1:9/fake/o/oauth2/v2/auth");
        assert_eq!(fake.token_url.as_str(), "http://127.0.0.1:9/fake/token");
    }

    #[tokio::test]
    async fn what_works_on_one_path_waits_for_its_turn_and_leaves_no_trace() {
        let busy = Busy::default();
        let first = busy.alone("a").await;
        let _other = busy.alone("b").await;
        let second = busy.alone("a");
        tokio::pin!(second);
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        drop(second.await);
        drop(busy.alone("c").await);
        let _last = busy.alone("d").await;
        assert_eq!(busy.0.lock().unwrap().len(), 2);
    }
}
