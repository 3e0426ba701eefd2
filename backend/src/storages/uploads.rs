//! What passes put at destinations, noted before it begins: so that a server that starts after a crash knows what was half-made, and
//! removes that and nothing else.

use super::grants::{missing, unanswered};
use super::repo::uploads::{self, Place};
use super::vault::Vault;
use crate::clock::SharedClock;
use crate::db::{self, Db};
use engine::policy::layout;
use engine::storage::{
    Body, ByteStream, Entry, Error, ErrorKind, Listing, Result, Sessions, SharedStorage, Storage,
    StorageKind, Stored,
};
use std::sync::Arc;

/// The notes on one row's folder at one destination.
#[derive(Clone)]
pub struct Ledger {
    pub db: Db,
    pub clock: SharedClock,
    pub vault: Vault,
    pub storage_id: i64,
    /// The path of the row, without slashes at its ends.
    pub root: String,
    /// The pass that puts; `None` for whoever clears up.
    pub log_id: Option<i64>,
}

impl Ledger {
    fn place<'a>(&'a self, key: &'a str) -> Place<'a> {
        Place { storage_id: self.storage_id, root: &self.root, key }
    }

    async fn begin(&self, key: &str) -> Result<()> {
        if let Some(log_id) = self.log_id
            && !uploads::is_under_way(&self.db, log_id).await.map_err(unanswered)?
        {
            // What it has sent so far may be tidied away at this moment: a manifest now would be one of a copy with holes.
            return Err(Error::new(ErrorKind::Cancelled, "Somebody else has ended this pass meanwhile."));
        }
        let noted = uploads::note(&self.db, self.place(key), self.log_id, self.clock.now()).await;
        self.noted(noted)
    }

    /// A Storage Set can be deleted while a pass sends to it. Trying again changes nothing then.
    fn noted(&self, noted: std::result::Result<bool, db::Error>) -> Result<()> {
        match noted.map_err(unanswered)? {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::InvalidConfig, missing(self.storage_id))),
        }
    }

    /// An earlier attempt of the pass has brought the object there.
    async fn has_arrived(&self, key: &str, body: &dyn Body) -> Result<bool> {
        match body.sha256() {
            Some(sha256) => {
                uploads::has_arrived(&self.db, self.place(key), &sha256).await.map_err(unanswered)
            }
            None => Ok(false),
        }
    }

    /// Noted only of what the destination says that it has as it was sent.
    async fn arrived(&self, key: &str, body: &dyn Body, stored: &Stored) -> Result<()> {
        let Some(sha256) = body.sha256() else { return Ok(()) };
        let same = stored.size_bytes == body.size_bytes()
            && stored.sha256.as_ref().is_none_or(|theirs| *theirs == sha256);
        match same {
            true => uploads::arrived(&self.db, self.place(key), &sha256).await.map_err(unanswered),
            false => Ok(()),
        }
    }

    pub async fn forget(&self, key: &str) -> Result<()> {
        uploads::forget(&self.db, self.place(key)).await.map_err(unanswered)
    }

    /// The copy is complete: nothing of it is half-made any more.
    pub async fn complete(&self, copy_path: &str) -> Result<()> {
        uploads::forget_copy(&self.db, self.storage_id, &self.root, copy_path).await.map_err(unanswered)
    }
}

#[async_trait::async_trait]
impl Sessions for Ledger {
    async fn load(&self, key: &str) -> Result<Option<String>> {
        let place = self.place(key);
        let Some(sealed) = uploads::state(&self.db, place).await.map_err(unanswered)? else {
            return Ok(None);
        };
        match self.vault.state(&place, &sealed) {
            Ok(state) => Ok(Some(state)),
            Err(_) => {
                // Another key by now. Drivers take what they cannot read for an upload that they know nothing of but that it was begun.
                tracing::warn!(
                    storage.id = self.storage_id,
                    key,
                    "the state of an upload cannot be decrypted"
                );
                Ok(Some(String::new()))
            }
        }
    }

    async fn save(&self, key: &str, state: &str) -> Result<()> {
        let place = self.place(key);
        let sealed = self.vault.seal_state(&place, state);
        let sealed = sealed.map_err(|e| Error::new(ErrorKind::Other, e.to_string()))?;
        self.noted(uploads::save_state(&self.db, place, self.log_id, &sealed, self.clock.now()).await)
    }

    async fn remove(&self, key: &str) -> Result<()> {
        uploads::remove_state(&self.db, self.place(key)).await.map_err(unanswered)
    }
}

/// The copy that a key belongs to: `<folder>/<timestamp>`, with the object's name below it.
pub fn copy_of(key: &str) -> Option<(&str, &str)> {
    let folder = key.find('/')?;
    let copy = folder + 1 + key[folder + 1..].find('/')?;
    Some((&key[..copy], &key[copy + 1..]))
}

/// A destination whose objects are noted from before they are put until their copy is complete, or they are gone.
pub struct Noted {
    inner: SharedStorage,
    ledger: Arc<Ledger>,
}

impl Noted {
    pub fn new(inner: SharedStorage, ledger: Arc<Ledger>) -> Noted {
        Noted { inner, ledger }
    }
}

#[async_trait::async_trait]
impl Storage for Noted {
    fn kind(&self) -> StorageKind {
        self.inner.kind()
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        let (copy, name) = copy_of(key).unwrap_or(("", key));
        // The tombstone of a copy that is being deleted must outlive a crash: it says what is still to go.
        if name == layout::TOMBSTONE {
            let stored = self.inner.put(key, body).await?;
            self.ledger.forget(key).await?;
            return Ok(stored);
        }
        self.ledger.begin(key).await?;
        if name == layout::MANIFEST {
            let stored = self.inner.put(key, body).await?;
            self.ledger.complete(copy).await?;
            return Ok(stored);
        }
        // A pass that goes on does not send again what was whole before it was cut off.
        if self.ledger.has_arrived(key, body).await?
            && let Ok(there) = self.inner.stat(key).await
            && there.size_bytes == body.size_bytes()
        {
            return Ok(Stored { size_bytes: there.size_bytes, sha256: None });
        }
        let stored = self.inner.put(key, body).await?;
        self.ledger.arrived(key, body, &stored).await?;
        Ok(stored)
    }

    async fn abandon(&self, key: &str) -> Result<()> {
        self.inner.abandon(key).await
    }

    async fn stat(&self, key: &str) -> Result<Entry> {
        self.inner.stat(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Listing> {
        self.inner.list(prefix).await
    }

    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream> {
        self.inner.open(key, offset).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.inner.delete(key).await?;
        self.ledger.forget(key).await
    }

    /// Of a batch that failed nothing is forgotten: what is gone after all does no harm.
    async fn delete_all(&self, keys: &[String]) -> Result<()> {
        self.inner.delete_all(keys).await?;
        for key in keys {
            self.ledger.forget(key).await?;
        }
        Ok(())
    }

    async fn remove_empty_dir(&self, prefix: &str) -> Result<()> {
        self.inner.remove_empty_dir(prefix).await
    }

    fn copies_ranges(&self) -> bool {
        self.inner.copies_ranges()
    }

    async fn notes(&self) -> Result<Vec<String>> {
        self.inner.notes().await
    }
}
