//! Destinations.

use bytes::Bytes;
use std::sync::Arc;

pub mod error;
pub use error::{Error, ErrorKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageKind {
    Local,
    GoogleDrive,
    OneDrive,
    Dropbox,
    AmazonS3,
}

pub type Result<T> = std::result::Result<T, Error>;
pub type ByteStream = std::pin::Pin<Box<dyn futures_util::Stream<Item = std::io::Result<Bytes>> + Send>>;

/// A file to be stored. It can be opened again from any offset, so that a retry is safe.
#[async_trait::async_trait]
pub trait Body: Send + Sync {
    fn size_bytes(&self) -> u64;
    async fn open(&self, offset: u64) -> std::io::Result<ByteStream>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub size_bytes: u64,
    /// Lower-case hexadecimal SHA-256 of what was stored, where the destination can tell.
    pub sha256: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub size_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub entries: Vec<Entry>,
    /// False when the destination stopped answering before the end: nothing may be concluded from an absence.
    pub complete: bool,
}

/// One destination. Keys are relative paths with `/`, made of safe segments.
///
/// - `put` is atomic: nobody ever sees half an object under its key; it replaces what was there.
/// - Read after write: what `put` returned `Ok` for is seen by `list`, `stat` and `open` at once.
/// - `delete` is idempotent: an absent key is fine.
/// - `list` is recursive below a prefix that ends at a `/` border, in no particular order, and says whether it is complete.
/// - Errors carry a kind that says what to do; only `Unavailable` and `RateLimited` are worth a retry.
#[async_trait::async_trait]
pub trait Storage: Send + Sync {
    fn kind(&self) -> StorageKind;
    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored>;
    async fn stat(&self, key: &str) -> Result<Entry>;
    async fn list(&self, prefix: &str) -> Result<Listing>;
    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream>;
    async fn delete(&self, key: &str) -> Result<()>;
    /// Removes a folder that has become empty, where the destination has folders. Not empty or absent is fine.
    async fn remove_empty_dir(&self, prefix: &str) -> Result<()>;
}

pub type SharedStorage = Arc<dyn Storage>;
