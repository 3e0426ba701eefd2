use crate::{db, users};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Says neither which of the two was wrong nor whether the user exists.
    #[error("wrong user name or password")]
    WrongCredentials,
    #[error("the current password is wrong")]
    WrongCurrentPassword,
    #[error("the session has ended")]
    SessionEnded,
    #[error("the access token means nobody")]
    NotSignedIn,
    #[error("too many attempts; the next one in {retry_after_sec} seconds")]
    TooManyAttempts { retry_after_sec: u64 },
    #[error("the set-up token is wrong")]
    WrongSetupToken,
    #[error("an administrator exists already")]
    AlreadySetUp,
    #[error("only a session can do this, not an API token")]
    SessionNeeded,
    #[error(transparent)]
    Users(users::Error),
    #[error(transparent)]
    Internal(anyhow::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<users::Error> for Error {
    fn from(error: users::Error) -> Self {
        match error {
            users::Error::AlreadySetUp => Error::AlreadySetUp,
            other => Error::Users(other),
        }
    }
}
