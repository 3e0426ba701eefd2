//! Set-up, signing in, and who one is.

use crate::acl::Resource;
use crate::check::{self, Check};
use crate::problem::FieldError;
use serde::{Deserialize, Serialize};
use validator::Validate;

pub const MIN_PASSWORD: u64 = 10;
pub const MAX_PASSWORD: u64 = 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SetupStatus {
    /// True until the first administrator exists.
    pub needed: bool,
}

/// Makes the first administrator.
#[derive(Clone, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetupInput {
    /// The one-time token that the server prints at its first start.
    #[validate(length(min = 1, max = 200, message = "Copy the set-up token from the server's output."))]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 200))]
    pub token: String,
    #[validate(custom(function = "username_rule"))]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 64))]
    pub username: String,
    #[validate(length(min = 10, max = 1024, message = "Use at least 10 characters."))]
    #[cfg_attr(feature = "schema", schema(min_length = 10, max_length = 1024))]
    pub password: String,
}

#[derive(Clone, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LoginInput {
    #[validate(
        length(min = 1, max = 64, message = "Enter the user name."),
        custom(function = "check::one_line")
    )]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 64))]
    pub username: String,
    #[validate(length(min = 1, max = 1024, message = "Enter the password."))]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 1024))]
    pub password: String,
}

/// The console sends none of this: its refresh token is in a cookie. Other clients send theirs here.
#[derive(Clone, Default, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshInput {
    #[validate(length(max = 200))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_length = 200))]
    pub refresh_token: Option<String>,
}

/// Changes one's own password. Every other session ends.
#[derive(Clone, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordInput {
    #[validate(length(min = 1, max = 1024, message = "Enter the password you use now."))]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 1024))]
    pub current_password: String,
    #[validate(length(min = 10, max = 1024, message = "Use at least 10 characters."))]
    #[cfg_attr(feature = "schema", schema(min_length = 10, max_length = 1024))]
    pub new_password: String,
}

/// What a sign-in gives. The refresh token comes as an `HttpOnly` cookie.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Session {
    /// A JWT for the `Authorization: Bearer` header.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the access token runs out.
    pub expires_in: i64,
    /// What the token allows.
    pub scopes: Vec<Resource>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Me {
    pub id: i64,
    pub username: String,
    pub role: String,
    pub resources: Vec<Resource>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Health {
    /// `ok`, or what is wrong.
    pub status: String,
    pub version: String,
}

/// 1 to 64 letters, digits, `.`, `_`, `-` or `@`.
pub(crate) fn username_rule(name: &str) -> Result<(), validator::ValidationError> {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    if name.is_empty() {
        return Err(check::error("required", "Choose a user name."));
    }
    if name.chars().count() > 64 {
        return Err(check::error("length", "Use at most 64 characters."));
    }
    if !name.chars().all(fine) {
        return Err(check::error("format", "Use letters, digits, dots, dashes, underscores and @ only."));
    }
    Ok(())
}

macro_rules! checked_by_rules {
    ($($t:ty),*) => {$(
        impl Check for $t {
            fn check(&self) -> Vec<FieldError> {
                self.validate().err().map(|e| check::flatten(&e)).unwrap_or_default()
            }
        }
    )*};
}
pub(crate) use checked_by_rules;
checked_by_rules!(SetupInput, LoginInput, RefreshInput, PasswordInput);

/// Debug output never shows what these carry.
macro_rules! opaque_debug {
    ($($t:ident),*) => {$(
        impl std::fmt::Debug for $t {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($t), "(..)"))
            }
        }
    )*};
}
pub(crate) use opaque_debug;
opaque_debug!(SetupInput, LoginInput, RefreshInput, PasswordInput, Session);
