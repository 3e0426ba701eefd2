//! How errors of signing in look to a client.

use super::Error;
use crate::http::ApiError;
use contract::ProblemCode;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::WrongCredentials => {
                ApiError::new(ProblemCode::WrongCredentials, "The user name or the password is wrong.")
            }
            Error::WrongCurrentPassword => {
                ApiError::invalid_field("current_password", "wrong", "This is not the password you use now.")
            }
            Error::SessionEnded => {
                ApiError::new(ProblemCode::SessionEnded, "The session has ended. Sign in again.")
            }
            Error::NotSignedIn => ApiError::new(
                ProblemCode::NotSignedIn,
                "The access token is not valid (any more). Sign in again.",
            ),
            Error::TooManyAttempts { retry_after_sec } => ApiError::too_many_attempts(
                format!("Too many attempts. Try again in {retry_after_sec} seconds."),
                retry_after_sec,
            ),
            Error::WrongSetupToken => ApiError::new(
                ProblemCode::WrongSetupToken,
                "This is not the set-up token. The server prints it when it starts.",
            ),
            Error::AlreadySetUp => {
                ApiError::new(ProblemCode::AlreadySetUp, "An administrator exists already. Sign in instead.")
            }
            Error::SessionNeeded => ApiError::new(
                ProblemCode::NotSignedIn,
                "An API token cannot change a password. Sign in with user name and password.",
            ),
            Error::Users(error) => error.into(),
            Error::Internal(cause) => ApiError::internal(cause),
            Error::Database(cause) => ApiError::internal(cause),
        }
    }
}
