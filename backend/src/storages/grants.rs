//! Where accounts keep their tokens: in the row of their Storage Set, encrypted.

use super::repo::{self, Row, links};
use super::vault::Vault;
use crate::clock::SharedClock;
use crate::db::Db;
use crate::notifications::{Notice, NotificationsService};
use chrono::TimeDelta;
use contract::Severity;
use engine::storage::account::GrantStore;
use engine::storage::oauth::Grant;
use engine::storage::{Error, ErrorKind, Result, StorageKind};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Links of a Google app in testing mode end after seven days.
const TESTING_MODE: TimeDelta = TimeDelta::days(8);

/// The matter of a link that does not work, in the inbox.
pub fn matter(id: i64) -> String {
    format!("storage:{id}:link")
}

/// Of one account, linked through one app: what a row is linked to later is nothing to it, so that no copy is split over two accounts.
pub struct DbGrants {
    pub id: i64,
    pub kind: StorageKind,
    pub owner: Owner,
    pub db: Db,
    pub clock: SharedClock,
    pub vault: Vault,
    pub notifications: NotificationsService,
    /// The link that this account works with: what becomes of it says nothing of a newer one.
    pub generation: AtomicI64,
}

/// Whose a grant is, and the app that it was given to.
#[derive(Debug, PartialEq, Eq)]
pub struct Owner {
    account_id: Option<String>,
    client_id: String,
    tenant: Option<String>,
}

impl Owner {
    pub fn of(row: &Row) -> Owner {
        Owner {
            account_id: row.account_id.clone(),
            client_id: row.client_id.clone(),
            tenant: row.tenant.clone(),
        }
    }
}

#[async_trait::async_trait]
impl GrantStore for DbGrants {
    async fn load(&self) -> Result<Grant> {
        let row = repo::find(&self.db, self.id).await.map_err(unanswered)?;
        let Some(row) = row else {
            return Err(Error::new(ErrorKind::NeedsRelink, missing(self.id)));
        };
        match self.vault.grant(&row) {
            // Not `lost`: the new link is fine. The generation stays, so that this account says nothing of it from now on.
            Ok(Some(_)) if Owner::of(&row) != self.owner => {
                Err(Error::new(ErrorKind::InvalidConfig, relinked(&row.title)))
            }
            Ok(Some(grant)) => {
                self.generation.store(grant.generation, Ordering::Relaxed);
                Ok(grant)
            }
            Ok(None) => Err(Error::new(ErrorKind::NeedsRelink, not_linked(&row.title))),
            Err(_) => Err(Error::new(ErrorKind::NeedsRelink, unreadable(&row.title, true))),
        }
    }

    async fn save(&self, grant: &Grant) -> Result<bool> {
        let tokens = self.vault.seal_tokens(self.id, grant);
        let tokens = tokens.map_err(|e| Error::new(ErrorKind::Other, e.to_string()))?;
        links::save_tokens(&self.db, self.id, grant.generation, &tokens).await.map_err(unanswered)
    }

    async fn lost(&self, message: &str) {
        if let Err(error) = self.tell(message).await {
            tracing::error!(storage.id = self.id, %error, "that a link has ended could not be noted");
        }
    }

    async fn works(&self) {
        let note = links::note_error(&self.db, self.id, self.generation.load(Ordering::Relaxed), None);
        let noted = match note.await {
            Ok(true) => self.notifications.settle(&matter(self.id)).await,
            // Another link by now: its own account settles the matter.
            other => other.map(|_| ()),
        };
        if let Err(error) = noted {
            tracing::error!(storage.id = self.id, %error, "that a link works again could not be noted");
        }
    }
}

impl DbGrants {
    async fn tell(&self, message: &str) -> std::result::Result<(), crate::db::Error> {
        let Some(row) = repo::find(&self.db, self.id).await? else { return Ok(()) };
        let mut message = self.vault.redact(message);
        let young = row.linked_at.is_some_and(|at| self.clock.now() - at <= TESTING_MODE);
        if self.kind == StorageKind::GoogleDrive && young {
            message.push_str(
                " Your Google app is probably in testing mode, where every link ends after 7 days: publish it in the Google Cloud console \
                 before you link again.",
            );
        }
        let generation = self.generation.load(Ordering::Relaxed);
        if !links::note_error(&self.db, self.id, generation, Some(&message)).await? {
            return Ok(());
        }
        let title = format!("Storage '{}' has lost its account", row.title);
        let text = format!("Copies are no longer sent to storage '{}'. {message}", row.title);
        let key = matter(self.id);
        let notice = Notice { severity: Severity::Error, title: &title, message: &text, key: &key };
        if self.notifications.post(notice).await? {
            tracing::warn!(storage.id = self.id, reason = message, "a storage has lost its account");
        }
        Ok(())
    }
}

/// A grant that was just exchanged, before anybody has agreed to it.
pub struct FreshGrant(Mutex<Grant>);

impl FreshGrant {
    pub fn new(grant: Grant) -> Self {
        FreshGrant(Mutex::new(grant))
    }

    /// As it is now: a provider may have replaced its tokens already.
    pub fn now(&self) -> Grant {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait::async_trait]
impl GrantStore for FreshGrant {
    async fn load(&self) -> Result<Grant> {
        Ok(self.now())
    }

    async fn save(&self, grant: &Grant) -> Result<bool> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = grant.clone();
        Ok(true)
    }

    async fn lost(&self, _: &str) {}

    async fn works(&self) {}
}

/// The database's own words stay in the log.
pub fn unanswered(error: crate::db::Error) -> Error {
    tracing::error!(%error, "the metadata database failed while a destination was in use");
    Error::new(ErrorKind::Unavailable, "The metadata database of this server does not answer.")
}

pub fn missing(id: i64) -> String {
    format!("Storage with id '{id}' does not exist.")
}

fn relinked(title: &str) -> String {
    format!(
        "Storage '{title}' was linked to another account, or through another app, while it was in use. Run the pass again."
    )
}

pub fn not_linked(title: &str) -> String {
    format!("Storage '{title}' is not linked to an account. Open the Storage Set and link one.")
}

/// `consent`: the account is linked in the provider's pages.
pub fn unreadable(title: &str, consent: bool) -> String {
    let again = if consent { "Enter them again and link the account again." } else { "Enter them again." };
    format!(
        "The credentials of storage '{title}' cannot be decrypted (the encryption key has changed). {again}"
    )
}
