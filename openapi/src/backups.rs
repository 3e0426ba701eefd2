//! Backup Sets: what to back up, when, where to, how many copies to keep.

use crate::check::{self, Check};
use crate::logs::OverallStatus;
use crate::page::page_of;
use crate::problem::FieldError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use validator::Validate;

/// The intervals a Set can have, in hours.
pub const FREQUENCIES: [u8; 10] = [1, 2, 3, 4, 5, 12, 18, 24, 36, 48];
/// The intervals that are days: they need a `time_of_day`, the others refuse one.
pub const DAILY_FREQUENCIES: [u8; 2] = [24, 48];
pub const MAX_FOLDER_NAME: usize = 100;
pub const MAX_EXCLUDES: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BackupType {
    Database,
    Files,
}

/// What happens to symbolic links that leave the Magento root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Symlinks {
    /// The shared directories of deploy layouts (`pub/media`, `app/etc/env.php`) are followed, all else is kept as links.
    #[default]
    FollowShared,
    /// Every link is kept as a link.
    Keep,
}

/// What a pass reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// What is unchanged since the last good copy on the server is copied from it, every piece checked against its hash. The archive that
    /// results is complete.
    #[default]
    Copied,
    /// Everything is read and compressed anew each time.
    Full,
}

/// One destination of a Set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StorageRow {
    /// The Storage Set, or null for the local row (at most one).
    #[serde(default)]
    pub storage_id: Option<i64>,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// How many complete copies stay at this destination.
    #[validate(range(min = 1, max = 10000, message = "Keep at least 1 copy (and at most 10000)."))]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 10000))]
    pub keep_copies: i32,
    /// The folder, or `bucket/prefix/` for S3. Empty for the local row, which is kept in the server's archive directory.
    #[validate(length(max = 500))]
    #[serde(default, deserialize_with = "null_is_empty")]
    #[cfg_attr(feature = "schema", schema(max_length = 500))]
    pub path: String,
}

fn yes() -> bool {
    true
}

fn ten() -> i32 {
    10
}

fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BackupSet {
    pub id: i64,
    pub enabled: bool,
    pub title: String,
    pub folder_name: String,
    pub backup_types: Vec<BackupType>,
    pub frequency: Option<u8>,
    pub cron: Option<String>,
    pub time_of_day: Option<String>,
    pub exclude_directories: Vec<String>,
    pub exclude_tables: Vec<String>,
    pub symlinks: Symlinks,
    pub verify: Verify,
    pub storages: Vec<StorageRow>,
    /// How often a scheduled pass that failed is tried again before its next slot.
    pub retry_attempts: i32,
    /// Minutes before each of them.
    pub retry_delay_min: i32,
    /// A cron expression's passes are delayed by up to so many minutes.
    pub jitter_min: i32,
    /// Is called at the start and at the end of each pass, for a service that notices when nothing comes.
    pub ping_url: Option<String>,
    /// When its last pass started.
    pub last_time: Option<DateTime<Utc>>,
    /// The next slot; null while the Set is switched off.
    pub next_run_at: Option<DateTime<Utc>>,
    pub last_status: Option<OverallStatus>,
    /// The log of its last pass, while that row exists.
    pub last_log_id: Option<i64>,
    /// The log of the pass that is queued or running now.
    pub running_log_id: Option<i64>,
    /// Changes with every save; the `ETag` of this row.
    pub revision: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BackupSetInput {
    #[serde(default = "yes")]
    pub enabled: bool,
    #[validate(custom(function = "title_rule"))]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 120))]
    pub title: String,
    /// One safe path segment: letters, digits, `.`, `_`, `-`, not starting with a dot.
    #[validate(custom(function = "folder_name_rule"))]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 100))]
    pub folder_name: String,
    #[cfg_attr(feature = "schema", schema(min_items = 1, max_items = 2))]
    pub backup_types: Vec<BackupType>,
    /// Hours: 1, 2, 3, 4, 5, 12, 18, 24, 36 or 48. Either this or `cron`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 48))]
    pub frequency: Option<u8>,
    /// A cron expression in the configured time zone. Either this or `frequency`.
    #[validate(length(min = 1, max = 200))]
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 200))]
    pub cron: Option<String>,
    /// `HH:MM` in the configured time zone; required by 24 and 48 hours, refused by the others.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub time_of_day: Option<String>,
    /// First-level names, longer paths or globs, relative to the Magento root.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_items = 500))]
    pub exclude_directories: Vec<String>,
    /// Names without the table prefix, with `*` and `?`, or groups such as `@log`. Their structure is still dumped.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_items = 500))]
    pub exclude_tables: Vec<String>,
    #[serde(default)]
    pub symlinks: Symlinks,
    #[serde(default)]
    pub verify: Verify,
    /// How often a scheduled pass that failed is tried again before its next slot; `0` for never. Where its archives are there, the rows that
    /// failed are tried alone.
    #[validate(range(min = 0, max = 10, message = "Try again at most 10 times."))]
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 10))]
    pub retry_attempts: i32,
    /// Minutes before each of them.
    #[validate(range(min = 1, max = 1440, message = "Wait 1 to 1440 minutes."))]
    #[serde(default = "ten")]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1440))]
    pub retry_delay_min: i32,
    /// Delays the passes of a cron expression by up to so many minutes, so that many Sets do not start in the same second.
    #[validate(range(min = 0, max = 60, message = "Use 0 to 60 minutes."))]
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 60))]
    pub jitter_min: i32,
    /// `http` or `https`; called with `/start` at the start, as it is at a good end and with `/fail` at another one.
    #[validate(custom(function = "check::web_address"))]
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 500))]
    pub ping_url: Option<String>,
    #[validate(nested)]
    #[cfg_attr(feature = "schema", schema(min_items = 1, max_items = 20))]
    pub storages: Vec<StorageRow>,
}

page_of!(BackupSetPage, BackupSet);

/// When a schedule would run, before it is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SchedulePreview {
    /// The configured one, an IANA name.
    pub time_zone: String,
    /// The next five slots.
    pub next_runs: Vec<DateTime<Utc>>,
}

/// Starts a pass by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RunInput {
    /// Shown in the log: a git sha, a release.
    #[validate(
        length(max = 200, message = "Use at most 200 characters."),
        custom(function = "check::one_line")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_length = 200))]
    pub label: Option<String>,
}

crate::auth::checked_by_rules!(RunInput);

fn title_rule(title: &str) -> Result<(), validator::ValidationError> {
    if title.trim().is_empty() {
        return Err(check::error("required", "Give the Backup Set a title."));
    }
    if title.chars().count() > 120 {
        return Err(check::error("length", "Use at most 120 characters."));
    }
    check::one_line(title)
}

/// The name becomes a directory, here and at every provider: what all of them take is allowed.
fn folder_name_rule(name: &str) -> Result<(), validator::ValidationError> {
    if name.is_empty() {
        return Err(check::error("required", "Choose a folder name."));
    }
    if name.len() > MAX_FOLDER_NAME {
        return Err(check::error("length", format!("Use at most {MAX_FOLDER_NAME} characters.")));
    }
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !name.chars().all(fine) || name.starts_with('.') || name.ends_with('.') {
        return Err(check::error(
            "format",
            "Use letters, digits, dots, dashes and underscores only, without a dot at either end.",
        ));
    }
    Ok(())
}

/// `HH:MM`, 00:00 to 23:59, as (hour, minute).
pub fn parse_time_of_day(text: &str) -> Option<(u32, u32)> {
    let (hour, minute) = text.split_once(':')?;
    let number =
        |s: &str| (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse::<u32>().ok())?;
    let (hour, minute) = (number(hour)?, number(minute)?);
    (hour < 24 && minute < 60).then_some((hour, minute))
}

impl Check for BackupSetInput {
    fn check(&self) -> Vec<FieldError> {
        let mut errors = self.validate().err().map(|e| check::flatten(&e)).unwrap_or_default();
        self.check_types(&mut errors);
        self.check_schedule(&mut errors);
        self.check_storages(&mut errors);
        check_lines(&mut errors, "exclude_directories", &self.exclude_directories, exclude_directory_error);
        check_lines(&mut errors, "exclude_tables", &self.exclude_tables, exclude_table_error);
        errors
    }
}

impl BackupSetInput {
    fn check_types(&self, errors: &mut Vec<FieldError>) {
        if self.backup_types.is_empty() {
            errors.push(FieldError::new("backup_types", "required", "Choose database, files or both."));
        }
        if self.backup_types.len() == 2 && self.backup_types[0] == self.backup_types[1]
            || self.backup_types.len() > 2
        {
            errors.push(FieldError::new("backup_types", "duplicate", "Name each type once."));
        }
    }

    fn check_schedule(&self, errors: &mut Vec<FieldError>) {
        match (self.frequency, &self.cron) {
            (None, None) => {
                errors.push(FieldError::new(
                    "frequency",
                    "required",
                    "Choose a frequency or give a cron expression.",
                ));
            }
            (Some(_), Some(_)) => {
                errors.push(FieldError::new(
                    "cron",
                    "conflict",
                    "Give either a frequency or a cron expression, not both.",
                ));
            }
            (Some(f), None) if !FREQUENCIES.contains(&f) => errors.push(FieldError::new(
                "frequency",
                "unknown",
                "Choose one of 1, 2, 3, 4, 5, 12, 18, 24, 36 and 48 hours.",
            )),
            _ => {}
        }
        if self.jitter_min > 0 && self.cron.is_none() {
            errors.push(FieldError::new(
                "jitter_min",
                "conflict",
                "Only a cron expression can be delayed by chance; leave it at 0.",
            ));
        }
        let daily = self.frequency.is_some_and(|f| DAILY_FREQUENCIES.contains(&f));
        match &self.time_of_day {
            None if daily => errors.push(FieldError::new(
                "time_of_day",
                "required",
                "Give the time of day (HH:MM) at which the pass starts.",
            )),
            Some(_) if !daily => errors.push(FieldError::new(
                "time_of_day",
                "conflict",
                "Only 24 and 48 hours take a time of day; leave it out.",
            )),
            Some(t) if parse_time_of_day(t).is_none() => {
                errors.push(FieldError::new(
                    "time_of_day",
                    "format",
                    "Write the time as HH:MM, 00:00 to 23:59.",
                ));
            }
            _ => {}
        }
    }

    fn check_storages(&self, errors: &mut Vec<FieldError>) {
        if self.storages.is_empty() {
            errors.push(FieldError::new("storages", "required", "Add at least one destination."));
        }
        if self.storages.len() > 20 {
            errors.push(FieldError::new("storages", "length", "Use at most 20 destinations."));
        }
        for (i, row) in self.storages.iter().enumerate() {
            if row.storage_id.is_none() && self.storages[..i].iter().any(|r| r.storage_id.is_none()) {
                errors.push(FieldError::new(
                    format!("storages[{i}].storage_id"),
                    "duplicate",
                    "A Backup Set has at most one local destination.",
                ));
            }
            if row.storage_id.is_none() && !row.path.is_empty() {
                errors.push(FieldError::new(
                    format!("storages[{i}].path"),
                    "conflict",
                    "The local destination is the server's archive directory; leave the path empty.",
                ));
            }
            if row.path.split('/').any(|s| s == ".." || s == ".") || row.path.chars().any(char::is_control) {
                errors.push(FieldError::new(
                    format!("storages[{i}].path"),
                    "format",
                    "Use plain folder names, without `.`, `..` and control characters.",
                ));
            }
        }
    }
}

fn check_lines(
    errors: &mut Vec<FieldError>,
    field: &str,
    lines: &[String],
    rule: fn(&str) -> Option<&'static str>,
) {
    if lines.len() > MAX_EXCLUDES {
        errors.push(FieldError::new(field, "length", format!("Use at most {MAX_EXCLUDES} lines.")));
    }
    for (i, line) in lines.iter().enumerate() {
        let problem = if line.trim().is_empty() {
            Some("Remove the empty line.")
        } else if line.len() > 1000 {
            Some("Use at most 1000 characters.")
        } else if line.chars().any(char::is_control) {
            Some("Leave out control characters.")
        } else {
            rule(line)
        };
        if let Some(message) = problem {
            errors.push(FieldError::new(format!("{field}[{i}]"), "format", message));
        }
    }
}

fn exclude_directory_error(line: &str) -> Option<&'static str> {
    if line.starts_with('/') {
        Some("Write the path relative to the Magento root, without a leading slash.")
    } else if line.split('/').any(|s| s == ".." || s == ".") {
        Some("Leave out `.` and `..`.")
    } else {
        None
    }
}

fn exclude_table_error(line: &str) -> Option<&'static str> {
    line.contains('/').then_some("Write a table name, a pattern with * and ?, or a group such as @log.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> BackupSetInput {
        BackupSetInput {
            enabled: true,
            title: "Nightly".into(),
            folder_name: "nightly".into(),
            backup_types: vec![BackupType::Database, BackupType::Files],
            frequency: Some(24),
            cron: None,
            time_of_day: Some("02:30".into()),
            exclude_directories: vec!["var/cache".into()],
            exclude_tables: vec!["@log".into()],
            symlinks: Symlinks::default(),
            verify: Verify::default(),
            retry_attempts: 0,
            retry_delay_min: 10,
            jitter_min: 0,
            ping_url: None,
            storages: vec![StorageRow {
                storage_id: None,
                enabled: true,
                keep_copies: 3,
                path: String::new(),
            }],
        }
    }

    fn fields(input: &BackupSetInput) -> Vec<(String, String)> {
        input.check().into_iter().map(|e| (e.field, e.code)).collect()
    }

    #[test]
    fn a_good_set_passes() {
        assert_eq!(fields(&input()), vec![]);
    }

    #[test]
    fn unsafe_folder_names_are_refused() {
        for name in ["../x", "a/b", ".", "..", "", "a\0b", "a b", "ä", ".hidden", "end.", &"x".repeat(300)] {
            let bad = BackupSetInput { folder_name: name.into(), ..input() };
            assert_eq!(fields(&bad).len(), 1, "{name:?}");
            assert_eq!(fields(&bad)[0].0, "folder_name", "{name:?}");
        }
        for name in ["a", "shop-1.eu_west", &"x".repeat(100)] {
            assert_eq!(fields(&BackupSetInput { folder_name: name.into(), ..input() }), vec![], "{name:?}");
        }
    }

    #[test]
    fn schedules_are_whole() {
        type Case =
            (Option<u8>, Option<&'static str>, Option<&'static str>, Option<(&'static str, &'static str)>);
        let cases: [Case; 10] = [
            (Some(1), None, None, None),
            (Some(36), None, None, None),
            (Some(48), None, Some("23:59"), None),
            (None, Some("0 2 * * *"), None, None),
            (None, None, None, Some(("frequency", "required"))),
            (Some(6), None, None, Some(("frequency", "unknown"))),
            (Some(1), Some("0 2 * * *"), None, Some(("cron", "conflict"))),
            (Some(24), None, None, Some(("time_of_day", "required"))),
            (Some(1), None, Some("02:30"), Some(("time_of_day", "conflict"))),
            (Some(24), None, Some("24:00"), Some(("time_of_day", "format"))),
        ];
        for (frequency, cron, time, expected) in cases {
            let set = BackupSetInput {
                frequency,
                cron: cron.map(Into::into),
                time_of_day: time.map(Into::into),
                ..input()
            };
            let expected: Vec<_> =
                expected.into_iter().map(|(f, c)| (f.to_string(), c.to_string())).collect();
            assert_eq!(fields(&set), expected, "{frequency:?} {cron:?} {time:?}");
        }
    }

    #[test]
    fn rows_keep_at_least_one_copy_and_only_one_is_local() {
        let row = input().storages[0].clone();
        let zero = BackupSetInput { storages: vec![StorageRow { keep_copies: 0, ..row.clone() }], ..input() };
        assert_eq!(fields(&zero), vec![("storages[0].keep_copies".to_string(), "range".to_string())]);
        let two = BackupSetInput { storages: vec![row.clone(), row], ..input() };
        assert_eq!(fields(&two), vec![("storages[1].storage_id".to_string(), "duplicate".to_string())]);
        let none = BackupSetInput { storages: vec![], ..input() };
        assert_eq!(fields(&none), vec![("storages".to_string(), "required".to_string())]);
    }
}
