//! After a crash: what passes left behind is brought to an end.

use super::catalogue;
use super::error::Error;
use super::job::LOCAL;
use super::outcome::{self, Ending};
use super::pass::{self, CRASHED};
use super::repo::{self, Held};
use super::service::{Inner, RunsService};
use chrono::{DateTime, Utc};
use engine::pipeline::LocalCopy;
use std::io;

impl RunsService {
    /// At the start of the server, before anything else is started: ends the passes that the server before this one left
    /// behind, and removes the folders they were writing. Finished copies stay and are in the catalogue afterwards.
    pub async fn recover(&self) -> Result<(), Error> {
        let rooms = &self.inner.rooms;
        let own = rooms.instance.is_exclusive().then(|| rooms.instance.owner());
        self.end_abandoned(own, rooms.clock.now()).await?;
        self.remove_partials().await;
        Ok(())
    }

    /// Ends the passes of other processes whose lease has run out.
    pub async fn reap(&self, now: DateTime<Utc>) -> Result<(), Error> {
        if self.end_abandoned(None, now).await? > 0 {
            self.remove_partials().await;
        }
        Ok(())
    }

    /// Returns how many there were.
    async fn end_abandoned(&self, own: Option<&str>, now: DateTime<Utc>) -> Result<usize, Error> {
        let mut ended = 0;
        for held in repo::abandoned(&self.inner.rooms.db, own, now).await? {
            // What runs here ends by itself, even when its lease could not be renewed.
            if self.inner.running().contains_key(&held.log_id) {
                continue;
            }
            let ending = self.inner.interrupted(&held, now).await?;
            if pass::store(&self.inner.rooms.db, &held, &ending).await? {
                tracing::warn!(
                    backup_log.id = held.log_id,
                    backup.id = held.backup_id,
                    "a pass was interrupted"
                );
                ended += 1;
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
        let mut ending = outcome::failure(held, CRASHED, now);
        let set = self.rooms.backups.get(held.backup_id).await?;
        let dir = self.rooms.place.archive_dir.clone();
        match blocking(move || engine::pipeline::local_copies(&dir, &set.folder_name)).await {
            Ok(copies) => {
                let sealed =
                    copies.into_iter().find(|c| c.manifest.started_at == held.started_at && c.intact);
                if let Some(copy) = sealed {
                    self.add_copy(&mut ending, held, &copy)?;
                }
            }
            Err(error) => {
                tracing::error!(backup_log.id = held.log_id, %error, "the archive directory cannot be read");
            }
        }
        Ok(ending)
    }

    fn add_copy(&self, ending: &mut Ending, held: &Held, copy: &LocalCopy) -> Result<(), Error> {
        let manifest = &copy.manifest;
        ending.log.files = outcome::files_json(&manifest.archives)?;
        ending.log.copy_path = Some(copy.copy_path.clone());
        ending.copies.push(catalogue::Copy {
            backup_id: held.backup_id,
            log_id: held.log_id,
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
}
