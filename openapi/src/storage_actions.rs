//! What is done with a Storage Set: linking its account, testing its connection.

use crate::auth::checked_by_rules;
use crate::check::{self, Check};
use crate::problem::FieldError;
use crate::storages::StorageWarning;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use validator::Validate;

/// Starts linking an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StorageLinkInput {
    /// The link may go to another account than before.
    #[serde(default)]
    pub confirm_other_account: bool,
}

/// A linking under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StorageLink {
    /// The provider's consent page, to be opened in the browser.
    pub authorize_url: String,
    pub redirect_uri: String,
    pub expires_at: DateTime<Utc>,
    pub warnings: Vec<StorageWarning>,
}

/// Tests the connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StorageTestInput {
    /// As the path of a storage row. Left out, that of the first Backup Set that uses the Storage Set; without one, the account's own root,
    /// and for Amazon S3 the account alone.
    #[validate(length(max = 500, message = "Use at most 500 characters."))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_length = 500))]
    pub path: Option<String>,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StorageTestStep {
    /// Stable: `credentials`, `account`, `space`, `path`, `write`, `read`, `list`, `delete`.
    pub step: String,
    pub ok: bool,
    /// What was found, or what went wrong and what to do about it.
    pub message: String,
}

/// What a test of the connection found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StorageTestReport {
    pub ok: bool,
    pub account: Option<String>,
    pub total_bytes: Option<i64>,
    pub used_bytes: Option<i64>,
    pub free_bytes: Option<i64>,
    /// The folder or bucket that was tried.
    pub path: Option<String>,
    pub steps: Vec<StorageTestStep>,
    /// What is worth knowing although everything works: of a bucket's versioning, for instance.
    pub notes: Vec<String>,
}

checked_by_rules!(StorageLinkInput, StorageTestInput);
