//! A linked account, a destination in it, and the state in which every scenario has to end.

use crate::support::patient;
use engine::storage::account::{Account, GrantStore};
use engine::storage::google_drive::{GRANULE, GoogleDrive, Tuning, provider};
use engine::storage::http::Http;
use engine::storage::oauth::Grant;
use engine::storage::{
    Body, Cloud, Error, MemorySessions, Result, Retry, SharedStorage, Storage, read_small,
};
use engine::testing::VirtualTime;
use engine::testing::fakes::google_drive::FakeGoogleDrive;
use std::sync::{Arc, Mutex};

/// The row's folder.
pub const ROOT: &str = "Backups/shop";
/// The size of a piece.
pub const PIECE: usize = GRANULE as usize;
/// Objects of most scenarios.
pub const KEY: &str = "nightly/2026-11-26T02-30-00Z/files/files.tgz";
pub const DIR: &str = "nightly/2026-11-26T02-30-00Z/files";

/// A grant in memory, and what was told about it.
pub struct Kept {
    pub grant: Mutex<Grant>,
    pub told: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl GrantStore for Kept {
    async fn load(&self) -> Result<Grant> {
        Ok(self.grant.lock().unwrap().clone())
    }

    async fn save(&self, grant: &Grant) -> Result<bool> {
        let mut stored = self.grant.lock().unwrap();
        let fits = stored.generation == grant.generation;
        if fits {
            *stored = grant.clone();
        }
        Ok(fits)
    }

    async fn lost(&self, message: &str) {
        self.told.lock().unwrap().push(format!("lost: {message}"));
    }

    async fn works(&self) {
        self.told.lock().unwrap().push("works".into());
    }
}

pub struct World {
    pub fake: FakeGoogleDrive,
    pub time: VirtualTime,
    pub sessions: Arc<MemorySessions>,
    pub kept: Arc<Kept>,
    pub drive: Arc<GoogleDrive>,
    pub storage: SharedStorage,
}

impl World {
    pub async fn new() -> World {
        let fake = FakeGoogleDrive::start().await.unwrap();
        let kept = Arc::new(Kept { grant: Mutex::new(fake.grant()), told: Mutex::default() });
        let sessions = Arc::new(MemorySessions::default());
        let (drive, storage) = connect(&fake, &kept, &sessions);
        World { time: fake.time(), fake, sessions, kept, drive, storage }
    }

    /// Another process after this one: nothing is left but what was stored.
    pub fn restart(&mut self) {
        (self.drive, self.storage) = connect(&self.fake, &self.kept, &self.sessions);
    }

    /// The account is linked anew.
    pub fn link_again(&self) {
        let mut grant = self.kept.grant.lock().unwrap();
        *grant = Grant { generation: grant.generation + 1, ..self.fake.grant() };
    }

    pub fn told(&self) -> Vec<String> {
        self.kept.told.lock().unwrap().clone()
    }

    /// With the patience of a pass.
    pub fn patient(&self) -> Retry {
        patient(Arc::clone(&self.storage), &self.time)
    }

    pub async fn puts(&self, key: &str, body: &dyn Body) {
        let stored = self.patient().put(key, body).await.unwrap_or_else(|e| panic!("{key}: {e}"));
        assert_eq!(stored.size_bytes, body.size_bytes());
        if let (Some(theirs), Some(ours)) = (stored.sha256, body.sha256()) {
            assert_eq!(theirs, ours);
        }
    }

    /// One attempt, which fails.
    pub async fn put_fails(&self, key: &str, body: &dyn Body) -> Error {
        let error = self.storage.put(key, body).await.expect_err("this put has to fail");
        self.check_error(error)
    }

    /// No error tells a secret.
    pub fn check_error(&self, error: Error) -> Error {
        let shown = format!("{error} {error:?}");
        for secret in self.fake.secrets() {
            assert!(!shown.contains(&secret), "{shown}");
        }
        for (_, state) in self.sessions.all() {
            let state: serde_json::Value = serde_json::from_str(&state).unwrap();
            if let Some(session) = state["session"].as_str() {
                assert!(!shown.contains(session), "{shown}");
            }
        }
        error
    }

    /// What lies in the row's folder: keys and contents.
    pub fn objects(&self) -> Vec<(String, Vec<u8>)> {
        let objects = self.fake.objects().into_iter().map(|(path, _, content)| {
            let key = path.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&path);
            (key.to_owned(), content.bytes().unwrap().to_vec())
        });
        objects.collect()
    }

    pub async fn keys(&self) -> Vec<String> {
        let listing = self.patient().list("").await.unwrap();
        assert!(listing.complete, "a list is complete");
        let mut keys: Vec<String> = listing.entries.into_iter().map(|e| e.key).collect();
        keys.sort();
        keys
    }

    /// The state in which everything has to end: these objects, each once, with these contents; nothing half done; nothing foreign gone; no
    /// rule of Google's broken. `orphans` sessions may be left whose URL never arrived: they end by themselves.
    pub async fn ends_with_orphans(&self, expected: &[(&str, &[u8])], orphans: usize) {
        let names =
            |objects: &[(String, Vec<u8>)]| objects.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
        let objects = self.objects();
        let wanted: Vec<&str> = expected.iter().map(|(key, _)| *key).collect();
        assert_eq!(names(&objects), wanted, "what lies there");
        for ((key, content), (_, expected)) in objects.iter().zip(expected) {
            assert!(
                content == expected,
                "{key} has {} bytes and not the expected {}",
                content.len(),
                expected.len()
            );
        }
        assert!(self.sessions.all().is_empty(), "nothing is remembered of {:?}", self.sessions.all().keys());
        let open = self.fake.open_sessions();
        assert!(open <= orphans, "{open} upload sessions are left");
        assert_eq!(self.fake.foreign_lost(), Vec::<String>::new());
        self.fake.record().assert_clean();
        // The destination tells the same.
        self.fake.heal();
        assert_eq!(self.keys().await, wanted, "what the list shows");
        for (key, content) in expected {
            assert_eq!(self.storage.stat(key).await.unwrap().size_bytes, content.len() as u64);
            assert!(read_small(&*self.storage, key, usize::MAX).await.unwrap() == *content, "{key}");
        }
    }

    pub async fn ends_with(&self, expected: &[(&str, &[u8])]) {
        self.ends_with_orphans(expected, 0).await;
    }

    /// As the pipeline clears up after an upload that failed.
    pub async fn clears_up(&self, key: &str) {
        self.fake.heal();
        let patient = self.patient();
        patient.abandon(key).await.unwrap();
        patient.abandon(key).await.unwrap();
        patient.delete(key).await.unwrap();
    }
}

fn connect(
    fake: &FakeGoogleDrive,
    kept: &Arc<Kept>,
    sessions: &Arc<MemorySessions>,
) -> (Arc<GoogleDrive>, SharedStorage) {
    let base = fake.base();
    let time = Arc::new(fake.time());
    let store: Arc<dyn GrantStore> = kept.clone();
    let account = Account::new(Http::new().unwrap(), time, provider(Some(&base)), fake.app(), store);
    let tuning = Tuning { chunk_bytes: GRANULE, page: 1000 };
    let drive = GoogleDrive::with_tuning(account, Some(&base), tuning);
    let storage = Arc::clone(&drive).storage(ROOT, sessions.clone()).unwrap();
    (drive, storage)
}
