//! How errors of users and roles look to a client.

use super::Error;
use crate::http::ApiError;
use contract::ProblemCode;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::UserNotFound(id) => ApiError::not_found("User", id),
            Error::NoSuchUsername => ApiError::new(ProblemCode::NotFound, "There is no user of that name."),
            Error::RoleNotFound(id) => ApiError::not_found("Role", id),
            Error::RoleUnknown(_) => ApiError::invalid_field(
                "role_id",
                "unknown",
                "This role does not exist (any more). Choose another one.",
            ),
            Error::UsernameTaken => {
                ApiError::taken("username", "Another user has this name. Choose another one.")
            }
            Error::RoleNameTaken => {
                ApiError::taken("name", "Another role has this name. Choose another one.")
            }
            Error::PasswordRequired => {
                ApiError::invalid_field("password", "required", "Give the new user a password.")
            }
            Error::RoleNameBlank => ApiError::invalid_field("name", "required", "Give the role a name."),
            Error::ParentMissing { nested, parent } => ApiError::invalid_field(
                "resources",
                "parent",
                format!("`{nested}` only counts together with `{parent}`. Add that as well."),
            ),
            Error::BeyondOwnRights(resource) => ApiError::missing(resource),
            Error::LastAdministrator => ApiError::new(
                ProblemCode::LastAdministrator,
                "This is the last enabled administrator. Make another user an administrator first.",
            ),
            Error::BuiltIn => ApiError::new(
                ProblemCode::BuiltIn,
                "Built-in roles cannot be changed or deleted. Create a role of your own instead.",
            ),
            Error::RoleInUse(users) => ApiError::new(
                ProblemCode::InUse,
                format!(
                    "{users} {} this role. Give them another one first.",
                    if users == 1 { "user has" } else { "users have" }
                ),
            ),
            Error::Changed => ApiError::changed(),
            Error::AlreadySetUp => {
                ApiError::new(ProblemCode::AlreadySetUp, "An administrator exists already. Sign in instead.")
            }
            Error::Hashing(cause) => ApiError::internal(cause),
            Error::Database(cause) => ApiError::internal(cause),
        }
    }
}
