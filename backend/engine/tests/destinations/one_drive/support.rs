//! A linked account of the fake, and what has to hold after whatever went wrong.

use crate::support::{self, Archive};
use engine::storage::account::{Account, GrantStore};
use engine::storage::http::Http;
use engine::storage::oauth::Grant;
use engine::storage::one_drive::{GRANULE, OneDrive, Tuning};
use engine::storage::{
    Cloud, Error, MemorySessions, Result, Retry, Sessions, SharedStorage, Storage, Stored, read_small,
};
use engine::testing::fake::{FakeServer, Request};
use engine::testing::fakes::one_drive::FakeOneDrive;
use engine::testing::until;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub const ROOT: &str = "Backups/Shop";
pub const KEY: &str = "shop/2026-11-22T02-30-00Z/files/files.tgz";
/// Six fragments, the last of which is short.
pub const SIZE: usize = 5 * GRANULE as usize + 12_345;

/// Where a grant is kept.
pub struct Grants {
    pub stored: Mutex<Grant>,
    pub saved: AtomicUsize,
    pub lost: Mutex<Vec<String>>,
    pub works: AtomicUsize,
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

pub struct Rig {
    pub fake: FakeOneDrive,
    pub http: Http,
    pub grants: Arc<Grants>,
    pub sessions: Arc<MemorySessions>,
    pub tuning: Tuning,
    pub storage: SharedStorage,
}

/// Small enough that a test sends many fragments and reads many pages.
pub fn small() -> Tuning {
    Tuning { fragment_bytes: GRANULE, simple_up_to: 1000, page: 3, ..Tuning::default() }
}

impl Rig {
    pub async fn new() -> Rig {
        Rig::tuned(small()).await
    }

    pub async fn tuned(tuning: Tuning) -> Rig {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let fake = FakeOneDrive::start().await.unwrap();
        let grants = Arc::new(Grants {
            stored: Mutex::new(fake.link()),
            saved: AtomicUsize::new(0),
            lost: Mutex::default(),
            works: AtomicUsize::new(0),
        });
        let sessions = Arc::new(MemorySessions::default());
        let http = Http::new().unwrap();
        let account = account(&fake, &http, &grants);
        let storage = storage(&fake, account, sessions.clone(), tuning, ROOT);
        Rig { fake, http, grants, sessions, tuning, storage }
    }

    /// The same account after the server was restarted: nothing is left but what was saved.
    pub fn restarted(&self) -> SharedStorage {
        self.with_sessions(self.sessions.clone())
    }

    pub fn with_sessions(&self, sessions: Arc<dyn Sessions>) -> SharedStorage {
        storage(&self.fake, self.account(), sessions, self.tuning, ROOT)
    }

    pub fn at(&self, root: &str) -> SharedStorage {
        storage(&self.fake, self.account(), self.sessions.clone(), self.tuning, root)
    }

    pub fn account(&self) -> Arc<Account> {
        account(&self.fake, &self.http, &self.grants)
    }

    pub fn cloud(&self) -> Arc<OneDrive> {
        OneDrive::tuned(self.account(), Some(&self.fake.base().unwrap()), self.tuning)
    }

    /// With the patience of a pass.
    pub fn patient(&self) -> Retry {
        support::patient(self.storage.clone(), self.fake.time())
    }

    /// Stores an archive, with patience.
    pub async fn put(&self, archive: &Archive) -> Result<Stored> {
        self.patient().put(KEY, &archive.body()).await
    }

    /// Requests to the session's host, in order.
    pub fn fragments(&self) -> Vec<Request> {
        let requests = self.fake.record().requests();
        requests.into_iter().filter(|r| r.method == "PUT" && r.path.starts_with("/up/")).collect()
    }

    /// Bytes that all fragments said they have.
    pub fn sent_bytes(&self) -> u64 {
        self.fragments().iter().map(|r| r.header("content-length").unwrap().parse::<u64>().unwrap()).sum()
    }

    pub fn sessions_opened(&self) -> usize {
        self.fake.record().count("POST", "createUploadSession")
    }

    /// The object is there, whole, alone, readable, and nothing of its upload is left.
    pub async fn assert_stored(&self, content: &[u8]) {
        self.assert_only(&[(KEY, content)]);
        self.assert_nothing_open();
        let read = read_small(self.restarted().as_ref(), KEY, usize::MAX).await.unwrap();
        assert!(read == content, "what comes back is what was stored");
        assert_eq!(self.storage.stat(KEY).await.unwrap().size_bytes, content.len() as u64);
        self.assert_clean();
    }

    /// These objects are there and no others.
    pub fn assert_only(&self, objects: &[(&str, &[u8])]) {
        let files = self.fake.files();
        let mut expected: Vec<_> = objects.iter().map(|(key, _)| format!("{ROOT}/{key}")).collect();
        expected.sort_unstable();
        assert_eq!(files.keys().cloned().collect::<Vec<_>>(), expected);
        for (key, content) in objects {
            assert!(self.fake.read(&format!("{ROOT}/{key}")).unwrap() == *content, "the content of {key}");
        }
    }

    pub fn assert_nothing_open(&self) {
        assert_eq!(self.fake.open_sessions(), 0, "no session is left at the provider");
        assert_eq!(self.sessions.all().len(), 0, "no session is remembered");
    }

    pub fn assert_clean(&self) {
        self.fake.record().assert_clean();
    }

    /// What failed is given up: nothing is left of it, however often that is done.
    pub async fn assert_abandoned(&self) {
        self.storage.abandon(KEY).await.unwrap();
        self.storage.abandon(KEY).await.unwrap();
        self.assert_only(&[]);
        self.assert_nothing_open();
        self.assert_clean();
    }
}

fn account(fake: &FakeOneDrive, http: &Http, grants: &Arc<Grants>) -> Arc<Account> {
    let time = Arc::new(fake.time().clone());
    Account::new(http.clone(), time, fake.provider().unwrap(), fake.app(), grants.clone())
}

fn storage(
    fake: &FakeOneDrive,
    account: Arc<Account>,
    sessions: Arc<dyn Sessions>,
    tuning: Tuning,
    root: &str,
) -> SharedStorage {
    let base = fake.base().unwrap();
    OneDrive::tuned(account, Some(&base), tuning).storage(root, sessions).unwrap()
}

/// The error of a call, which tells no secret.
pub fn failed<T>(result: Result<T>) -> Error {
    let Err(error) = result else { panic!("it must fail") };
    let told = format!("{error:?} {error}");
    for secret in ["EwB-access", "M.C1-", "capability", "tempauth", "session-0", FakeOneDrive::CLIENT_SECRET]
    {
        assert!(!told.contains(secret), "a secret is told: {told}");
    }
    error
}

/// Waits until a server has held back so many answers.
pub async fn stalled(server: &FakeServer, answers: usize) {
    until("a request is held back", || server.stalled() >= answers).await;
}

/// Sends a part of an archive, and is killed: so many fragments are kept.
pub async fn killed_after(rig: &Rig, archive: &Archive, fragments: usize) {
    use engine::testing::fake::{Action, Fault};
    rig.fake.content().plan(Fault::once("PUT", "/up/", Action::Stall).skip(fragments - 1));
    let (storage, body) = (rig.restarted(), archive.body());
    let held_back = rig.fake.content().stalled() + 1;
    tokio::select! {
        _ = storage.put(KEY, &body) => panic!("the answer is held back"),
        () = stalled(rig.fake.content(), held_back) => {}
    }
    rig.fake.content().heal();
}

/// The kind of what failed, for comparisons.
pub fn kind<T>(result: Result<T>) -> engine::storage::ErrorKind {
    failed(result).kind
}
