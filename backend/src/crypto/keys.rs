//! The one key of an installation, and the keys derived from it.
//!
//! It is never in the database: who copies the database alone can neither sign in nor read stored credentials.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hkdf;
use std::fmt;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where a data directory keeps its key.
pub const KEY_FILE: &str = "key";

/// 32 random bytes.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{0} is not a key: it has to be 32 bytes in base64 (`openssl rand -base64 32` makes one)")]
    Malformed(String),
    #[error("the key file {} cannot be {doing}: {source}", path.display())]
    File { path: PathBuf, doing: &'static str, source: io::Error },
}

impl MasterKey {
    /// A key as the operator gives it. `origin` names where it came from, for the message.
    pub fn parse(text: &str, origin: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| KeyError::Malformed(origin.into()))?;
        bytes.try_into().map(MasterKey).map_err(|_| KeyError::Malformed(origin.into()))
    }

    /// The key in `path`.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path).map_err(|source| fault(path, "read", source))?;
        if let Ok(meta) = std::fs::metadata(path)
            && meta.permissions().mode() & 0o077 != 0
        {
            tracing::warn!("other users can read the key file {}; run `chmod 600` on it", path.display());
        }
        MasterKey::parse(&text, &format!("the content of {}", path.display()))
    }

    /// The key of a data directory, made at the first start. Two servers that start at once agree on one key.
    pub fn of_data_dir(data_dir: &Path) -> Result<Self, KeyError> {
        let path = data_dir.join(KEY_FILE);
        match MasterKey::read(&path) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                make(&path).map_err(|source| fault(&path, "made", source))?;
                MasterKey::read(&path)
            }
            other => other,
        }
    }

    /// A new key.
    pub(super) fn random() -> Self {
        MasterKey(rand::random())
    }

    /// The form in which it is written down.
    pub(super) fn encode(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Names the key, and tells nothing about it.
    pub fn id(&self) -> String {
        hex::encode(&self.derive("key id")[..16])
    }

    /// A key for one purpose. Knowing it tells nothing about the others.
    pub fn derive(&self, purpose: &'static str) -> [u8; 32] {
        let mut out = [0; 32];
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"storekeep");
        let filled = salt
            .extract(&self.0)
            .expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out));
        // HKDF-SHA256 fails above 8160 bytes only.
        debug_assert!(filled.is_ok());
        out
    }
}

pub(super) fn fault(path: &Path, doing: &'static str, source: io::Error) -> KeyError {
    KeyError::File { path: path.into(), doing, source }
}

/// Writes the whole file first and gives it its name last, which fails when another server was faster.
fn make(path: &Path) -> io::Result<()> {
    let draft = path.with_extension(format!("{}.tmp", hex::encode(rand::random::<[u8; 8]>())));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = writeln!(file, "{}", MasterKey::random().encode())
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::hard_link(&draft, path));
    std::fs::remove_file(&draft)?;
    match written {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_keeps_one_private_key() {
        let dir = tempfile::tempdir().unwrap();
        let first = MasterKey::of_data_dir(dir.path()).unwrap();
        let again = MasterKey::of_data_dir(dir.path()).unwrap();
        assert_eq!(first.0, again.0);
        let mode = std::fs::metadata(dir.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn servers_that_start_at_once_agree_on_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let start = || scope.spawn(|| MasterKey::of_data_dir(dir.path()).map(|k| k.0));
            let threads: Vec<_> = (0..8).map(|_| start()).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let keys: Vec<_> = keys.into_iter().map(Result::unwrap).collect();
        assert!(keys.iter().all(|k| *k == keys[0]));
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_by_master() {
        let (a, b) = (MasterKey([1; 32]), MasterKey([2; 32]));
        assert_eq!(a.derive("jwt"), a.derive("jwt"));
        assert_ne!(a.derive("jwt"), a.derive("storages"));
        assert_ne!(a.derive("jwt"), b.derive("jwt"));
        assert!(a.id() != b.id() && a.id().len() == 32);
    }

    #[test]
    fn a_key_of_another_length_is_refused_without_showing_it() {
        for text in ["", "c2hvcnQ=", "not base64 at all!"] {
            let error = MasterKey::parse(text, "STOREKEEP_ENCRYPTION_KEY").unwrap_err().to_string();
            assert!(error.starts_with("STOREKEEP_ENCRYPTION_KEY is not a key"), "{error}");
            assert!(text.is_empty() || !error.contains(text));
        }
    }
}
