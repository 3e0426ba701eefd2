//! How errors of Backup Sets look to a client.

use super::Error;
use crate::http::ApiError;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Missing(id) => ApiError::not_found("Backup Set", id),
            Error::Changed => ApiError::changed(),
            Error::Taken { field, message } => ApiError::taken(field, message),
            Error::Invalid(errors) => ApiError::invalid(errors),
            Error::Running { log_id } => ApiError::already_running(
                log_id,
                "A pass of this Backup Set is queued or running. Wait for its end, then delete the Set.",
            ),
            Error::Settings(_) | Error::Database(_) => ApiError::internal(error),
        }
    }
}
