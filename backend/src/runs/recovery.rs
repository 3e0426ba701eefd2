//! After a crash: what passes left behind is brought to an end.

use super::catalogue;
use super::error::Error;
use super::instance::Gone;
use super::job::LOCAL;
use super::outcome::{self, Ending};
use super::pass::{self, CRASHED, CUT_SHORT};
use super::repo::{self, Held};
use super::service::{Inner, RunsService};
use chrono::{DateTime, Utc};
use contract::RowResult;
use engine::pipeline::{LocalCopy, Row};
use std::io;

impl RunsService {
    /// Before anything else is started, by a server or by a command that runs a pass itself: ends the passes that processes which
    /// are gone left behind, and removes the folders they were writing. Finished copies stay and are in the catalogue
    /// afterwards.
    pub async fn recover(&self) -> Result<(), Error> {
        let inner = self.inner.clone();
        let look = blocking(move || Gone::of(&inner.rooms.place.data_dir, &inner.rooms.instance));
        let gone = look.await.unwrap_or_else(|error| {
            // Leases tell it, too, only later.
            tracing::error!(%error, "who used the data directory before cannot be told");
            Gone::default()
        });
        self.end_abandoned(gone.owners(), self.inner.rooms.clock.now()).await?;
        self.remove_partials().await;
        gone.forget();
        Ok(())
    }

    /// Ends the passes of other processes whose lease has run out.
    pub async fn reap(&self, now: DateTime<Utc>) -> Result<(), Error> {
        if self.end_abandoned(&[], now).await? > 0 {
            self.remove_partials().await;
        }
        Ok(())
    }

    /// Returns how many there were. One that cannot be ended is logged and leaves the others alone.
    async fn end_abandoned(&self, gone: &[String], now: DateTime<Utc>) -> Result<usize, Error> {
        let mut ended = 0;
        for held in repo::abandoned(&self.inner.rooms.db, gone, now).await? {
            // What runs here ends by itself, even when its lease could not be renewed.
            if self.inner.running().contains_key(&held.log_id) {
                continue;
            }
            let ending = match self.inner.interrupted(&held, now).await {
                Ok(ending) => ending,
                Err(error) => {
                    tracing::error!(backup_log.id = held.log_id, %error, "what an interrupted pass came to cannot be told");
                    outcome::failure(&held, CRASHED, &[], now)
                }
            };
            let ending = self.inner.with_retry(&held, ending, now).await;
            match pass::store(&self.inner.rooms, &held, &ending).await {
                Ok(true) => {
                    tracing::warn!(
                        backup_log.id = held.log_id,
                        backup.id = held.backup_id,
                        "a pass was interrupted"
                    );
                    ended += 1;
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(backup_log.id = held.log_id, %error, "an interrupted pass could not be ended");
                }
            }
        }
        Ok(ended)
    }

    /// Half-made copies that no process is writing.
    async fn remove_partials(&self) {
        let dir = self.inner.rooms.place.archive_dir.clone();
        match blocking(move || engine::pipeline::remove_partials(&dir)).await {
            Ok(paths) => {
                for path in paths {
                    tracing::warn!(path = %path.display(), "a half-made copy was removed");
                }
            }
            Err(error) => tracing::error!(%error, "half-made copies could not be removed"),
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

impl Inner {
    /// The end of a pass that nobody runs any more. When it had sealed its copy before, the copy counts.
    async fn interrupted(&self, held: &Held, now: DateTime<Utc>) -> Result<Ending, Error> {
        if let Some(again) = &held.again {
            return Ok(outcome::ended_again(held, again, CRASHED, now));
        }
        let set = self.rooms.backups.get(held.backup_id).await?;
        let copy = self.sealed(held, &set.folder_name).await;
        let redactor = &self.rooms.redactor;
        let result = |row: &Row| match &copy {
            Some(copy) if row.storage_id == LOCAL => outcome::kept(row, copy),
            _ => outcome::not_reached(row, CUT_SHORT, redactor),
        };
        let rows: Vec<RowResult> = self.rows(&set, held.log_id).await.iter().map(result).collect();
        let mut ending = outcome::failure(held, CRASHED, &rows, now);
        if let Some(copy) = &copy {
            add_copy(&mut ending, held, copy)?;
        }
        Ok(ending)
    }

    /// The whole copy that a pass left in the archive directory, if it came that far.
    async fn sealed(&self, held: &Held, folder: &str) -> Option<LocalCopy> {
        let (dir, folder) = (self.rooms.place.archive_dir.clone(), folder.to_owned());
        match blocking(move || engine::pipeline::local_copies(&dir, &folder)).await {
            Ok(copies) => copies.into_iter().find(|c| c.manifest.started_at == held.started_at && c.intact),
            Err(error) => {
                tracing::error!(backup_log.id = held.log_id, %error, "the archive directory cannot be read");
                None
            }
        }
    }
}

fn add_copy(ending: &mut Ending, held: &Held, copy: &LocalCopy) -> Result<(), Error> {
    let manifest = &copy.manifest;
    ending.log.files = outcome::files_json(&manifest.archives)?;
    ending.log.copy_path = Some(copy.copy_path.clone());
    ending.log.good = manifest.complete && !manifest.staging;
    ending.copies.push(catalogue::Copy {
        backup_id: held.backup_id,
        log_id: Some(held.log_id),
        backup_title: manifest.title.clone(),
        destination: LOCAL.into(),
        root: String::new(),
        copy_path: copy.copy_path.clone(),
        complete: manifest.complete,
        staging: manifest.staging,
        size_bytes: i64::try_from(manifest.size_bytes()).unwrap_or(i64::MAX),
        files: ending.log.files.clone(),
        created_at: manifest.started_at,
    });
    Ok(())
}
