//! The next key of an installation: beside the one in use, while the secrets are encrypted anew.
//!
//! It lies in `<key file>.next` from before the first secret is touched until it takes the place of the old key, so that at every moment
//! there is a file with the key that the database needs. Whoever holds it, holds a lock on it; the lock ends with the process.

use super::MasterKey;
use super::keys::{KeyError, fault};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub struct NextKey {
    /// The key file whose place it is to take.
    path: PathBuf,
    key: MasterKey,
    _lock: File,
}

/// What there is of a next key.
#[derive(Debug)]
pub enum Left {
    Nothing,
    /// Somebody is changing the key right now.
    Held,
    /// A change of the key was cut short.
    Found(NextKey),
}

fn next_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

impl NextKey {
    /// A new key to follow the one in `path`, readable by whoever can read that. Fails when there is a next key already.
    pub fn make(path: &Path) -> Result<NextKey, KeyError> {
        // The file itself, not a link to it: it is going to be replaced.
        let path = std::fs::canonicalize(path).map_err(|e| fault(path, "found", e))?;
        let next = next_path(&path);
        let key = MasterKey::random();
        let lock = write(&path, &next, &key).map_err(|e| fault(&next, "made", e))?;
        Ok(NextKey { path, key, _lock: lock })
    }

    /// The next key of the one in `path`, if there is one.
    pub fn left(path: &Path) -> Result<Left, KeyError> {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let next = next_path(&path);
        let lock = match File::open(&next) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Left::Nothing),
            Err(e) => return Err(fault(&next, "read", e)),
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Left::Held),
            Err(TryLockError::Error(e)) => return Err(fault(&next, "locked", e)),
        }
        // It may have taken its place while it was looked at.
        if !next.exists() {
            return Ok(Left::Nothing);
        }
        let key = MasterKey::read(&next)?;
        Ok(Left::Found(NextKey { path, key, _lock: lock }))
    }

    pub fn key(&self) -> &MasterKey {
        &self.key
    }

    /// Takes the place of the old key, in one step.
    pub fn promote(self) -> Result<(), KeyError> {
        let done = std::fs::rename(next_path(&self.path), &self.path).and_then(|()| flush_dir(&self.path));
        done.map_err(|e| fault(&self.path, "replaced", e))
    }

    /// The old key stays.
    pub fn discard(self) -> Result<(), KeyError> {
        let next = next_path(&self.path);
        std::fs::remove_file(&next)
            .and_then(|()| flush_dir(&self.path))
            .map_err(|e| fault(&next, "removed", e))
    }
}

/// The whole file is there, flushed and locked, before it gets its name.
fn write(path: &Path, next: &Path, key: &MasterKey) -> io::Result<File> {
    let old = std::fs::metadata(path)?;
    let draft = path.with_extension(format!("{}.tmp", hex::encode(rand::random::<[u8; 8]>())));
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = (|| {
        let made = file.metadata()?;
        if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
            // The command may run as root, the server as somebody else.
            fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
        file.set_permissions(std::fs::Permissions::from_mode(old.mode() & 0o777))?;
        writeln!(file, "{}", key.encode())?;
        file.sync_all()?;
        file.try_lock()?;
        std::fs::hard_link(&draft, next)
    })();
    std::fs::remove_file(&draft)?;
    written?;
    flush_dir(path)?;
    Ok(file)
}

fn flush_dir(path: &Path) -> io::Result<()> {
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_in(dir: &Path) -> (PathBuf, String) {
        let path = dir.join("key");
        let key = MasterKey::of_data_dir(dir).unwrap();
        (path, key.id())
    }

    #[test]
    fn a_next_key_takes_the_place_of_the_old_one_in_one_step() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = key_in(dir.path());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let next = NextKey::make(&path).unwrap();
        let id = next.key().id();
        assert_eq!(MasterKey::read(&path).unwrap().id(), old);
        assert!(matches!(NextKey::left(&path).unwrap(), Left::Held));
        assert!(NextKey::make(&path).is_err());
        next.promote().unwrap();
        assert_eq!(MasterKey::read(&path).unwrap().id(), id);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_next_key_that_was_left_behind_is_found_and_can_be_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = key_in(dir.path());
        assert!(matches!(NextKey::left(&path).unwrap(), Left::Nothing));
        // The end of the process ends the lock.
        let id = NextKey::make(&path).unwrap().key().id();
        let Left::Found(left) = NextKey::left(&path).unwrap() else { panic!() };
        assert_eq!(left.key().id(), id);
        left.discard().unwrap();
        assert_eq!(MasterKey::read(&path).unwrap().id(), old);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_to_the_key_stays_a_link() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (path, _) = key_in(elsewhere.path());
        let link = dir.path().join("key");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let next = NextKey::make(&link).unwrap();
        let id = next.key().id();
        next.promote().unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(MasterKey::read(&link).unwrap().id(), id);
    }
}
