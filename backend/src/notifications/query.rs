//! What the inbox can be asked for.

use super::repo;
use contract::{Check, FieldError, PageArgs, parse_sort};
use serde::Deserialize;

#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct NotificationQuery {
    /// Counts from 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    pub page: Option<u32>,
    /// Rows a page; 20 when left out.
    #[param(minimum = 1, maximum = 200)]
    pub per_page: Option<u32>,
    /// `id`, `severity` or `created_at`, with `-` before it to descend; the newest first when left out.
    #[param(max_length = 64)]
    pub sort: Option<String>,
    /// Only those that are open, or those that are dismissed or settled.
    pub open: Option<bool>,
}

impl NotificationQuery {
    pub fn page(&self) -> Result<PageArgs, Vec<FieldError>> {
        PageArgs::parse(self.page, self.per_page)
    }

    pub fn order(&self) -> Result<(&'static str, bool), Vec<FieldError>> {
        parse_sort(self.sort.as_deref(), &repo::SORTS, ("created_at", true))
    }
}

impl Check for NotificationQuery {
    fn check(&self) -> Vec<FieldError> {
        let mut errors = self.page().err().unwrap_or_default();
        errors.extend(self.order().err().unwrap_or_default());
        errors
    }
}
