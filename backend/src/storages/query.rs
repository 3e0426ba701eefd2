//! What a list of Storage Sets can be asked for.

use super::repo;
use contract::{Check, FieldError, PageArgs, StorageType, parse_sort};
use serde::Deserialize;

#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct StorageQuery {
    /// Counts from 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    pub page: Option<u32>,
    /// Rows a page; 20 when left out.
    #[param(minimum = 1, maximum = 200)]
    pub per_page: Option<u32>,
    /// `id`, `title`, `type`, `enabled`, `created_at` or `updated_at`, with `-` before it to descend.
    #[param(max_length = 64)]
    pub sort: Option<String>,
    /// Only those that are switched on, or off.
    pub enabled: Option<bool>,
    /// Only those of this type.
    #[serde(rename = "type")]
    #[param(inline)]
    pub kind: Option<StorageType>,
    /// Part of the title, whatever its case.
    #[param(max_length = 200)]
    pub q: Option<String>,
}

impl StorageQuery {
    pub fn page(&self) -> Result<PageArgs, Vec<FieldError>> {
        PageArgs::parse(self.page, self.per_page)
    }

    pub fn order(&self) -> Result<(&'static str, bool), Vec<FieldError>> {
        parse_sort(self.sort.as_deref(), &repo::SORTS, ("title", false))
    }
}

impl Check for StorageQuery {
    fn check(&self) -> Vec<FieldError> {
        let mut errors = self.page().err().unwrap_or_default();
        errors.extend(self.order().err().unwrap_or_default());
        errors
    }
}
