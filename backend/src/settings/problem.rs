//! How errors of the settings look to a client.

use super::Error;
use crate::http::ApiError;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownTimeZone(_) => ApiError::invalid_field(
                "time_zone",
                "unknown",
                "This is not a time zone. Use a name of the IANA list, such as Europe/Berlin or UTC.",
            ),
            Error::Changed => ApiError::changed(),
            Error::Missing | Error::Database(_) => ApiError::internal(error),
        }
    }
}
