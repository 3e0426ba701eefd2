//! The accounts of a process: one object per Storage Set, shared by every pass, so that tokens are refreshed by one task at a time.

use super::clouds::CloudSettings;
use super::convert;
use super::grants::{DbGrants, Owner, not_linked, unreadable};
use super::repo::Row;
use super::service::Inner;
use crate::wire;
use contract::StorageType;
use engine::storage::account::GrantStore;
use engine::storage::{Cloud, StorageKind};
use std::collections::HashMap;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub struct Accounts(Mutex<HashMap<i64, Held>>);

struct Held {
    /// An account holds as long as these are the same. Title and switch are no matter: whoever saves them must not bring a second account
    /// into being beside the one that a pass uses.
    settings: CloudSettings,
    generation: i64,
    cloud: Arc<dyn Cloud>,
}

impl Accounts {
    fn held(&self) -> MutexGuard<'_, HashMap<i64, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn forget(&self, id: i64) {
        self.held().remove(&id);
    }
}

/// A row as it can be used: its type, and what its driver needs.
pub struct Usable {
    pub kind: StorageKind,
    pub settings: CloudSettings,
}

impl Inner {
    /// What a driver needs of the row, or why it cannot be used, for the result of a storage row. Says nothing about being switched on.
    pub fn usable(&self, row: &Row) -> Result<Usable, String> {
        let title = &row.title;
        let (Ok(kind), Ok(shown)) =
            (wire::parse::<StorageKind>(&row.kind), wire::parse::<StorageType>(&row.kind))
        else {
            return Err(format!(
                "Storage '{title}' is of the type '{}', which this version does not know. Update Storekeep.",
                row.kind
            ));
        };
        let consent = shown.is_linked_by_consent();
        let vault = &self.parts.vault;
        let secret = match vault.client_secret(row) {
            Ok(Some(secret)) => secret,
            Ok(None) => {
                let label = shown.client_secret_label();
                return Err(format!("Storage '{title}' has no {label}. Enter it in the Storage Set."));
            }
            Err(_) => return Err(unreadable(title, consent)),
        };
        if consent {
            match vault.grant(row) {
                Ok(Some(_)) => {}
                Ok(None) => return Err(not_linked(title)),
                Err(_) => return Err(unreadable(title, true)),
            }
        }
        Ok(Usable { kind, settings: convert::settings(row, kind, secret) })
    }

    /// The account of a row, the same one for all who ask as long as nothing about it changes.
    pub fn account(&self, row: &Row) -> Result<Arc<dyn Cloud>, String> {
        let Usable { kind, settings } = self.usable(row)?;
        let mut held = self.accounts.held();
        if let Some(held) = held.get(&row.id)
            && held.settings == settings
            && held.generation == row.link_generation
        {
            return Ok(Arc::clone(&held.cloud));
        }
        let grants = (kind != StorageKind::AmazonS3).then(|| self.grants(row, kind));
        let cloud = self.parts.clouds.cloud(&settings, grants);
        let cloud =
            cloud.map_err(|e| format!("Storage '{}': {}", row.title, self.parts.vault.redact(&e.message)))?;
        let generation = row.link_generation;
        held.insert(row.id, Held { settings, generation, cloud: Arc::clone(&cloud) });
        Ok(cloud)
    }

    fn grants(&self, row: &Row, kind: StorageKind) -> Arc<dyn GrantStore> {
        Arc::new(DbGrants {
            id: row.id,
            kind,
            owner: Owner::of(row),
            db: self.parts.db.clone(),
            clock: self.parts.clock.clone(),
            vault: self.parts.vault.clone(),
            notifications: self.parts.notifications.clone(),
            generation: AtomicI64::new(row.link_generation),
        })
    }
}
