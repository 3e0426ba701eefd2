//! What Storage Sets mean to the rows of a pass.

use super::grants::missing;
use super::repo::{self, Row};
use super::service::{Inner, StoragesService};
use super::uploads::{Ledger, Noted};
use crate::db;
use crate::wire;
use contract::root_of;
use engine::pipeline::Target;
use engine::storage::{SharedStorage, StorageKind};
use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;

/// A row's folder at a Storage Set, as the pass's target.
pub struct Destination {
    pub title: String,
    pub kind: StorageKind,
    pub target: Target,
}

impl StoragesService {
    /// One destination for each Storage Set and path, for the pass of this log, or for who only looks. What cannot be used is a target that fails with its reason,
    /// so that one dead destination leaves the other rows alone.
    pub async fn destinations(
        &self,
        rows: &[(i64, String)],
        log_id: impl Into<Option<i64>>,
    ) -> Result<HashMap<(i64, String), Destination>, db::Error> {
        let log_id = log_id.into();
        let ids: Vec<i64> = rows.iter().map(|(id, _)| *id).collect();
        let found = repo::find_all(&self.inner.parts.db, &ids).await?;
        let destination =
            |(id, path): &(i64, String)| self.inner.destination(*id, found.get(id), path, log_id);
        Ok(rows.iter().map(|row| (row.clone(), destination(row))).collect())
    }
}

impl Inner {
    fn destination(&self, id: i64, row: Option<&Row>, path: &str, log_id: Option<i64>) -> Destination {
        let Some(row) = row else {
            let message = missing(id);
            let title = format!("Storage {id}");
            return Destination { title, kind: StorageKind::AmazonS3, target: Target::Unusable(message) };
        };
        // A type that this version does not know is told by the message.
        let kind = wire::parse(&row.kind).unwrap_or(StorageKind::AmazonS3);
        let target = match self.storage(row, path, log_id) {
            Ok(storage) => Target::Remote(storage),
            Err(message) => Target::Unusable(message),
        };
        Destination { title: row.title.clone(), kind, target }
    }

    /// The folder at the destination; what is put there is noted. Or why it cannot be used.
    pub fn storage(&self, row: &Row, path: &str, log_id: Option<i64>) -> Result<SharedStorage, String> {
        if !row.enabled {
            return Err(format!(
                "Storage '{}' is disabled. Enable it, or remove it from the Backup Set.",
                row.title
            ));
        }
        let cloud = self.account(row)?;
        let root = root_of(path);
        let ledger = Arc::new(Ledger {
            db: self.parts.db.clone(),
            clock: self.parts.clock.clone(),
            vault: self.parts.vault.clone(),
            storage_id: row.id,
            root: root.to_owned(),
            log_id,
        });
        let storage = cloud.storage(root, ledger.clone());
        let storage = storage
            .map_err(|e| format!("Storage '{}': {}", row.title, self.parts.vault.redact(&e.message)))?;
        let limit = row.max_bytes_per_sec.and_then(|n| u64::try_from(n).ok()).and_then(NonZeroU64::new);
        let storage = match limit {
            Some(limit) => self.parts.clouds.throttled(row.id, storage, limit),
            None => storage,
        };
        Ok(Arc::new(Noted::new(storage, ledger)))
    }
}
