//! Who this server is to the others on the same database, and whether a server uses a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

const LOCK_FILE: &str = "server.lock";

/// The identity of a running server: the `owner` of the passes it runs.
///
/// It is kept in the data directory, so that the server that starts after a crash knows the passes of the one before as its
/// own, without waiting for their leases to run out. A lock that the operating system drops with the process makes sure that no
/// two servers are the same one.
#[derive(Debug)]
pub struct Instance {
    owner: String,
    _lock: Option<File>,
}

impl Instance {
    /// The identity that belongs to `data_dir`; a new one for this process alone when another server uses the directory.
    pub fn of_server(data_dir: &Path) -> io::Result<Instance> {
        let mut file = open(data_dir)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                tracing::warn!("another server uses the data directory {}", data_dir.display());
                return Ok(Instance::of_process());
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut owner = String::new();
        file.read_to_string(&mut owner)?;
        let owner = match uuid::Uuid::parse_str(owner.trim()) {
            Ok(known) => known.to_string(),
            Err(_) => {
                let new = uuid::Uuid::new_v4().to_string();
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(new.as_bytes())?;
                file.sync_all()?;
                new
            }
        };
        Ok(Instance { owner, _lock: Some(file) })
    }

    /// An identity that ends with this process: of a command on the shell.
    pub fn of_process() -> Instance {
        Instance { owner: uuid::Uuid::new_v4().to_string(), _lock: None }
    }

    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Nobody else can have this identity now: passes of this owner that are not ours were left behind by a crash.
    pub fn is_exclusive(&self) -> bool {
        self._lock.is_some()
    }
}

/// True while a server uses the data directory.
pub fn is_served(data_dir: &Path) -> io::Result<bool> {
    let file = match OpenOptions::new().read(true).open(data_dir.join(LOCK_FILE)) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open(data_dir: &Path) -> io::Result<File> {
    std::fs::create_dir_all(data_dir)?;
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(data_dir.join(LOCK_FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_keeps_its_identity_and_shares_it_with_nobody() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_served(dir.path()).unwrap());
        let first = Instance::of_server(dir.path()).unwrap();
        assert!(first.is_exclusive() && is_served(dir.path()).unwrap());
        let second = Instance::of_server(dir.path()).unwrap();
        assert!(!second.is_exclusive() && second.owner() != first.owner());
        let owner = first.owner().to_owned();
        drop(first);
        assert!(!is_served(dir.path()).unwrap());
        assert_eq!(Instance::of_server(dir.path()).unwrap().owner(), owner);
    }
}
