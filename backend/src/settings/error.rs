use crate::db;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the time zone `{0}` is unknown")]
    UnknownTimeZone(String),
    #[error("the settings were changed meanwhile")]
    Changed,
    #[error("the settings row is missing from the metadata database")]
    Missing,
    #[error(transparent)]
    Database(#[from] db::Error),
}
