//! How errors of the inbox look to a client.

use super::Error;
use crate::http::ApiError;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Missing(id) => ApiError::not_found("Notification", id),
            Error::Invalid(errors) => ApiError::invalid(errors),
            Error::Database(_) => ApiError::internal(error),
        }
    }
}
