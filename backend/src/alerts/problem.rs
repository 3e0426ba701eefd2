//! How errors of the channels look to a client.

use super::Error;
use crate::http::ApiError;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(errors) => ApiError::invalid(errors),
            Error::Changed => ApiError::changed(),
            Error::Missing(_) | Error::Seal(_) | Error::Database(_) => ApiError::internal(error),
        }
    }
}
