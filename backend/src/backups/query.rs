//! What a list of Backup Sets can be asked for.

use super::repo;
use contract::{Check, FieldError, PageArgs, check_search, parse_sort};
use serde::Deserialize;

#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BackupQuery {
    /// Counts from 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    pub page: Option<u32>,
    /// Rows a page; 20 when left out.
    #[param(minimum = 1, maximum = 200)]
    pub per_page: Option<u32>,
    /// `id`, `title`, `enabled`, `last_time`, `next_run_at` or `created_at`, with `-` before it to descend.
    #[param(max_length = 64)]
    pub sort: Option<String>,
    /// Only those that are switched on, or off.
    pub enabled: Option<bool>,
    /// Part of the title or the folder name, whatever its case.
    #[param(max_length = 200)]
    pub q: Option<String>,
}

/// A schedule, as the form of a Set has it.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ScheduleQuery {
    /// Hours: 1, 2, 3, 4, 5, 12, 18, 24, 36 or 48. Either this or `cron`.
    #[param(minimum = 1, maximum = 48)]
    pub frequency: Option<u8>,
    /// A cron expression in the configured time zone. Either this or `frequency`.
    #[param(max_length = 200)]
    pub cron: Option<String>,
    /// `HH:MM`, with 24 and 48 hours.
    #[param(max_length = 5)]
    pub time_of_day: Option<String>,
    /// Delays the passes of a cron expression by up to so many minutes.
    #[param(maximum = 60)]
    pub jitter_min: Option<u32>,
    /// Of the Set; the delays depend on it.
    #[param(max_length = 100)]
    pub folder_name: Option<String>,
    /// Of a Set that is there: as long as this is its schedule, its slots go on.
    #[param(minimum = 1)]
    pub backup_id: Option<i64>,
}

impl Check for ScheduleQuery {
    fn check(&self) -> Vec<FieldError> {
        Vec::new()
    }
}

impl BackupQuery {
    pub fn page(&self) -> Result<PageArgs, Vec<FieldError>> {
        PageArgs::parse(self.page, self.per_page)
    }

    pub fn order(&self) -> Result<(&'static str, bool), Vec<FieldError>> {
        parse_sort(self.sort.as_deref(), &repo::SORTS, ("title", false))
    }
}

impl Check for BackupQuery {
    fn check(&self) -> Vec<FieldError> {
        let mut errors = self.page().err().unwrap_or_default();
        errors.extend(self.order().err().unwrap_or_default());
        errors.extend(check_search(self.q.as_deref()));
        errors
    }
}
