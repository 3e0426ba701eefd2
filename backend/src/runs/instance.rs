//! Who this process is to the others on the same database, and which of those that used a data directory are gone.
//!
//! Whoever runs passes holds a lock on a file that is named after it or holds its name. The operating system drops the lock with the
//! process, however that ends, so that what it left behind is known at once, without waiting for leases to run out.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Holds the server's identity; locked exclusively by the server, and shared for a moment by whoever looks.
const LOCK_FILE: &str = "server.lock";
/// The folder with one locked file for each command that runs a pass.
const COMMANDS: &str = "commands";
/// How long a starting server waits for commands that are clearing up.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// The identity of a process that runs passes: their `owner`.
#[derive(Debug)]
pub struct Instance {
    owner: String,
    hold: Hold,
}

#[derive(Debug)]
enum Hold {
    /// The lease of its passes is all that tells of it.
    Nothing,
    Server {
        _lock: File,
    },
    Command {
        path: PathBuf,
        _lock: File,
    },
}

impl Instance {
    /// The identity that belongs to `data_dir`; a new one for this process alone when another server uses the directory.
    ///
    /// It is kept in the data directory, so that the server that starts after a crash knows the passes of the one before as its
    /// own. Blocks while a command is clearing up.
    pub fn of_server(data_dir: &Path) -> io::Result<Instance> {
        let mut file = open(&data_dir.join(LOCK_FILE))?;
        if !lock_as_server(&file)? {
            tracing::warn!("another server uses the data directory {}", data_dir.display());
            return Ok(Instance::of_process());
        }
        let owner = match read_owner(&mut file)? {
            Some(known) => known,
            None => {
                let new = new_owner();
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(new.as_bytes())?;
                file.sync_all()?;
                new
            }
        };
        Ok(Instance { owner, hold: Hold::Server { _lock: file } })
    }

    /// The identity of a command that runs a pass by itself; it ends with the process.
    pub fn of_command(data_dir: &Path) -> io::Result<Instance> {
        loop {
            let owner = new_owner();
            let path = data_dir.join(COMMANDS).join(&owner);
            let file = open(&path)?;
            match file.try_lock() {
                Ok(()) => return Ok(Instance { owner, hold: Hold::Command { path, _lock: file } }),
                // Somebody took it for one that was left behind; it is never used again.
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// An identity that nobody can tell to be gone: of a command that leaves passes to the server.
    pub fn of_process() -> Instance {
        Instance { owner: new_owner(), hold: Hold::Nothing }
    }

    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Nobody else can have this identity now: passes of this owner that are not ours were left behind by a crash.
    pub fn is_server(&self) -> bool {
        matches!(self.hold, Hold::Server { .. })
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Hold::Command { path, .. } = &self.hold
            && let Err(error) = std::fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!("{} could not be removed: {error}", path.display());
        }
    }
}

/// The identities of a data directory whose processes are gone. Nobody takes one of them while this lives.
#[derive(Debug, Default)]
pub struct Gone {
    owners: Vec<String>,
    commands: Vec<(PathBuf, File)>,
    _server: Option<File>,
}

impl Gone {
    /// Those that are gone as `own` sees it: the server before this one is gone when this is the server, or when no server runs.
    pub fn of(data_dir: &Path, own: &Instance) -> io::Result<Gone> {
        let mut gone = Gone::default();
        if own.is_server() {
            gone.owners.push(own.owner.clone());
        } else if let Some(mut file) = existing(&data_dir.join(LOCK_FILE))?
            && try_shared(&file)?
        {
            gone.owners.extend(read_owner(&mut file)?);
            gone._server = Some(file);
        }
        let entries = match std::fs::read_dir(data_dir.join(COMMANDS)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(gone),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let owner = path.file_name().and_then(|n| n.to_str()).and_then(parse_owner);
            let (Some(owner), Some(file)) = (owner, existing(&path)?) else { continue };
            match file.try_lock() {
                Ok(()) => {
                    gone.owners.push(owner);
                    gone.commands.push((path, file));
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(gone)
    }

    pub fn owners(&self) -> &[String] {
        &self.owners
    }

    /// What they left is brought to an end: their files can go.
    pub fn forget(self) {
        for (path, _lock) in &self.commands {
            if let Err(error) = std::fs::remove_file(path) {
                tracing::debug!("{} could not be removed: {error}", path.display());
            }
        }
    }
}

/// True while a server uses the data directory.
pub fn is_served(data_dir: &Path) -> io::Result<bool> {
    match existing(&data_dir.join(LOCK_FILE))? {
        Some(file) => try_shared(&file).map(|free| !free),
        None => Ok(false),
    }
}

/// False when another server has the lock.
fn lock_as_server(file: &File) -> io::Result<bool> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // A server's lock is exclusive. A shared one is of a command, and short.
        if !try_shared(file)? || began.elapsed() > PATIENCE {
            return Ok(false);
        }
        file.unlock()?;
        std::thread::sleep(PAUSE);
    }
}

fn try_shared(file: &File) -> io::Result<bool> {
    match file.try_lock_shared() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn existing(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().read(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn new_owner() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn parse_owner(text: &str) -> Option<String> {
    uuid::Uuid::parse_str(text.trim()).ok().map(|known| known.to_string())
}

fn read_owner(file: &mut File) -> io::Result<Option<String>> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(parse_owner(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_keeps_its_identity_and_shares_it_with_nobody() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_served(dir.path()).unwrap());
        let first = Instance::of_server(dir.path()).unwrap();
        assert!(first.is_server() && is_served(dir.path()).unwrap());
        let second = Instance::of_server(dir.path()).unwrap();
        assert!(!second.is_server() && second.owner() != first.owner());
        let owner = first.owner().to_owned();
        drop(first);
        assert!(!is_served(dir.path()).unwrap());
        assert_eq!(Instance::of_server(dir.path()).unwrap().owner(), owner);
    }

    #[test]
    fn who_is_gone_is_told_from_who_lives() {
        let dir = tempfile::tempdir().unwrap();
        let server = Instance::of_server(dir.path()).unwrap();
        let (dead, alive) =
            (Instance::of_command(dir.path()).unwrap(), Instance::of_command(dir.path()).unwrap());
        let owners = |own: &Instance| Gone::of(dir.path(), own).unwrap().owners().to_vec();
        assert_eq!(owners(&alive), [""; 0]);
        assert_eq!(owners(&server), [server.owner()]);
        let (server_owner, dead_owner) = (server.owner().to_owned(), dead.owner().to_owned());
        drop((server, dead));
        assert_eq!(owners(&alive), [server_owner.as_str()]);
        // Killed, it would have left its file.
        std::fs::write(dir.path().join(COMMANDS).join(&dead_owner), "").unwrap();
        std::fs::write(dir.path().join(COMMANDS).join("notes.txt"), "").unwrap();
        let gone = Gone::of(dir.path(), &alive).unwrap();
        assert_eq!(gone.owners(), [server_owner.as_str(), dead_owner.as_str()]);
        gone.forget();
        assert_eq!(owners(&alive), [server_owner.as_str()]);
    }

    #[test]
    fn a_server_that_starts_waits_for_a_command_that_clears_up() {
        let dir = tempfile::tempdir().unwrap();
        let owner = Instance::of_server(dir.path()).unwrap().owner().to_owned();
        let command = Instance::of_command(dir.path()).unwrap();
        let gone = Gone::of(dir.path(), &command).unwrap();
        let (done, waiting) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| done.send(Instance::of_server(dir.path()).unwrap()).unwrap());
            assert!(waiting.recv_timeout(Duration::from_millis(200)).is_err());
            drop(gone);
            let server = waiting.recv_timeout(Duration::from_secs(10)).unwrap();
            assert!(server.is_server() && server.owner() == owner);
        });
    }
}
