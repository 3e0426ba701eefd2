//! Why something about the inbox was not done.

use crate::db;
use contract::FieldError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("notification {0} does not exist")]
    Missing(i64),
    #[error("the query is not valid")]
    Invalid(Vec<FieldError>),
    #[error("the metadata database failed: {0}")]
    Database(#[from] db::Error),
}
