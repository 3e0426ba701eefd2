//! What Backup Logs can be asked for.

use super::repo;
use contract::{Check, FieldError, OverallStatus, PageArgs, Trigger, check_search, parse_sort};
use serde::Deserialize;

/// The longest time that a request waits for a pass to end, in seconds.
pub const MAX_WAIT: u64 = 300;

#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// Counts from 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    pub page: Option<u32>,
    /// Rows a page; 20 when left out.
    #[param(minimum = 1, maximum = 200)]
    pub per_page: Option<u32>,
    /// `id`, `started_at` (the default, descending), `finished_at`, `duration_sec`, `backup_title` or `overall_status`,
    /// with `-` before it to descend.
    #[param(max_length = 64)]
    pub sort: Option<String>,
    /// Only those of one Backup Set.
    pub backup_id: Option<i64>,
    /// Only those with this status.
    #[param(inline)]
    pub overall_status: Option<OverallStatus>,
    /// Only those that were started this way.
    #[param(inline)]
    pub trigger: Option<Trigger>,
    /// Part of the Set's title or of the label, whatever its case.
    #[param(max_length = 200)]
    pub q: Option<String>,
}

impl LogQuery {
    pub fn page(&self) -> Result<PageArgs, Vec<FieldError>> {
        PageArgs::parse(self.page, self.per_page)
    }

    pub fn order(&self) -> Result<(&'static str, bool), Vec<FieldError>> {
        parse_sort(self.sort.as_deref(), &repo::SORTS, ("started_at", true))
    }
}

impl Check for LogQuery {
    fn check(&self) -> Vec<FieldError> {
        let mut errors = self.page().err().unwrap_or_default();
        errors.extend(self.order().err().unwrap_or_default());
        errors.extend(check_search(self.q.as_deref()));
        errors
    }
}

#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WaitQuery {
    /// Seconds to wait for the end of the pass before the answer comes; at once when left out. More than 300 count as 300.
    #[param(minimum = 0)]
    pub wait: Option<u64>,
}

impl WaitQuery {
    pub fn duration(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.wait.unwrap_or(0).min(MAX_WAIT))
    }
}

impl Check for WaitQuery {
    fn check(&self) -> Vec<FieldError> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_longer_than_five_minutes() {
        for (asked, seconds) in
            [(None, 0), (Some(7), 7), (Some(300), 300), (Some(301), 300), (Some(u64::MAX), 300)]
        {
            assert_eq!(WaitQuery { wait: asked }.duration().as_secs(), seconds);
        }
    }
}
