//! An account at a provider, from which destinations are made.

use super::{Result, Sessions, SharedStorage, StorageKind};
use std::sync::Arc;

/// Who an account belongs to, and how much room there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    /// Of the person or team, for people: an e-mail address, a name, an access key id.
    pub name: String,
    /// What the provider calls the account; it stays the same when the name changes.
    pub id: String,
    /// `None`: no limit, or the provider does not tell.
    pub total_bytes: Option<u64>,
    pub used_bytes: Option<u64>,
}

/// One account. One object of it serves all rows and passes of a process: it keeps what has to be done by one task at a time.
#[async_trait::async_trait]
pub trait Cloud: Send + Sync {
    fn kind(&self) -> StorageKind;

    /// Asks the provider. Proves that the credentials work.
    async fn about(&self) -> Result<AccountInfo>;

    /// The destination at `root`: a folder of the account, `/` between its segments, empty for the account's own root; for Amazon S3
    /// `bucket/optional/prefix`. The folder is made by the first `put`; a bucket never.
    ///
    /// # Errors
    /// `InvalidConfig` when `root` cannot be a folder there.
    fn storage(self: Arc<Self>, root: &str, sessions: Arc<dyn Sessions>) -> Result<SharedStorage>;
}
