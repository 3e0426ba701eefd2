//! A Dropbox, an account linked to it, and what has to hold in the end.

use crate::support::{Archive, patient};
use engine::storage::account::{Account, GrantStore};
use engine::storage::dropbox::{Dropbox, Tuning, provider};
use engine::storage::http::{Http, base_url};
use engine::storage::oauth::Grant;
use engine::storage::{
    Cloud, Error, ErrorKind, MemorySessions, Result, Retry, Sessions, SharedStorage, Storage, StorageKind,
};
use engine::testing::fakes::dropbox::FakeDropbox;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub const CHUNK: usize = 64 * 1024;
/// Four chunks and a bit.
pub const SIZE: usize = 4 * CHUNK + 12_345;
pub const KEY: &str = "shop/2026-11-26T02-30-00Z/files/files.tgz";

/// Where the grant is kept, as the server would.
pub struct Grants {
    pub stored: Mutex<Grant>,
    pub lost: Mutex<Vec<String>>,
    pub works: AtomicUsize,
    pub saved: AtomicUsize,
}

#[async_trait::async_trait]
impl GrantStore for Grants {
    async fn load(&self) -> Result<Grant> {
        Ok(self.stored.lock().unwrap().clone())
    }

    async fn save(&self, grant: &Grant) -> Result<bool> {
        let mut stored = self.stored.lock().unwrap();
        if stored.generation != grant.generation {
            return Ok(false);
        }
        *stored = grant.clone();
        self.saved.fetch_add(1, Ordering::SeqCst);
        Ok(true)
    }

    async fn lost(&self, message: &str) {
        self.lost.lock().unwrap().push(message.into());
    }

    async fn works(&self) {
        self.works.fetch_add(1, Ordering::SeqCst);
    }
}

/// Where a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// Before the state is written for the so-manieth time.
    Before(usize),
    After(usize),
}

/// Remembers states; may stand still at one of its writes for ever, to be killed there.
#[derive(Default)]
pub struct States {
    pub inner: MemorySessions,
    kill: Mutex<Option<Kill>>,
    writes: AtomicUsize,
    reached: tokio::sync::Notify,
}

impl States {
    pub fn plan(&self, kill: Option<Kill>) {
        *self.kill.lock().unwrap() = kill;
        self.writes.store(0, Ordering::SeqCst);
    }

    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    async fn write(&self, doing: impl Future<Output = Result<()>>) -> Result<()> {
        let number = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        let kill = *self.kill.lock().unwrap();
        if kill == Some(Kill::Before(number)) {
            self.reached.notify_one();
            std::future::pending().await
        }
        let done = doing.await;
        if kill == Some(Kill::After(number)) {
            self.reached.notify_one();
            std::future::pending().await
        }
        done
    }
}

#[async_trait::async_trait]
impl Sessions for States {
    async fn load(&self, key: &str) -> Result<Option<String>> {
        self.inner.load(key).await
    }

    async fn save(&self, key: &str, state: &str) -> Result<()> {
        self.write(self.inner.save(key, state)).await
    }

    async fn remove(&self, key: &str) -> Result<()> {
        self.write(self.inner.remove(key)).await
    }
}

pub struct World {
    pub fake: FakeDropbox,
    pub grants: Arc<Grants>,
    pub states: Arc<States>,
    pub cloud: Arc<Dropbox>,
    /// Without retries.
    pub storage: SharedStorage,
}

impl World {
    pub async fn new() -> World {
        let fake = FakeDropbox::start().await.unwrap();
        let grants = Arc::new(Grants {
            stored: Mutex::new(fake.grant(1)),
            lost: Mutex::default(),
            works: AtomicUsize::new(0),
            saved: AtomicUsize::new(0),
        });
        let states = Arc::new(States::default());
        let (cloud, storage) = driver(&fake, &grants, &states);
        World { fake, grants, states, cloud, storage }
    }

    /// Another process, with what was remembered.
    pub fn restart(&mut self) {
        (self.cloud, self.storage) = driver(&self.fake, &self.grants, &self.states);
    }

    pub fn patient(&self) -> Retry {
        patient(Arc::clone(&self.storage), &self.fake.time())
    }

    pub fn plan(&self, fault: engine::testing::fake::Fault) {
        self.fake.server().plan(fault);
    }

    /// Requests for a route so far.
    pub fn count(&self, route: &str) -> usize {
        self.fake.record().count("POST", route)
    }

    /// An error that has to come, of this kind, with nothing secret in it.
    #[track_caller]
    pub fn fails<T>(&self, result: Result<T>, kind: &ErrorKind) -> Error {
        let Err(error) = result else { panic!("this has to fail as {kind:?}") };
        self.check_secrets(&error);
        assert_eq!(error.kind, *kind, "{error}");
        error
    }

    #[track_caller]
    pub fn check_secrets(&self, error: &Error) {
        let text = format!("{error} {error:?}");
        for secret in self.fake.secrets() {
            assert!(!text.contains(&secret), "a secret in: {text}");
        }
    }

    /// Exactly these objects are at the destination, no state is left, and the client did nothing that it may not.
    #[track_caller]
    pub fn ends_with(&self, objects: &[(&str, &[u8])]) {
        self.shows(objects);
        assert_eq!(self.states.inner.all(), BTreeMap::new(), "no state is left");
        self.fake.record().assert_clean();
        assert_eq!(super::log::secrets_seen(), Vec::<String>::new(), "nothing secret is logged");
    }

    /// Exactly these objects are at the destination, whatever else is going on.
    #[track_caller]
    pub fn shows(&self, objects: &[(&str, &[u8])]) {
        let found = self.fake.files();
        let found: Vec<_> = found.iter().map(|(path, blob)| (path.clone(), blob.bytes().unwrap())).collect();
        let mut expected: Vec<_> = objects
            .iter()
            .map(|(key, content)| match key.starts_with('/') {
                true => ((*key).to_owned(), *content),
                false => (format!("/backups/{key}"), *content),
            })
            .collect();
        expected.sort();
        let names = |all: &[(String, &[u8])]| all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&found), names(&expected));
        assert!(found == expected, "an object has other bytes");
    }

    /// Puts an archive with patience, and ends with exactly that.
    pub async fn arrives(&self, archive: &Archive) {
        let stored = self.patient().put(KEY, &archive.body()).await.unwrap();
        assert_eq!(stored.size_bytes, archive.content.len() as u64);
        self.ends_with(&[(KEY, &archive.content)]);
    }
}

pub fn driver(
    fake: &FakeDropbox,
    grants: &Arc<Grants>,
    states: &Arc<States>,
) -> (Arc<Dropbox>, SharedStorage) {
    let base = base_url(&fake.url()).unwrap();
    let account = Account::new(
        Http::new().unwrap(),
        Arc::new(fake.time()),
        provider(Some(&base)),
        fake.app(),
        Arc::clone(grants) as Arc<dyn GrantStore>,
    );
    let cloud = Dropbox::tuned(account, Some(&base), Tuning { chunk: CHUNK, page: 100 });
    let sessions = Arc::clone(states) as Arc<dyn Sessions>;
    let storage = Arc::clone(&cloud).storage("/backups/", sessions).unwrap();
    assert_eq!(storage.kind(), StorageKind::Dropbox);
    (cloud, storage)
}
