//! The settings an administrator changes while the server runs.

use crate::auth::checked_by_rules;
use crate::check::{self, Check};
use crate::problem::FieldError;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Settings {
    /// The master switch: while it is off, nothing starts.
    pub enabled: bool,
    /// An IANA name; what `time_of_day` and cron expressions mean.
    pub time_zone: String,
    /// Log rows older than this many days are cleaned up. The catalogue of copies stays.
    pub log_retention_days: i32,
    /// How many passes may run at once on one server.
    pub max_parallel_passes: i32,
    /// A pass that takes longer is ended.
    pub pass_time_limit_hours: i32,
    /// A Set that has no good copy for this much longer than its schedule says is reported as missed.
    pub missed_grace_min: i32,
    /// Every so many passes of a Set one reads and compresses everything anew; 1 for each of them.
    pub full_pass_every: i32,
    /// Set by the operator alone (`STOREKEEP_MAGENTO_ROOT`); null when none is given.
    pub magento_root: Option<String>,
    /// Set by the operator alone (`STOREKEEP_ARCHIVE_DIR`).
    pub archive_dir: String,
    /// Set by the operator alone (`STOREKEEP_PART_SIZE`), in bytes.
    pub part_size_bytes: i64,
    pub version: String,
    /// Changes with every save; the `ETag` of this row.
    pub revision: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SettingsInput {
    pub enabled: bool,
    #[validate(length(min = 1, max = 64, message = "Choose a time zone, such as Europe/Berlin."))]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 64))]
    pub time_zone: String,
    #[validate(range(min = 1, max = 3650, message = "Keep logs for 1 to 3650 days."))]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 3650))]
    pub log_retention_days: i32,
    #[validate(range(min = 1, max = 16, message = "Allow 1 to 16 passes at once."))]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 16))]
    pub max_parallel_passes: i32,
    /// Stays as it is when it is left out.
    #[validate(range(min = 1, max = 720, message = "Use 1 to 720 hours."))]
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 720))]
    pub pass_time_limit_hours: Option<i32>,
    /// Stays as it is when it is left out.
    #[validate(range(min = 1, max = 10080, message = "Use 1 to 10080 minutes."))]
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 10080))]
    pub missed_grace_min: Option<i32>,
    /// Stays as it is when it is left out.
    #[validate(range(min = 1, max = 1000, message = "Use 1 to 1000 passes."))]
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1000))]
    pub full_pass_every: Option<i32>,
}

checked_by_rules!(SettingsInput);
