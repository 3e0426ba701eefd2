//! How errors of Backup Logs look to a client.

use super::Error;
use crate::http::ApiError;
use contract::ProblemCode;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Missing(id) => ApiError::not_found("Backup Log", id),
            Error::NoSuchArchive { name } => {
                let detail =
                    format!("This pass made no archive called `{name}`; its log lists what it made.");
                ApiError::new(ProblemCode::NotFound, detail)
            }
            Error::ArchiveGone { name } => ApiError::new(
                ProblemCode::ArchiveGone,
                format!(
                    "`{name}` is no longer in the archive directory: retention or somebody removed the copy."
                ),
            ),
            Error::Invalid(errors) => ApiError::invalid(errors),
            Error::Database(_) | Error::Io(_) => ApiError::internal(error),
        }
    }
}
