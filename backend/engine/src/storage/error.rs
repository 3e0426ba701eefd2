//! Errors of destinations: the kind says what to do.

use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    NotFound,
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
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), source: None }
    }

    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
