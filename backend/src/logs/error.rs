//! Why something about a Backup Log was not done.

use crate::db;
use contract::FieldError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Backup Log {0} does not exist")]
    Missing(i64),
    #[error("the pass made no archive of that name")]
    NoSuchArchive { name: String },
    #[error("the archive is no longer in the archive directory")]
    ArchiveGone { name: String },
    #[error("the query is not valid")]
    Invalid(Vec<FieldError>),
    #[error("the metadata database failed: {0}")]
    Database(#[from] db::Error),
    #[error("the archive cannot be read: {0}")]
    Io(#[from] std::io::Error),
}
