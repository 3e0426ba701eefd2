//! The archive directory: copies being made, copies that are there.

use crate::archive::ArchiveFile;
use crate::archive::manifest::Manifest;
use crate::policy::layout;
use crate::storage::local::{make_dirs, sync_dir};
use chrono::{DateTime, Utc};
use rustix::fs::FlockOperation;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{DirBuilder, File, FileType, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A copy while it is made: `<timestamp>.partial/`. Dropped before it is sealed it goes, with everything in it.
///
/// The folder is locked for as long as the process lives, so that [`remove_partials`] of another one leaves it alone.
pub(super) struct Making {
    /// The copy's name once it is sealed.
    pub name: String,
    path: PathBuf,
    folder_dir: PathBuf,
    sealed: bool,
    _lock: File,
}

impl Making {
    /// Makes `<archive_dir>/<folder>/<timestamp>.partial/`, mode 0700; the next free second when `at` is taken. Blocks.
    pub fn begin(archive_dir: &Path, folder: &str, at: DateTime<Utc>) -> Result<Making, String> {
        let refused = |path: &Path, error: io::Error| {
            format!(
                "The archive directory {} cannot be written ({}: {error}). Give the user that runs this server write access to it, \
                 or choose another directory (STOREKEEP_ARCHIVE_DIR).",
                archive_dir.display(),
                path.display()
            )
        };
        let folder_dir = archive_dir.join(folder);
        make_dirs(&folder_dir).map_err(|e| refused(&folder_dir, e))?;
        loop {
            let there = |name: &str| folder_dir.join(name).symlink_metadata().is_ok();
            let name = layout::free_copy_name(at, |n| there(n) || there(&layout::partial_name(n)));
            let path = folder_dir.join(layout::partial_name(&name));
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(e) => return Err(refused(&path, e)),
                Ok(()) => {}
            }
            let lock = File::open(&path).map_err(|e| refused(&path, e))?;
            if let Err(error) = rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                // Some network file systems have no locks on directories. Then only the name protects it.
                tracing::debug!(path = %path.display(), %error, "the folder of a pass cannot be locked");
            }
            return Ok(Making { name, path, folder_dir, sealed: false, _lock: lock });
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what a part that failed has left, flushes the archives, writes the manifest, and gives the copy its name. Returns its folder.
    /// Blocks.
    pub fn seal(mut self, archives: &[ArchiveFile], manifest: &[u8]) -> io::Result<PathBuf> {
        let part = |archive: &ArchiveFile| archive.name.split('/').next().map(Into::into);
        let parts: BTreeSet<OsString> = archives.iter().filter_map(part).collect();
        for dir in subdirectories(&self.path)? {
            if dir.file_name().is_none_or(|name| !parts.contains(name)) {
                remove_tree(&dir).map_err(|e| with_path(&dir, e))?;
            }
        }
        let mut dirs = BTreeSet::new();
        for archive in archives {
            let path = self.path.join(&archive.name);
            let file = File::open(&path).map_err(|e| with_path(&path, e))?;
            let found = file.metadata()?.len();
            if found != archive.size_bytes {
                let text = format!("{} has {found} bytes instead of {}", path.display(), archive.size_bytes);
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.sync_all().map_err(|e| with_path(&path, e))?;
            dirs.extend(path.parent().map(Path::to_path_buf));
        }
        let path = self.path.join(layout::MANIFEST);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(manifest).map_err(|e| with_path(&path, e))?;
        file.sync_all().map_err(|e| with_path(&path, e))?;
        for dir in &dirs {
            std::fs::set_permissions(dir, Permissions::from_mode(0o700))?;
            sync_dir(dir).map_err(|e| with_path(dir, e))?;
        }
        sync_dir(&self.path)?;
        let sealed = self.folder_dir.join(&self.name);
        if sealed.symlink_metadata().is_ok() {
            let text = format!("{} has come into being meanwhile", sealed.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        std::fs::rename(&self.path, &sealed).map_err(|e| with_path(&sealed, e))?;
        // Should flushing the new name fail, the copy goes under that name.
        self.path.clone_from(&sealed);
        sync_dir(&self.folder_dir)?;
        self.sealed = true;
        Ok(sealed)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if !self.sealed
            && let Err(error) = remove_tree(&self.path)
        {
            tracing::error!(path = %self.path.display(), %error, "what a failed pass left cannot be removed");
        }
    }
}

fn with_path(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Removes a folder that another thread may just be leaving.
fn remove_tree(path: &Path) -> io::Result<()> {
    let mut tries = 0;
    loop {
        match std::fs::remove_dir_all(path) {
            Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty && tries < 50 => {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => return Ok(()),
        }
    }
}

/// Removes what passes left that a crash ended: every `<folder>/<timestamp>.partial/` below the archive directory. A pass of another
/// process that is still running keeps its folder. Finished copies and everything else stay. Blocks.
///
/// Returns the folders that were removed. What cannot be read or removed is logged and does not keep the others from being removed: a
/// disk has a `lost+found`. An archive directory that does not exist yet is empty.
///
/// # Errors
/// When the archive directory itself cannot be read.
pub fn remove_partials(archive_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for folder in folders(archive_dir)? {
        let inside = match subdirectories(&folder) {
            Ok(inside) => inside,
            Err(error) => {
                tracing::warn!(path = %folder.display(), %error, "a folder cannot be looked into for half-made copies");
                continue;
            }
        };
        for path in inside {
            let name = path.file_name().and_then(|n| n.to_str());
            if name.and_then(layout::parse_partial_name).is_none() {
                continue;
            }
            match remove_partial(&folder, &path) {
                Ok(true) => removed.push(path),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "a half-made copy cannot be removed; remove it by hand");
                }
            }
        }
    }
    Ok(removed)
}

/// False when another process is writing to it.
fn remove_partial(folder: &Path, path: &Path) -> io::Result<bool> {
    let lock = File::open(path)?;
    let busy = rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)
        == Err(rustix::io::Errno::WOULDBLOCK);
    if busy {
        return Ok(false);
    }
    remove_tree(path)?;
    sync_dir(folder)?;
    Ok(true)
}

/// The folders of the Sets; one may be a link to another disk.
fn folders(archive_dir: &Path) -> io::Result<Vec<PathBuf>> {
    entries(archive_dir, |path, kind| kind.is_dir() || (kind.is_symlink() && path.is_dir()))
}

/// Links are left out.
fn subdirectories(dir: &Path) -> io::Result<Vec<PathBuf>> {
    entries(dir, |_, kind| kind.is_dir())
}

/// Sorted. A directory that is not there has none.
fn entries(dir: &Path, wanted: impl Fn(&Path, FileType) -> bool) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|e| with_path(dir, e))?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry?;
        if wanted(&entry.path(), entry.file_type()?) {
            all.push(entry.path());
        }
    }
    all.sort();
    Ok(all)
}

/// A copy in the archive directory, as its manifest tells.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalCopy {
    /// `<folder>/<timestamp>`
    pub copy_path: String,
    pub dir: PathBuf,
    pub manifest: Manifest,
    /// Every archive that the manifest names is there with its size.
    pub intact: bool,
}

/// The finished copies of a Set's folder, oldest first. Folders without a manifest of ours are not copies. Blocks.
///
/// # Errors
/// When a directory or a manifest cannot be read: then nothing may be concluded from an absence.
pub fn local_copies(archive_dir: &Path, folder: &str) -> io::Result<Vec<LocalCopy>> {
    let mut copies = Vec::new();
    for dir in subdirectories(&archive_dir.join(folder))? {
        let Some(name) = dir.file_name().and_then(|n| n.to_str()).map(str::to_owned) else { continue };
        if layout::parse_copy_name(&name).is_none() {
            continue;
        }
        let path = dir.join(layout::MANIFEST);
        let json = match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            file => {
                let mut json = Vec::new();
                let limit = crate::archive::manifest::MAX_BYTES as u64;
                file.and_then(|f| f.take(limit).read_to_end(&mut json)).map_err(|e| with_path(&path, e))?;
                json
            }
        };
        let Ok(manifest) = Manifest::read(&json, folder, &name) else { continue };
        let there = |a: &ArchiveFile| {
            let found = std::fs::symlink_metadata(dir.join(&a.name));
            found.is_ok_and(|m| m.is_file() && m.len() == a.size_bytes)
        };
        let intact = manifest.archives.iter().all(there);
        copies.push(LocalCopy { copy_path: format!("{folder}/{name}"), dir, manifest, intact });
    }
    Ok(copies)
}
