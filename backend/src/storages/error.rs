//! Why something about a Storage Set was not done.

use crate::crypto::SealError;
use crate::{db, users};
use contract::FieldError;
use engine::storage;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Storage Set {0} does not exist")]
    Missing(i64),
    #[error("the Storage Set was changed meanwhile")]
    Changed,
    #[error("another Storage Set has this title already")]
    TitleTaken(String),
    #[error("the Storage Set is not valid")]
    Invalid(Vec<FieldError>),
    /// The titles of the Backup Sets.
    #[error("Backup Sets use the Storage Set")]
    InUse(Vec<String>),
    /// The link would go to another account, or through another app, which nobody has agreed to. What that means.
    #[error("the link would go elsewhere: {0}")]
    OtherAccount(String),
    /// The provider cannot be asked right now: what it said.
    #[error("the provider could not be asked: {0}")]
    Unreachable(String),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Users(#[from] users::Error),
    #[error("the metadata database failed: {0}")]
    Database(#[from] db::Error),
}

impl Error {
    pub fn field(field: &str, code: &str, message: impl Into<String>) -> Error {
        Error::Invalid(vec![FieldError::new(field, code, message)])
    }

    /// What a provider refused, as a fault of what was entered in `field`; or that it could not be asked. `text` has passed the redactor.
    pub fn of_provider(field: &str, error: &storage::Error, text: String) -> Error {
        if error.kind.is_retryable() {
            Error::Unreachable(text)
        } else {
            Error::field(field, "refused", text)
        }
    }
}
