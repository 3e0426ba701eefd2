//! The one-time token that makes the first administrator.

use crate::config::Secret;
use crate::crypto::{OpaqueToken, same_text};
use std::fmt;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const FILE: &str = "setup-token";

/// The token: fixed by the operator, or random and kept in a private file until it is used.
#[derive(Clone)]
pub struct SetupToken {
    /// `None` once it has served its purpose.
    token: Option<Secret>,
    file: Option<PathBuf>,
}

impl fmt::Debug for SetupToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupToken(..)")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the set-up token cannot be kept in {}: {source}", path.display())]
pub struct SetupError {
    path: PathBuf,
    source: io::Error,
}

impl SetupToken {
    /// The operator's own token.
    pub fn fixed(token: Secret) -> Self {
        SetupToken { token: Some(token), file: None }
    }

    /// An installation that has an administrator needs none.
    pub fn used() -> Self {
        SetupToken { token: None, file: None }
    }

    /// The token of a data directory: the same at every start until it is used.
    pub fn of_data_dir(data_dir: &Path) -> Result<Self, SetupError> {
        let path = data_dir.join(FILE);
        let token = read(&path)
            .and_then(|found| found.map_or_else(|| make(&path), Ok))
            .map_err(|source| SetupError { path: path.clone(), source })?;
        Ok(SetupToken { token: Some(Secret::new(token)), file: Some(path) })
    }

    /// To be printed for the operator, unless it is their own.
    pub fn to_print(&self) -> Option<&str> {
        self.token.as_ref().filter(|_| self.file.is_some()).map(Secret::expose)
    }

    pub fn is(&self, given: &str) -> bool {
        self.token.as_ref().is_some_and(|token| same_text(token.expose(), given.trim()))
    }

    /// It has served its purpose.
    pub fn forget(&self) {
        if let Some(file) = &self.file
            && let Err(error) = std::fs::remove_file(file)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("the used set-up token in {} could not be removed: {error}", file.display());
        }
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().len() >= 20 => Ok(Some(text.trim().to_owned())),
        // Left half-written by a crash.
        Ok(_) => std::fs::remove_file(path).map(|()| None),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn make(path: &Path) -> io::Result<String> {
    let token = OpaqueToken::random();
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", token.expose())?;
    file.sync_all()?;
    Ok(token.expose().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_random_token_stays_the_same_until_it_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let first = SetupToken::of_data_dir(dir.path()).unwrap();
        let again = SetupToken::of_data_dir(dir.path()).unwrap();
        let text = first.to_print().unwrap();
        assert!(again.is(text) && again.is(&format!(" {text}\n")) && !again.is("x"));
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        first.forget();
        assert!(!SetupToken::of_data_dir(dir.path()).unwrap().is(text));
    }

    #[test]
    fn the_operators_own_token_is_neither_printed_nor_written() {
        let token = SetupToken::fixed(Secret::new("letmein"));
        assert_eq!(token.to_print(), None);
        assert!(token.is("letmein"));
        assert!(!format!("{token:?}").contains("letmein"));
    }
}
