//! Why something about a Backup Set was not done.

use crate::{db, settings};
use contract::FieldError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Backup Set {0} does not exist")]
    Missing(i64),
    #[error("the Backup Set was changed meanwhile")]
    Changed,
    #[error("another Backup Set has this {field} already")]
    Taken { field: &'static str, message: String },
    #[error("the Backup Set is not valid")]
    Invalid(Vec<FieldError>),
    #[error("a pass of the Backup Set is queued or running")]
    Running { log_id: i64 },
    #[error("the settings cannot be read: {0}")]
    Settings(#[from] settings::Error),
    #[error("the metadata database failed: {0}")]
    Database(#[from] db::Error),
}
