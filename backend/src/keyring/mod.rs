//! The key of an installation over time: which one this database needs, and how it is changed.
//!
//! Two things have to change together, a file and a database. The database decides: it notes the id of the key that its secrets are under,
//! in the very transaction that encrypts them anew. While that may happen both keys lie in files, the next one beside the one in use, so a
//! start after a crash at any moment looks which of them the database needs, and goes on with that.

mod repo;
#[cfg(test)]
mod tests;

use crate::alerts;
use crate::clock::SharedClock;
use crate::config::Config;
use crate::crypto::{KEY_FILE, Left, MasterKey, NextKey, Sealer};
use crate::db::Db;
use crate::runs::{self, Instance};
use crate::storages::{self, Resealed};
use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What came of a rotation.
#[derive(Debug)]
pub struct Rotated {
    /// The file that holds the new key.
    pub path: PathBuf,
    pub secrets: usize,
    /// Secrets that the old key did not open either.
    pub unreadable: usize,
}

/// The file of the key; `None` when it comes from a variable.
fn key_file(config: &Config) -> Option<PathBuf> {
    match (&config.keys.encryption_key, &config.keys.encryption_key_file) {
        (Some(_), _) => None,
        (None, Some(file)) => Some(file.clone()),
        (None, None) => Some(config.data.data_dir.join(KEY_FILE)),
    }
}

/// The key in use, made at the first start. Brings a rotation that was cut short to its end.
pub async fn open(db: &Db, config: &Config, now: DateTime<Utc>) -> anyhow::Result<MasterKey> {
    if let Some(path) = key_file(config) {
        settle(db, &path).await?;
    }
    let key = match (&config.keys.encryption_key, &config.keys.encryption_key_file) {
        (Some(key), _) => MasterKey::parse(key.expose(), "STOREKEEP_ENCRYPTION_KEY")?,
        (None, Some(file)) => MasterKey::read(file)?,
        (None, None) => MasterKey::of_data_dir(&config.data.data_dir)?,
    };
    if repo::key_id(db).await?.is_none() {
        repo::introduce(db, &key.id(), now).await?;
    }
    if repo::key_id(db).await?.is_some_and(|known| known != key.id()) {
        tracing::warn!(
            "the encryption key is not the one that this database's credentials are encrypted with: start with that one, or enter the \
             credentials of every Storage Set and channel again and link the accounts again"
        );
    }
    Ok(key)
}

/// Decides what becomes of a next key that lies about.
async fn settle(db: &Db, path: &Path) -> anyhow::Result<()> {
    let next = match NextKey::left(path)? {
        Left::Nothing => return Ok(()),
        Left::Held => bail!(
            "the encryption key in {} is being changed right now (`storekeep key rotate`); start again when that is done",
            path.display()
        ),
        Left::Found(next) => next,
    };
    let known = repo::key_id(db).await?;
    if known.as_deref() == Some(&*next.key().id()) {
        next.promote()?;
        tracing::warn!(
            "a change of the encryption key that was cut short is complete now: the new key is in use"
        );
    } else if known == Some(MasterKey::read(path)?.id()) {
        next.discard()?;
        tracing::warn!(
            "a change of the encryption key was cut short before it began; the old key stays in use"
        );
    } else {
        bail!(
            "{0}.next is left over from a change of the encryption key, but this database needs neither that key nor the one in {0}. Does \
             STOREKEEP_DATABASE_URL name the right database? If it does, move {0}.next away and start again",
            path.display()
        );
    }
    Ok(())
}

/// Makes a new key and encrypts every secret with it. No server may run on the data directory meanwhile, and no pass anywhere.
pub async fn rotate(db: &Db, config: &Config, clock: SharedClock) -> anyhow::Result<Rotated> {
    let Some(path) = key_file(config) else {
        bail!(
            "the key comes from STOREKEEP_ENCRYPTION_KEY, which this command cannot change. To change it: write the present key to {0} (mode \
             0600), unset the variable, run `storekeep key rotate`, put the content of the file into the variable where it is set, and remove \
             the file",
            config.data.data_dir.join(KEY_FILE).display()
        );
    };
    let in_use =
        "a server runs on this data directory; stop it first, and start it again when the key is changed";
    if runs::is_served(&config.data.data_dir).context("the data directory cannot be read")? {
        bail!(in_use);
    }
    let old = open(db, config, clock.now()).await?;
    let rotation = Rotation::begin(db, &path, old, clock).await?;
    // Only now, with the next key in place: a server that starts from here on sees it, and one that was faster is seen here.
    let instance = Instance::of_server(&config.data.data_dir).context("the data directory cannot be used")?;
    if !instance.is_server() {
        rotation.give_up()?;
        bail!(in_use);
    }
    if runs::is_busy(db, rotation.clock.now()).await? {
        rotation.give_up()?;
        bail!("a pass is running; wait for its end, then change the key");
    }
    let done = match rotation.switch().await {
        Ok(done) => done,
        Err(error) => {
            // Whether the database has switched or not, the next start finds out.
            return Err(error.context(
                "the credentials could not be encrypted anew; start the server or this command again",
            ));
        }
    };
    rotation.finish()?;
    tracing::info!(secrets = done.secrets, unreadable = done.unreadable, "the encryption key was changed");
    Ok(Rotated { path, secrets: done.secrets, unreadable: done.unreadable })
}

/// A change of the key, step by step. It may end after each of them: see [`settle`].
struct Rotation<'a> {
    db: &'a Db,
    old: MasterKey,
    next: NextKey,
    clock: SharedClock,
}

impl<'a> Rotation<'a> {
    async fn begin(db: &'a Db, path: &Path, old: MasterKey, clock: SharedClock) -> anyhow::Result<Self> {
        // Also when the secrets are under a key that is lost: from here on the database is judged by this one.
        repo::set_key_id(db, &old.id(), clock.now()).await?;
        let next = NextKey::make(path)?;
        Ok(Rotation { db, old, next, clock })
    }

    async fn switch(&self) -> anyhow::Result<Resealed> {
        let sealers =
            |purpose| anyhow::Ok((Sealer::new(&self.old, purpose)?, Sealer::new(self.next.key(), purpose)?));
        let (old, new) = sealers(storages::PURPOSE)?;
        let channels = &sealers(alerts::PURPOSE)?;
        let (id, now) = (self.next.key().id(), self.clock.now());
        // Of the attempt that was committed: a transaction may be tried again.
        let of_channels = &Mutex::new(alerts::Resealed::default());
        let note = |tx| {
            let id = id.clone();
            async move {
                let done = alerts::reseal(&tx, &channels.0, &channels.1).await?;
                *of_channels.lock().unwrap_or_else(PoisonError::into_inner) = done;
                repo::set_key_id_in(&tx, &id, now).await
            }
        };
        let done = storages::reseal(self.db, &old, &new, note).await?;
        let more = *of_channels.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Resealed { secrets: done.secrets + more.secrets, unreadable: done.unreadable + more.unreadable })
    }

    fn finish(self) -> anyhow::Result<()> {
        Ok(self.next.promote()?)
    }

    fn give_up(self) -> anyhow::Result<()> {
        Ok(self.next.discard()?)
    }
}
