//! What the tests of all drivers share.

use engine::storage::{
    Body, ByteStream, BytesBody, FileBody, Result, Retry, RetryPolicy, Storage, Stored, There,
};
use engine::testing::VirtualTime;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Something that goes wrong, and the state it has to end in.
pub struct Scenario {
    pub name: &'static str,
    pub run: fn() -> BoxFuture<'static, ()>,
}

/// `scenarios![a_dropped_connection, …]`: a table of `async fn()`s, by their names.
#[macro_export]
macro_rules! scenarios {
    ($($name:path),* $(,)?) => {
        &[$($crate::support::Scenario { name: stringify!($name), run: || Box::pin($name()) }),*]
    };
}

/// Runs every scenario, a few side by side, and fails with the names of all that failed.
pub async fn run_all(provider: &str, scenarios: &[Scenario]) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runs = scenarios.iter().map(|scenario| async {
        let task = tokio::spawn((scenario.run)());
        let abort = task.abort_handle();
        let ended = tokio::time::timeout(Duration::from_secs(60), task).await;
        abort.abort();
        match ended {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("{}: {error}", scenario.name)),
            Err(_) => Some(format!("{}: did not end within 60 s", scenario.name)),
        }
    });
    let failed: Vec<String> = futures_util::stream::iter(runs)
        .buffer_unordered(4)
        .filter_map(|failed| async { failed })
        .collect()
        .await;
    assert!(
        failed.is_empty(),
        "{provider}: {} of {} failed:\n{}",
        failed.len(),
        scenarios.len(),
        failed.join("\n")
    );
    println!("{provider}: {} scenarios", scenarios.len());
}

/// Patience as a pass has it; waits pass at once.
pub fn patient(storage: Arc<dyn Storage>, time: &VirtualTime) -> Retry {
    Retry::waiting(storage, RetryPolicy::default(), Arc::new(time.clone()))
}

pub fn bytes(content: &[u8]) -> BytesBody {
    BytesBody(content.to_vec().into())
}

pub async fn put(storage: &dyn Storage, key: &str, content: &[u8]) -> Result<Stored> {
    storage.put(key, &bytes(content)).await
}

/// Bytes that differ everywhere.
pub fn pattern(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut out = Vec::with_capacity(size + 8);
    while out.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(size);
    out
}

/// A body that remembers what it was told to be at the destination already.
pub struct Told {
    body: FileBody,
    there: std::sync::Mutex<Vec<u64>>,
}

impl Told {
    pub fn new(body: FileBody) -> Told {
        Told { body, there: Default::default() }
    }

    /// Each number that it was told, repetitions left out.
    pub fn told(&self) -> Vec<u64> {
        let mut told = self.there.lock().unwrap().clone();
        told.dedup();
        told
    }
}

#[async_trait::async_trait]
impl Body for Told {
    fn size_bytes(&self) -> u64 {
        self.body.size_bytes()
    }

    fn sha256(&self) -> Option<String> {
        self.body.sha256()
    }

    async fn open(&self, offset: u64) -> std::io::Result<ByteStream> {
        self.body.open(offset).await
    }

    fn already_there(&self, there: &There) {
        self.there.lock().unwrap().push(there.bytes());
    }
}

/// An archive on disk.
pub struct Archive {
    _dir: tempfile::TempDir,
    pub path: PathBuf,
    pub content: Vec<u8>,
}

impl Archive {
    pub fn new(size: usize) -> Archive {
        let dir = tempfile::tempdir().unwrap();
        let (path, content) = (dir.path().join("files.tgz"), pattern(size, size as u64));
        std::fs::write(&path, &content).unwrap();
        Archive { _dir: dir, path, content }
    }

    pub fn body(&self) -> FileBody {
        body_of(&self.path, &self.content)
    }
}

pub fn body_of(path: &Path, content: &[u8]) -> FileBody {
    FileBody::new(path, "files/files.tgz", content.len() as u64, &hex::encode(Sha256::digest(content)))
}
