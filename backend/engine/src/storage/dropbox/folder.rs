//! A folder of an account as a destination.

use super::Dropbox;
use super::api::{File, Metadata};
use crate::storage::{
    Body, ByteStream, Entry, Error, ErrorKind, Listing, Result, Sessions, Storage, StorageKind, Stored,
    check_key,
};
use serde::de::IgnoredAny;
use serde_json::json;
use std::sync::Arc;

pub(super) struct Folder {
    pub cloud: Arc<Dropbox>,
    /// `/a/b`, or empty for the account's own root.
    pub root: String,
    pub sessions: Arc<dyn Sessions>,
}

/// As messages call an object.
pub(super) fn named(key: &str) -> String {
    format!("`{key}`")
}

impl Folder {
    /// # Errors
    /// `InvalidConfig` for an unsafe key.
    pub fn path(&self, key: &str) -> Result<String> {
        check_key(key)?;
        Ok(format!("{}/{key}", self.root))
    }

    async fn file(&self, key: &str) -> Result<Option<File>> {
        match self.cloud.api.look(&self.path(key)?, &named(key)).await? {
            Some(Metadata::File(file)) => Ok(Some(file)),
            // A folder in an object's place is no object.
            _ => Ok(None),
        }
    }
}

fn absent(key: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("There is no `{key}` in Dropbox."))
}

#[async_trait::async_trait]
impl Storage for Folder {
    fn kind(&self) -> StorageKind {
        StorageKind::Dropbox
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        super::upload::put(self, key, body).await
    }

    /// A session cannot be cancelled there. It takes no room, nobody sees it, and it ends by itself a week after its start; without its
    /// state nothing makes an object of it any more.
    async fn abandon(&self, key: &str) -> Result<()> {
        check_key(key)?;
        // A commit that is on its way, of a `put` that was dropped, is over after this.
        let _writes = self.cloud.writes.lock().await;
        self.sessions.remove(key).await
    }

    async fn stat(&self, key: &str) -> Result<Entry> {
        let file = self.file(key).await?.ok_or_else(|| absent(key))?;
        Ok(Entry { key: key.into(), size_bytes: file.size })
    }

    async fn list(&self, prefix: &str) -> Result<Listing> {
        let prefix = prefix.trim_end_matches('/');
        let path = if prefix.is_empty() { self.root.clone() } else { self.path(prefix)? };
        super::list::list(&self.cloud, &path, prefix).await
    }

    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream> {
        let path = self.path(key)?;
        let opened = self.cloud.api.download(&path, key, offset).await?;
        opened.map_err(|fault| fault.into_error(&named(key)))
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let _writes = self.cloud.writes.lock().await;
        let Some(file) = self.file(key).await? else { return Ok(()) };
        self.cloud.delete_revision(&self.path(key)?, &file.rev, &named(key)).await
    }

    async fn remove_empty_dir(&self, prefix: &str) -> Result<()> {
        let prefix = prefix.trim_end_matches('/');
        let path = self.path(prefix)?;
        // Deleting a folder takes what is in it along, and cannot be asked to do otherwise. So it is looked into just before, by a listing
        // that does not lag, and nothing of ours can come into it meanwhile: commits wait for this lock. What a person puts there within
        // that moment is in the account's deleted files.
        let _writes = self.cloud.writes.lock().await;
        if !super::list::is_empty_folder(&self.cloud, &path, &named(prefix)).await? {
            return Ok(());
        }
        let deleted = self.cloud.api.rpc::<IgnoredAny>("files/delete_v2", &json!({ "path": path })).await?;
        match deleted {
            Err(fault) if !fault.is("path_lookup/not_found") => Err(fault.into_error(&named(prefix))),
            _ => Ok(()),
        }
    }
}

impl Dropbox {
    /// Deletes a file if it is still of this revision. A folder that has taken its place is never deleted by this: folders have no
    /// revision. The caller holds `writes`.
    pub(super) async fn delete_revision(&self, path: &str, rev: &str, what: &str) -> Result<()> {
        let arg = json!({ "path": path, "parent_rev": rev });
        match self.api.rpc::<IgnoredAny>("files/delete_v2", &arg).await? {
            Err(fault) if !fault.is("path_lookup/not_found") => Err(fault.into_error(what)),
            _ => Ok(()),
        }
    }
}
