//! Errors of destinations: the kind says what to do.

use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    NotFound,
    /// This object cannot be read as it is there (it lies in an archive class): nothing is wrong with the destination.
    Unreadable,
    /// The grant is gone: the account has to be linked again.
    NeedsRelink,
    PermissionDenied,
    QuotaExceeded,
    RateLimited {
        retry_after: Option<Duration>,
    },
    Unavailable,
    InvalidConfig,
    /// What arrived is not what was sent.
    Integrity,
    Cancelled,
    Other,
}

impl ErrorKind {
    pub fn is_retryable(&self) -> bool {
        matches!(self, ErrorKind::RateLimited { .. } | ErrorKind::Unavailable)
    }
}

/// `message` is for an administrator: what happened, where, and what to do next. It never carries a secret.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub kind: ErrorKind,
    pub message: String,
    /// A `put` that failed, but got further than any before it: the next one goes on from there, so it is worth its while.
    pub advanced: bool,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), advanced: false, source: None }
    }

    pub fn advanced(mut self, advanced: bool) -> Self {
        self.advanced = advanced;
        self
    }

    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl From<std::io::Error> for Error {
    /// An error of the local file system, or of a body while it was read (then `inner` may be one of ours).
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound | Io::NotADirectory => ErrorKind::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::QuotaExceeded,
            Io::InvalidData | Io::UnexpectedEof => ErrorKind::Integrity,
            _ => ErrorKind::Other,
        };
        if error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
            return match error.downcast::<Error>() {
                Ok(ours) => ours,
                Err(error) => Error::new(kind, error.to_string()),
            };
        }
        Error::new(kind, error.to_string()).with_source(error)
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        std::io::Error::other(error)
    }
}
