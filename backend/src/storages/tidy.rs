//! Clearing up after passes that ended in the middle of an upload: a crash, a kill, a destination that went away.
//!
//! Only what was noted before it was put is removed, and only of copies that have no manifest at the destination: a finished copy stays,
//! whatever happened to the pass that made it. What cannot be reached now stays noted for the next round.

use super::grants::unanswered;
use super::repo;
use super::repo::uploads::{self, Left, Place};
use super::service::{Inner, StoragesService};
use super::uploads::copy_of;
use crate::db;
use chrono::{DateTime, TimeDelta, Utc};
use engine::policy::layout;
use engine::storage::{ErrorKind, Result, Retry, RetryPolicy, Storage};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often is looked whether something was left behind.
const PERIOD: Duration = Duration::from_secs(30);
/// Objects a round.
const BATCH: u64 = 200;
/// How long clearing up one copy may take.
const ONE_COPY: Duration = Duration::from_secs(5 * 60);
/// A destination that could not be reached is asked again after this while, then after twice as long, and so on up to the second.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// Some providers find a new file only after a while: a manifest that was begun just now and is not there may be there after all.
const LAG: TimeDelta = TimeDelta::minutes(2);
const RETRY: RetryPolicy =
    RetryPolicy { attempts: 3, first_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(30) };

/// What a round did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tidied {
    /// Half-made copies that are gone.
    pub removed: usize,
    /// Copies that turned out to be complete.
    pub complete: usize,
    /// Copies that wait for a later round.
    pub kept: usize,
}

/// Destinations that could not be reached, with how often and until when they are left alone.
pub type Pauses = HashMap<i64, (u32, DateTime<Utc>)>;

impl StoragesService {
    /// Clears up until `stop` is cancelled. What goes wrong is logged, and the next round comes.
    pub async fn keep_tidy(self, stop: CancellationToken) {
        let mut pauses = Pauses::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                round = self.tidy(&mut pauses) => {
                    if let Err(error) = round {
                        tracing::error!(%error, "half-made uploads could not be looked for");
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    /// One round.
    pub async fn tidy(&self, pauses: &mut Pauses) -> std::result::Result<Tidied, db::Error> {
        let parts = &self.inner.parts;
        let now = parts.clock.now();
        let paused: Vec<i64> =
            pauses.iter().filter(|(_, (_, until))| *until > now).map(|(id, _)| *id).collect();
        let left = uploads::left(&parts.db, &paused, BATCH).await?;
        let mut destinations: BTreeMap<(i64, String), Vec<Left>> = BTreeMap::new();
        for upload in left {
            destinations.entry((upload.storage_id, upload.root.clone())).or_default().push(upload);
        }
        let mut tidied = Tidied::default();
        for ((id, root), uploads) in destinations {
            let before = tidied.kept;
            self.inner.tidy_destination(id, &root, &uploads, &mut tidied).await?;
            if tidied.kept > before {
                let failed = pauses.get(&id).map_or(0, |(failed, _)| *failed);
                let pause = (FIRST_PAUSE * 2i32.saturating_pow(failed.min(10))).min(LONGEST_PAUSE);
                pauses.insert(id, (failed + 1, now + pause));
            } else {
                pauses.remove(&id);
            }
        }
        Ok(tidied)
    }
}

impl Inner {
    async fn tidy_destination(
        &self,
        id: i64,
        root: &str,
        uploads: &[Left],
        tidied: &mut Tidied,
    ) -> std::result::Result<(), db::Error> {
        let mut copies: BTreeMap<&str, Vec<&Left>> = BTreeMap::new();
        for upload in uploads {
            copies.entry(copy_of(&upload.key).map_or("", |(copy, _)| copy)).or_default().push(upload);
        }
        let Some(row) = repo::find(&self.parts.db, id).await? else { return Ok(()) };
        let storage = match self.storage(&row, root, None) {
            Ok(storage) => Retry::new(storage, RETRY),
            Err(reason) => {
                tracing::debug!(
                    storage.id = id,
                    reason,
                    "half-made uploads wait: the storage cannot be used"
                );
                tidied.kept += copies.len();
                return Ok(());
            }
        };
        for (copy, uploads) in copies {
            let manifest = format!("{copy}/{}", layout::MANIFEST);
            let begun = Place { storage_id: id, root, key: &manifest };
            let begun = uploads::noted_at(&self.parts.db, begun).await?;
            let early = begun.is_some_and(|at| self.parts.clock.now() - at < LAG);
            let notes = Notes { db: &self.parts.db, storage_id: id, root };
            let work = tidy_copy(&storage, &notes, copy, &uploads, early);
            let done = match tokio::time::timeout(ONE_COPY, work).await {
                Ok(done) => done.map_err(|e| self.parts.vault.redact(&e.message)),
                Err(_) => Err("The destination took too long.".to_owned()),
            };
            match done {
                Ok(Done::Removed) => {
                    tidied.removed += 1;
                    tracing::warn!(
                        storage.id = id,
                        root,
                        copy,
                        objects = uploads.len(),
                        "a half-made copy was removed"
                    );
                    self.forget(id, root, &uploads).await?;
                }
                Ok(Done::Complete) => {
                    tidied.complete += 1;
                    tracing::info!(
                        storage.id = id,
                        root,
                        copy,
                        "a copy of an interrupted pass is complete, and stays"
                    );
                    self.forget(id, root, &uploads).await?;
                }
                Ok(Done::TooEarly) => tidied.kept += 1,
                Ok(Done::TakenUp) => {
                    tracing::info!(
                        storage.id = id,
                        root,
                        copy,
                        "a half-made copy is gone on with, and stays"
                    );
                }
                Err(reason) => {
                    tidied.kept += 1;
                    tracing::warn!(
                        storage.id = id,
                        root,
                        copy,
                        reason,
                        "a half-made copy could not be removed; it is tried again"
                    );
                }
            }
        }
        Ok(())
    }

    async fn forget(
        &self,
        storage_id: i64,
        root: &str,
        uploads: &[&Left],
    ) -> std::result::Result<(), db::Error> {
        for upload in uploads {
            let place = Place { storage_id, root, key: &upload.key };
            // Noted anew meanwhile, it is somebody else's.
            if uploads::give_up(&self.parts.db, place).await? {
                uploads::forget(&self.parts.db, place).await?;
            }
        }
        Ok(())
    }
}

enum Done {
    Removed,
    Complete,
    TooEarly,
    /// Its pass is tried again: it goes on with what is there.
    TakenUp,
}

/// What is noted of the uploads to one folder.
struct Notes<'a> {
    db: &'a db::Db,
    storage_id: i64,
    root: &'a str,
}

impl Notes<'_> {
    /// Nobody goes on with the upload. Asked again before each step: a list is old as soon as it is read.
    async fn is_left(&self, key: &str) -> Result<bool> {
        let place = Place { storage_id: self.storage_id, root: self.root, key };
        uploads::give_up(self.db, place).await.map_err(unanswered)
    }
}

/// `copy` is empty for objects that belong to none; `early`: its manifest may be there although it is not found yet.
async fn tidy_copy(
    storage: &dyn Storage,
    notes: &Notes<'_>,
    copy: &str,
    uploads: &[&Left],
    early: bool,
) -> Result<Done> {
    let manifest = format!("{copy}/{}", layout::MANIFEST);
    let noted = uploads.iter().any(|upload| upload.key == manifest);
    for upload in uploads {
        if !notes.is_left(&upload.key).await? {
            return Ok(Done::TakenUp);
        }
    }
    let mut whole = !copy.is_empty() && is_there(storage, &manifest).await?;
    if !copy.is_empty() && !whole && early {
        return Ok(Done::TooEarly);
    }
    if !whole && noted {
        // Where lists lag, a driver comes upon a finished manifest by what it remembers of its upload.
        storage.abandon(&manifest).await?;
        whole = is_there(storage, &manifest).await?;
    }
    if whole {
        for upload in uploads {
            storage.abandon(&upload.key).await?;
        }
        return Ok(Done::Complete);
    }
    // The manifest first, if it came up in this very moment: a copy that lacks something has none.
    let (first, others): (Vec<&Left>, Vec<&Left>) = uploads.iter().partition(|upload| upload.key == manifest);
    for upload in first.into_iter().chain(others) {
        if !notes.is_left(&upload.key).await? {
            return Ok(Done::TakenUp);
        }
        storage.abandon(&upload.key).await?;
        // The tombstone of an older copy says what is still to go.
        if !upload.key.ends_with(&format!("/{}", layout::TOMBSTONE)) {
            storage.delete(&upload.key).await?;
        }
    }
    let folders = uploads.iter().filter_map(|upload| upload.key.rsplit_once('/').map(|(folder, _)| folder));
    for folder in folders.filter(|f| *f != copy).collect::<BTreeSet<_>>() {
        storage.remove_empty_dir(folder).await?;
    }
    if !copy.is_empty() {
        storage.remove_empty_dir(copy).await?;
    }
    Ok(Done::Removed)
}

async fn is_there(storage: &dyn Storage, key: &str) -> Result<bool> {
    match storage.stat(key).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
