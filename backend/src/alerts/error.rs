//! Why something about the channels was not done.

use crate::crypto::SealError;
use crate::db;
use contract::FieldError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("what was entered is not valid")]
    Invalid(Vec<FieldError>),
    #[error("the channels were changed meanwhile")]
    Changed,
    #[error("the channel `{0}` is missing from the metadata database")]
    Missing(&'static str),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("the metadata database failed: {0}")]
    Database(#[from] db::Error),
}
