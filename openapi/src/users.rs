//! Users and roles.

use crate::acl::Resource;
use crate::auth::{checked_by_rules, opaque_debug, username_rule};
use crate::check::{self, Check};
use crate::page::page_of;
use crate::problem::FieldError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct User {
    pub id: i64,
    pub username: String,
    pub enabled: bool,
    pub role_id: i64,
    pub role: String,
    pub last_sign_in_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// Changes with every save; the `ETag` of this row.
    pub revision: i64,
}

#[derive(Clone, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserInput {
    #[validate(custom(function = "username_rule"))]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 64))]
    pub username: String,
    /// Required for a new user; left out, an existing user keeps the one it has.
    #[validate(length(min = 10, max = 1024, message = "Use at least 10 characters."))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(min_length = 10, max_length = 1024))]
    pub password: Option<String>,
    pub role_id: i64,
    pub enabled: bool,
}

page_of!(UserPage, User);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Role {
    pub id: i64,
    pub name: String,
    pub resources: Vec<Resource>,
    /// Built-in roles cannot be changed or deleted.
    pub built_in: bool,
    /// How many users have it.
    pub users: i64,
    pub revision: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RoleInput {
    #[validate(
        length(min = 1, max = 64, message = "Use 1 to 64 characters."),
        custom(function = "check::one_line")
    )]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 64))]
    pub name: String,
    pub resources: Vec<Resource>,
}

page_of!(RolePage, Role);

checked_by_rules!(UserInput, RoleInput);
opaque_debug!(UserInput);
