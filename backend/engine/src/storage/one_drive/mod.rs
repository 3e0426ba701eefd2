//! Microsoft OneDrive, by Microsoft Graph v1.0: of people, of companies and schools.
//!
//! An object is a file at `<root>/<key>`. It is sent in fragments to an upload session that replaces what has its name at the last byte,
//! and not before; small ones go in one request, which does the same. The address of a session is a capability of its own: it gets no token,
//! and is never told. What arrived is compared by size and quickXorHash.
//!
//! OneDrive does not tell upper from lower case in names. Keys do: an item whose name differs from a key's in case alone is another one,
//! and `put` refuses to take its place.

mod api;
mod classify;
mod deleting;
mod folders;
mod names;
mod quick_xor;
mod reading;
mod session;
mod source;
mod upload;

#[cfg(feature = "testing")]
pub(crate) use names::encode;
pub use quick_xor::QuickXor;

use super::account::Account;
use super::oauth::Provider;
use super::{AccountInfo, Body, ByteStream, Cloud, Entry, Listing, Result, Sessions, SharedStorage};
use super::{Storage, StorageKind, Stored};
use reqwest::Url;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};
use tokio::sync::{Mutex, RwLock};

/// As messages call it.
const NAME: &str = "OneDrive";
/// Fragments but the last are multiples of this; others are taken, and the whole is refused at its last byte.
pub const GRANULE: u64 = 327_680;
/// OneDrive takes fragments below this. Memory is the nearer limit.
const LARGEST_FRAGMENT: u64 = 16 << 20;

#[expect(clippy::expect_used, reason = "a constant, which every test of a provider parses")]
static LOGIN: LazyLock<Url> =
    LazyLock::new(|| "https://login.microsoftonline.com".parse().expect("a constant URL"));
const GRAPH: &str = "https://graph.microsoft.com";

/// How accounts are linked. `tenant` is who may sign in: `common` (everybody) where it is `None`, `organizations`, `consumers`, or the id of
/// a directory; it has to fit the account types of the registered app. Under `base`, both hosts are found at their paths.
pub fn provider(base: Option<&Url>, tenant: Option<&str>) -> Provider {
    let tenant = tenant.filter(|t| !t.is_empty()).unwrap_or("common");
    let at = |end: &str| {
        let mut url = base.unwrap_or(&LOGIN).clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([tenant, "oauth2", "v2.0", end]);
        }
        url
    };
    Provider {
        kind: StorageKind::OneDrive,
        name: NAME,
        authorize_url: at("authorize"),
        token_url: at("token"),
        scopes: &["Files.ReadWrite", "offline_access"],
        authorize_extra: &[("response_mode", "query"), ("prompt", "select_account")],
        scope_at_refresh: true,
        unauthorized: classify::unauthorized,
    }
}

/// What becomes of a file that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It goes to the recycle bin, where people can take it back for some weeks, and where it counts against the quota.
    Recycle,
    /// It is gone at once, where the account allows it; else it goes to the recycle bin.
    Permanent,
}

/// Sizes that tests make small.
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// Bytes of a fragment, and of memory for each upload. Rounded down to a multiple of [`GRANULE`].
    pub fragment_bytes: u64,
    /// Objects up to this size need no session.
    pub simple_up_to: u64,
    /// Items in a page of a listing.
    pub page: u32,
    pub deletion: Deletion,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning { fragment_bytes: 32 * GRANULE, simple_up_to: GRANULE, page: 200, deletion: Deletion::Recycle }
    }
}

/// A linked account.
pub struct OneDrive {
    account: Arc<Account>,
    /// The base of all requests, without a slash at its end.
    api: String,
    tuning: Tuning,
    /// Folders are made by one task at a time.
    making: Mutex<()>,
    /// The account refuses sessions that tell the size beforehand.
    sizes_refused: AtomicBool,
}

impl OneDrive {
    pub fn new(account: Arc<Account>, base: Option<&Url>) -> Arc<OneDrive> {
        OneDrive::tuned(account, base, Tuning::default())
    }

    pub fn tuned(account: Arc<Account>, base: Option<&Url>, tuning: Tuning) -> Arc<OneDrive> {
        let host = base.map_or(GRAPH, Url::as_str).trim_end_matches('/');
        let fragment_bytes = tuning.fragment_bytes.min(LARGEST_FRAGMENT) / GRANULE * GRANULE;
        let tuning = Tuning { fragment_bytes: fragment_bytes.max(GRANULE), ..tuning };
        Arc::new(OneDrive {
            account,
            api: format!("{host}/v1.0"),
            tuning,
            making: Mutex::new(()),
            sizes_refused: AtomicBool::new(false),
        })
    }
}

#[async_trait::async_trait]
impl Cloud for OneDrive {
    fn kind(&self) -> StorageKind {
        StorageKind::OneDrive
    }

    async fn about(&self) -> Result<AccountInfo> {
        let drive = self.drive().await?;
        let quota = drive.quota.known();
        Ok(AccountInfo {
            name: drive.owner_name(),
            total_bytes: quota.as_ref().and_then(|q| q.total),
            used_bytes: quota.as_ref().and_then(|q| q.used),
            id: drive.id,
        })
    }

    fn storage(self: Arc<Self>, root: &str, sessions: Arc<dyn Sessions>) -> Result<SharedStorage> {
        let root = names::check_root(root)?;
        Ok(Arc::new(Folder { drive: self, root, sessions, opening: Arc::default() }))
    }
}

/// One folder of an account: the destination of a storage row.
#[derive(Clone)]
struct Folder {
    drive: Arc<OneDrive>,
    root: String,
    sessions: Arc<dyn Sessions>,
    /// Held for reading while a session is opened and saved, which goes on when its `put` is dropped; `abandon` waits for it.
    opening: Arc<RwLock<()>>,
}

#[async_trait::async_trait]
impl Storage for Folder {
    fn kind(&self) -> StorageKind {
        StorageKind::OneDrive
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        self.upload(key, body).await
    }

    async fn abandon(&self, key: &str) -> Result<()> {
        self.give_up(key).await
    }

    async fn stat(&self, key: &str) -> Result<Entry> {
        let item = self.file(key).await?;
        Ok(Entry { key: key.into(), size_bytes: item.size_bytes(key)? })
    }

    async fn list(&self, prefix: &str) -> Result<Listing> {
        self.list_below(prefix).await
    }

    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream> {
        self.download(key, offset).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.delete_file(key).await
    }

    async fn remove_empty_dir(&self, prefix: &str) -> Result<()> {
        self.remove_folder(prefix).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_linked_at_microsoft() {
        let provider = provider(None, None);
        assert_eq!(
            provider.authorize_url.as_str(),
            "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"
        );
        assert_eq!(provider.token_url.as_str(), "https://login.microsoftonline.com/common/oauth2/v2.0/token");
        assert!(provider.scope_at_refresh);
    }

    #[test]
    fn a_tenant_and_another_base_have_their_place_in_the_addresses() {
        let base = "http://127.0.0.1:8080/microsoft/".parse().unwrap();
        let url = provider(Some(&base), Some("contoso.example/../x")).token_url;
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:8080/microsoft/contoso.example%2F..%2Fx/oauth2/v2.0/token"
        );
        assert!(provider(Some(&base), Some("")).token_url.path().starts_with("/microsoft/common/"));
    }
}
