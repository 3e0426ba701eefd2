//! The catalogue of copies, compared with what is there.

use super::repo;
use crate::db;
use crate::runs::catalogue::{self, Copy};
use crate::runs::error::Error;
use crate::runs::job::{self, LOCAL};
use crate::runs::outcome;
use crate::runs::service::RunsService;
use chrono::TimeDelta;
use contract::{BackupSet, root_of};
use engine::pipeline::{CopyThere, Target};
use engine::storage::{LocalStorage, Retry, RetryPolicy, Storage};
use std::collections::HashMap;
use std::time::Duration;

/// Covers the clocks of other servers, and the end of a pass that is written late.
const ENDED_JUST_NOW: TimeDelta = TimeDelta::minutes(5);
/// How long looking at one destination may take.
const ONE_LOOK: Duration = Duration::from_secs(10 * 60);

impl RunsService {
    /// Forgets copies that are gone and learns of those that are there, for every Set that is not busy. A destination that does not answer,
    /// or not completely, leaves what is known of it as it is.
    pub async fn reconcile(&self) -> Result<(), Error> {
        let rooms = &self.inner.rooms;
        for set in rooms.backups.all().await? {
            if let Err(error) = self.reconcile_set(&set).await {
                tracing::error!(backup.id = set.id, %error, "the copies of a Backup Set could not be compared");
            }
        }
        Ok(())
    }

    async fn reconcile_set(&self, set: &BackupSet) -> Result<(), Error> {
        let rooms = &self.inner.rooms;
        let local = LocalStorage::new(&rooms.place.archive_dir);
        self.reconcile_at(set, LOCAL, "", &local).await?;
        let places = job::places(set);
        let destinations = rooms.storages.destinations(&places, None).await?;
        for (place, destination) in destinations {
            let (id, path) = place;
            if let Target::Remote(storage) = destination.target {
                let storage = Retry::new(storage, RetryPolicy::default());
                self.reconcile_at(set, &id.to_string(), root_of(&path), &storage).await?;
            }
        }
        Ok(())
    }

    async fn reconcile_at(
        &self,
        set: &BackupSet,
        destination: &str,
        root: &str,
        storage: &dyn Storage,
    ) -> Result<(), Error> {
        let rooms = &self.inner.rooms;
        // What is made from now on is not in the list.
        let began = rooms.clock.now();
        let look = engine::pipeline::copies_at(storage, &set.folder_name);
        let there = match tokio::time::timeout(ONE_LOOK, look).await {
            Ok(Ok(there)) => there,
            Ok(Err(error)) => {
                let reason = rooms.redactor.redact(&error.message);
                tracing::warn!(backup.id = set.id, destination, reason, "the copies there cannot be listed");
                return Ok(());
            }
            Err(_) => {
                tracing::warn!(
                    backup.id = set.id,
                    destination,
                    "the copies there cannot be listed: it took too long"
                );
                return Ok(());
            }
        };
        // A pass knows better what it does, and one that ended meanwhile has changed what was listed.
        if repo::is_moving(&rooms.db, set.id, began - ENDED_JUST_NOW).await? {
            return Ok(());
        }
        let mut unknown: HashMap<&str, &CopyThere> = there
            .copies
            .iter()
            .filter(|copy| copy.manifest.started_at < began)
            .map(|c| (c.copy_path.as_str(), c))
            .collect();
        let mut gone = Vec::new();
        for known in repo::known(&rooms.db, destination, root, &set.folder_name, began).await? {
            match unknown.remove(known.copy_path.as_str()) {
                // Whatever is there cannot be told to be gone. What waits for its upload may lie on another server.
                None if there.unknown.contains(&known.copy_path) || known.staging => {}
                None => gone.push(known.id),
                Some(copy) if copy.complete != known.complete => {
                    repo::set_complete(&rooms.db, known.id, copy.complete).await?;
                }
                Some(_) => {}
            }
        }
        if destination == LOCAL && there.copies.is_empty() && !gone.is_empty() {
            // No sweep leaves nothing: rather a disk is away.
            tracing::warn!(
                backup.id = set.id,
                "no copy of the catalogue is in the archive directory; is its disk there?"
            );
            return Ok(());
        }
        if !gone.is_empty() {
            repo::forget(&rooms.db, &gone).await?;
            tracing::warn!(
                backup.id = set.id,
                destination,
                copies = gone.len(),
                "copies of the catalogue are gone"
            );
        }
        for copy in unknown.into_values() {
            self.learn(set, destination, root, copy).await?;
        }
        Ok(())
    }

    async fn learn(
        &self,
        set: &BackupSet,
        destination: &str,
        root: &str,
        there: &CopyThere,
    ) -> Result<(), Error> {
        let db = &self.inner.rooms.db;
        let manifest = &there.manifest;
        let copy = Copy {
            backup_id: set.id,
            log_id: repo::log_of(db, set.id, &there.copy_path).await?,
            backup_title: manifest.title.clone(),
            destination: destination.to_owned(),
            root: root.to_owned(),
            copy_path: there.copy_path.clone(),
            complete: there.complete,
            staging: destination == LOCAL && manifest.staging,
            size_bytes: i64::try_from(manifest.size_bytes()).unwrap_or(i64::MAX),
            files: outcome::files_json(&manifest.archives)?,
            created_at: manifest.started_at,
        };
        tracing::info!(
            backup.id = set.id,
            destination,
            copy = there.copy_path,
            "a copy that was not known is there"
        );
        let copy = &copy;
        db::transaction(db, |tx| async move { catalogue::add(&tx, copy).await }).await?;
        Ok(())
    }
}
