//! Destinations.

use bytes::Bytes;
use std::sync::Arc;

pub mod account;
pub mod amazon_s3;
mod body;
pub mod cloud;
pub mod dropbox;
pub mod error;
pub mod google_drive;
pub mod http;
pub(crate) mod local;
mod memory;
pub mod oauth;
pub mod one_drive;
pub mod probe;
mod retry;
mod secret;
pub mod session;
mod there;
mod throttle;
pub mod time;

pub use body::{BytesBody, FileBody};
pub use cloud::{AccountInfo, Cloud};
pub use error::{Error, ErrorKind};
pub use local::LocalStorage;
pub use memory::MemoryStorage;
pub use retry::{Retry, RetryPolicy};
pub use secret::Secret;
pub use session::{MemorySessions, Sessions};
pub use there::{Earlier, There};
pub use throttle::{Bandwidth, Throttle};

#[cfg(test)]
mod tests;

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

/// A file to be stored. It can be opened again from any offset, so that a retry is safe: every opening gives the same bytes.
///
/// An error of the stream ends the `put` that reads it, and nothing of it is stored.
#[async_trait::async_trait]
pub trait Body: Send + Sync {
    fn size_bytes(&self) -> u64;
    /// Lower-case hexadecimal SHA-256 of the whole, where it is known beforehand: an upload is gone on with for the same content only.
    fn sha256(&self) -> Option<String>;
    async fn open(&self, offset: u64) -> std::io::Result<ByteStream>;
    /// What earlier objects of the same destination are expected to hold of it, in the order of `at`, apart from each other. Only for
    /// destinations that can make use of it: see [`Storage::copies_ranges`].
    fn earlier(&self) -> &[Earlier] {
        &[]
    }
    /// A driver says so before it opens the body, and again when it turns out otherwise while it reads: the destination has these bytes
    /// already, or makes them of what it has. They are read to be hashed, and are not sent. For who slows down what is sent; to most bodies
    /// it is all the same.
    fn already_there(&self, _there: &There) {}
}

/// What the destination says it has, not what was sent to it.
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

/// One destination, rooted at the folder (or bucket and prefix) of a storage row. Keys are relative paths with `/`, made of safe segments
/// (`policy::layout::is_safe_key`); others are refused as `InvalidConfig`.
///
/// - `put` is atomic: nobody ever sees half an object under its key, also when its future is dropped; it replaces what was there. It reads
///   exactly `size_bytes` of the body and fails as `Integrity` when there are fewer or more, or when the destination's own hash of what
///   arrived differs from the hash of what was read.
/// - A `put` that broke off may go on where it was: the next `put` of the same key and content, by any object for this destination that
///   shares its `Sessions`, continues it. `abandon` gives it up: nothing of it stays at the destination or in the `Sessions`, and it is
///   idempotent. It leaves a finished object alone.
/// - Read after write: what `put` returned `Ok` for is seen by `list`, `stat` and `open` at once.
/// - `stat` and `open` of an absent key are `NotFound`. The offset of `open` is 0 or less than the size.
/// - `delete` and `delete_all` are idempotent: an absent key is fine. When `delete_all` fails, any of its keys may be gone, and any may not.
/// - `list` is recursive below a prefix that ends at a `/` border (with or without the `/`; empty for everything), in no particular order,
///   with whole keys, and says whether it is complete. An absent prefix is an empty, complete listing.
/// - Errors carry a kind that says what to do; only `Unavailable` and `RateLimited` are worth a retry, and every call may be repeated.
/// - No call waits for ever: a driver gives up on a destination that does not answer.
/// - One object may be shared by any number of tasks.
#[async_trait::async_trait]
pub trait Storage: Send + Sync {
    fn kind(&self) -> StorageKind;
    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored>;
    async fn abandon(&self, key: &str) -> Result<()>;
    async fn stat(&self, key: &str) -> Result<Entry>;
    async fn list(&self, prefix: &str) -> Result<Listing>;
    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream>;
    async fn delete(&self, key: &str) -> Result<()>;
    /// Deletes objects in no particular order, in fewer calls where the destination has such. What has to go before something else gets a
    /// call of its own.
    async fn delete_all(&self, keys: &[String]) -> Result<()> {
        for key in keys {
            self.delete(key).await?;
        }
        Ok(())
    }
    /// Removes a folder that has become empty, where the destination has folders. Not empty or absent is fine.
    async fn remove_empty_dir(&self, prefix: &str) -> Result<()>;
    /// Whether `put` can have the destination make parts of an object of others that it has ([`Body::earlier`]), so that it is worth finding
    /// out which. What comes of it is the same object, and verified as any.
    fn copies_ranges(&self) -> bool {
        false
    }
    /// What an administrator ought to know of how the destination is set up, each a sentence with its remedy; empty when there is nothing.
    async fn notes(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

pub type SharedStorage = Arc<dyn Storage>;

/// Refuses keys that are not relative paths of safe segments.
pub(crate) fn check_key(key: &str) -> Result<()> {
    if crate::policy::layout::is_safe_key(key) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidConfig,
        format!("`{}` is not a safe name for an object.", key.escape_debug()),
    ))
}

/// Whether `key` lies below `prefix`, as [`Storage::list`] counts it.
pub(crate) fn below(key: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    prefix.is_empty() || key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
}

/// Reads an object of at most `limit` bytes into memory; a longer one is `Integrity`.
pub async fn read_small(storage: &dyn Storage, key: &str, limit: usize) -> Result<Vec<u8>> {
    use futures_util::StreamExt;
    let mut stream = storage.open(key, 0).await?;
    let mut all = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|cause| broke_off(key, cause))?;
        if all.len() + chunk.len() > limit {
            return Err(Error::new(ErrorKind::Integrity, format!("`{key}` is larger than {limit} bytes.")));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

fn broke_off(key: &str, cause: std::io::Error) -> Error {
    let ours = cause.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let damaged = ours.is_some_and(|error| error.kind == ErrorKind::Integrity);
    let kind = if damaged { ErrorKind::Integrity } else { ErrorKind::Unavailable };
    Error::new(kind, format!("Reading `{key}` broke off: {cause}")).with_source(cause)
}
