//! A directory of this server as a destination.

use super::{Body, ByteStream, Entry, Error, ErrorKind, Listing, Result, Storage, StorageKind, Stored};
use crate::policy::layout;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;

const TEMPORARY: &str = ".storekeep-";

/// A name that objects have while they are written. A probe's folder looks alike, but is an object's.
fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY) && !name.starts_with(super::probe::FOLDER)
}

/// Objects are files (mode 0600) in directories (0700). An object is written under a temporary name beside its own, flushed, and renamed:
/// after a crash there is the old one or the new one.
pub struct LocalStorage {
    root: PathBuf,
}

impl LocalStorage {
    /// The root is made with the first object.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        LocalStorage { root: root.into() }
    }

    fn path(&self, key: &str) -> Result<PathBuf> {
        super::check_key(key)?;
        if key.split('/').any(is_temporary) {
            let text = format!("`{key}` is a name that is reserved for objects being written.");
            return Err(Error::new(ErrorKind::InvalidConfig, text));
        }
        Ok(self.root.join(key))
    }
}

fn failed(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let text = format!("{doing} {} failed", path.display());
    move |error| {
        let inner = Error::from(error);
        let hint = match inner.kind {
            ErrorKind::QuotaExceeded => " Free some space on that disk.",
            ErrorKind::PermissionDenied => " Give the user that runs the server access to it.",
            _ => "",
        };
        Error::new(inner.kind.clone(), format!("{text}: {}.{hint}", inner.message.trim_end_matches('.')))
            .with_source(inner)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            Err(Error::new(ErrorKind::Other, "A local file operation broke off.").with_source(error))
        }
    }
}

/// Flushes a directory, so that the names in it survive a power cut.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

/// Makes the directories down to `path` (0700) and flushes those that hold a new name.
pub(crate) fn make_dirs(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        make_dirs(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
            _ => Ok(()),
        },
    }
}

/// The file being written; removed unless it got its name.
struct Temporary {
    path: PathBuf,
    named: bool,
}

impl Temporary {
    fn keep(&mut self) {
        self.named = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.named
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "a temporary file could not be removed");
        }
    }
}

#[async_trait::async_trait]
impl Storage for LocalStorage {
    fn kind(&self) -> StorageKind {
        StorageKind::Local
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        let path = self.path(key)?;
        let dir = path.parent().unwrap_or(&self.root).to_path_buf();
        let name = format!("{TEMPORARY}{:016x}", rand::random::<u64>());
        let temporary = dir.join(name);
        let (mut file, mut guard) = {
            let (dir, temporary) = (dir.clone(), temporary.clone());
            blocking(move || {
                make_dirs(&dir).map_err(failed("Making the directory", &dir))?;
                let file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&temporary)
                    .map_err(failed("Writing", &temporary))?;
                Ok((tokio::fs::File::from_std(file), Temporary { path: temporary, named: false }))
            })
            .await?
        };
        let (mut hash, mut size) = (Sha256::new(), 0u64);
        let mut stream = body.open(0).await?;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
            size += chunk.len() as u64;
            hash.update(&chunk);
            file.write_all(&chunk).await.map_err(failed("Writing", &path))?;
        }
        if size != body.size_bytes() {
            let text = format!("`{key}` came with {size} bytes instead of {}.", body.size_bytes());
            return Err(Error::new(ErrorKind::Integrity, text));
        }
        file.flush().await.map_err(failed("Writing", &path))?;
        file.sync_all().await.map_err(failed("Flushing", &path))?;
        blocking(move || {
            std::fs::rename(&guard.path, &path).map_err(failed("Renaming to", &path))?;
            guard.keep();
            sync_dir(&dir).map_err(failed("Flushing", &dir))
        })
        .await?;
        Ok(Stored { size_bytes: size, sha256: Some(hex::encode(hash.finalize())) })
    }

    /// Nothing of a `put` that broke off stays.
    async fn abandon(&self, key: &str) -> Result<()> {
        self.path(key).map(drop)
    }

    async fn stat(&self, key: &str) -> Result<Entry> {
        let path = self.path(key)?;
        let found = tokio::fs::symlink_metadata(&path).await.map_err(failed("Looking at", &path))?;
        if !found.is_file() {
            return Err(Error::new(ErrorKind::NotFound, format!("{} is not a file.", path.display())));
        }
        Ok(Entry { key: key.into(), size_bytes: found.len() })
    }

    async fn list(&self, prefix: &str) -> Result<Listing> {
        let prefix = prefix.trim_end_matches('/').to_string();
        let dir = if prefix.is_empty() { self.root.clone() } else { self.path(&prefix)? };
        blocking(move || {
            let mut listing = Listing { entries: Vec::new(), complete: true };
            walk(&dir, &prefix, &mut listing);
            Ok(listing)
        })
        .await
    }

    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream> {
        self.stat(key).await?;
        let path = self.path(key)?;
        let mut file = tokio::fs::File::open(&path).await.map_err(failed("Reading", &path))?;
        file.seek(io::SeekFrom::Start(offset)).await.map_err(failed("Reading", &path))?;
        Ok(ReaderStream::with_capacity(file, 256 * 1024).boxed())
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let path = self.path(key)?;
        blocking(move || match std::fs::remove_file(&path) {
            // Flushed at once: what is deleted first is gone first, also after a power cut.
            Ok(()) => match path.parent() {
                Some(dir) => sync_dir(dir).map_err(failed("Flushing", dir)),
                None => Ok(()),
            },
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
            Err(e) => Err(failed("Deleting", &path)(e)),
        })
        .await
    }

    async fn remove_empty_dir(&self, prefix: &str) -> Result<()> {
        use io::ErrorKind::{DirectoryNotEmpty, NotADirectory, NotFound};
        let path = self.path(prefix.trim_end_matches('/'))?;
        let removed = blocking(move || match std::fs::remove_dir(&path) {
            Err(e) if e.kind() == DirectoryNotEmpty => {
                remove_strays(&path);
                Ok((std::fs::remove_dir(&path), path))
            }
            result => Ok((result, path)),
        });
        let (removed, path) = removed.await?;
        match removed {
            Err(e) if !matches!(e.kind(), NotFound | NotADirectory | DirectoryNotEmpty) => {
                Err(failed("Removing the directory", &path)(e))
            }
            _ => Ok(()),
        }
    }
}

/// Removes what writes that were cut short by a crash have left, when there is nothing else: who removes a directory writes nothing into it.
fn remove_strays(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>) else {
        return;
    };
    if entries.iter().all(|e| e.file_name().to_str().is_some_and(is_temporary)) {
        for entry in entries {
            // What cannot be removed keeps the directory, which is then simply not empty.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether an object of ours may lie below this directory: in a Set's folder everything does that is named like a copy. What cannot be
/// read elsewhere there (a disk's `lost+found`) is foreign, and does not make a list incomplete for ever.
fn may_be_ours(key: &str) -> bool {
    key.split('/').nth(1).is_none_or(|name| layout::parse_copy_name(name).is_some())
}

/// Collects the files below `dir`. Links are not followed: what they lead to is not ours. Names that are not UTF-8 are foreign too.
fn walk(dir: &Path, prefix: &str, listing: &mut Listing) {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return,
        Err(error) => {
            tracing::warn!(path = %dir.display(), %error, "a directory cannot be listed");
            listing.complete &= !may_be_ours(prefix);
            return;
        }
    };
    for entry in entries {
        let found = entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?, entry)));
        let (name, kind, entry) = match found {
            Ok(found) => found,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                tracing::warn!(path = %dir.display(), %error, "a directory cannot be listed to its end");
                listing.complete &= !may_be_ours(prefix);
                return;
            }
        };
        let Some(name) = name.to_str().filter(|name| !is_temporary(name)) else { continue };
        let key = if prefix.is_empty() { name.to_string() } else { format!("{prefix}/{name}") };
        if kind.is_dir() {
            walk(&entry.path(), &key, listing);
        } else if kind.is_file() {
            match entry.metadata() {
                Ok(metadata) => listing.entries.push(Entry { key, size_bytes: metadata.len() }),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    tracing::warn!(path = %entry.path().display(), %error, "a file cannot be looked at");
                    listing.complete &= !may_be_ours(prefix);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    /// Lists on a thread that has to obey permissions.
    fn list_unprivileged(root: &Path, prefix: &str) -> Listing {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let mut sets = capabilities(None).unwrap();
                sets.effective -= CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
                set_capabilities(None, sets).unwrap();
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(LocalStorage::new(root).list(prefix)).unwrap()
            });
            thread.join().unwrap()
        })
    }

    /// What cannot be read and cannot be a copy of ours does not keep a list from being complete.
    #[rstest]
    #[case("set/lost+found", true)]
    #[case("set/notes/2026-11-22T02-30-00Z", true)]
    #[case("set/2026-11-22T02-30-00Z.partial", true)]
    #[case("set/2026-11-22T02-30-00Z", false)]
    #[case("set/2026-11-22T02-30-00Z/files", false)]
    #[case("set", false)]
    #[case("", false)]
    fn a_folder_that_cannot_be_read_counts_when_it_may_hold_copies(
        #[case] closed: &str,
        #[case] complete: bool,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("set/2026-11-22T02-30-00Z/files")).unwrap();
        fs::create_dir_all(root.join("set/2026-11-23T02-30-00Z")).unwrap();
        fs::write(root.join("set/2026-11-23T02-30-00Z/manifest.json"), "x").unwrap();
        let closed = root.join(closed);
        fs::create_dir_all(&closed).unwrap();
        fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
        let listing = list_unprivileged(&root, "set");
        assert_eq!(listing.complete, complete, "{listing:?}");
        let seen = listing.entries.iter().any(|entry| entry.key == "set/2026-11-23T02-30-00Z/manifest.json");
        assert_eq!(seen, closed.starts_with(root.join("set/")) && closed != root.join("set"), "{listing:?}");
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    }
}
