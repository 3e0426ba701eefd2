//! Dropbox.
//!
//! Paths are unique there and do not mind case: two keys that differ in case alone are one object. Folders come with the first file in
//! them. What is deleted stays in the account's *Deleted files* for a while, where a person can bring it back from.

mod api;
mod commit;
pub(crate) mod content_hash;
mod fault;
mod folder;
mod list;
mod source;
mod space;
mod state;
mod upload;

use super::account::Account;
use super::oauth::Provider;
use super::{AccountInfo, Cloud, Error, ErrorKind, Result, Sessions, SharedStorage, StorageKind};
use api::Api;
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

const NAME: &str = "Dropbox";

/// Sizes of what goes to and fro, for tests to lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Bytes of one request of an upload, at most 150 MiB; Dropbox advises a multiple of 4 MiB. So much memory is used for each upload.
    pub chunk: usize,
    /// Entries of one page of a listing, 1 to 2000. Dropbox sends about so many.
    pub page: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning { chunk: 16 << 20, page: 1000 }
    }
}

/// Dropbox's side of the linking. `base` stands in for all of its hosts.
pub fn provider(base: Option<&Url>) -> Provider {
    let (authorize, token) = match base {
        Some(base) => (api::below(base, "oauth2/authorize"), api::below(base, "oauth2/token")),
        None => (
            api::constant("https://www.dropbox.com/oauth2/authorize"),
            api::constant("https://api.dropboxapi.com/oauth2/token"),
        ),
    };
    Provider {
        kind: StorageKind::Dropbox,
        name: NAME,
        authorize_url: authorize,
        token_url: token,
        scopes: &["account_info.read", "files.metadata.read", "files.content.read", "files.content.write"],
        // Without it there is no refresh token.
        authorize_extra: &[("token_access_type", "offline")],
        scope_at_refresh: false,
        unauthorized: fault::unauthorized,
    }
}

/// One Dropbox account.
pub struct Dropbox {
    api: Api,
    tuning: Tuning,
    /// Dropbox refuses changes of an account that come side by side (`too_many_write_operations`): commits, which make folders too, and
    /// deletions are done one at a time. The bytes of uploads may come side by side.
    writes: Arc<tokio::sync::Mutex<()>>,
}

impl Dropbox {
    /// `base` stands in for all of Dropbox's hosts.
    pub fn new(account: Arc<Account>, base: Option<&Url>) -> Arc<Self> {
        Dropbox::tuned(account, base, Tuning::default())
    }

    /// The same, with other sizes.
    pub fn tuned(account: Arc<Account>, base: Option<&Url>, tuning: Tuning) -> Arc<Self> {
        Arc::new(Dropbox { api: Api::new(account, base), tuning, writes: Arc::default() })
    }
}

#[derive(Deserialize)]
struct Person {
    account_id: String,
    email: String,
}

#[async_trait::async_trait]
impl Cloud for Dropbox {
    fn kind(&self) -> StorageKind {
        StorageKind::Dropbox
    }

    async fn about(&self) -> Result<AccountInfo> {
        let person = self.api.rpc::<Person>("users/get_current_account", &Value::Null).await?;
        let person = person.map_err(|fault| fault.into_error("the account"))?;
        let space = self.api.space().await?;
        Ok(AccountInfo {
            name: person.email,
            id: person.account_id,
            total_bytes: space.total_bytes,
            used_bytes: Some(space.used_bytes),
        })
    }

    fn storage(self: Arc<Self>, root: &str, sessions: Arc<dyn Sessions>) -> Result<SharedStorage> {
        let root = root.trim_matches('/');
        if root.is_empty() {
            return Ok(Arc::new(folder::Folder { cloud: self, root: String::new(), sessions }));
        }
        if !crate::policy::layout::is_safe_key(root) {
            let text = format!(
                "`{}` cannot be a folder in Dropbox. Write it like backups/shop.",
                root.escape_debug()
            );
            return Err(Error::new(ErrorKind::InvalidConfig, text));
        }
        Ok(Arc::new(folder::Folder { cloud: self, root: format!("/{root}"), sessions }))
    }
}
