//! How errors of Storage Sets look to a client.

use super::Error;
use crate::http::ApiError;
use contract::ProblemCode;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Missing(id) => ApiError::not_found("Storage Set", id),
            Error::Changed => ApiError::changed(),
            Error::TitleTaken(title) => ApiError::taken(
                "title",
                format!("Another Storage Set is called '{title}'. Choose another title."),
            ),
            Error::Invalid(errors) => ApiError::invalid(errors),
            Error::InUse(sets) => ApiError::new(
                ProblemCode::InUse,
                format!(
                    "{} copies there: {}. Remove it from {} first.",
                    if sets.len() == 1 { "A Backup Set sends" } else { "Backup Sets send" },
                    sets.iter().map(|title| format!("'{title}'")).collect::<Vec<_>>().join(", "),
                    if sets.len() == 1 { "it" } else { "them" },
                ),
            ),
            Error::OtherAccount(meaning) => ApiError::new(ProblemCode::OtherAccount, meaning),
            Error::Unreachable(ref said) => {
                ApiError::unavailable(format!("{said} Try again in a moment."), error)
            }
            Error::Users(error) => error.into(),
            Error::Seal(_) | Error::Database(_) => ApiError::internal(error),
        }
    }
}
