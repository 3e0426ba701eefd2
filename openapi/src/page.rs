//! Lists: one page of rows, and how to ask for it.

use crate::check;
use crate::problem::FieldError;

pub const MAX_PAGE: u32 = 1_000_000;
pub const DEFAULT_PER_PAGE: u32 = 20;
pub const MAX_PER_PAGE: u32 = 200;
/// The longest text that a list is searched for, in characters.
pub const MAX_SEARCH: usize = 200;

/// Defines a page type of one row type. Plain types instead of a generic one keep generated clients readable.
macro_rules! page_of {
    ($name:ident, $item:ty) => {
        /// One page of a list.
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(::utoipa::ToSchema))]
        pub struct $name {
            pub items: Vec<$item>,
            /// Counts from 1.
            #[cfg_attr(feature = "schema", schema(minimum = 1))]
            pub page: u32,
            #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 200))]
            pub per_page: u32,
            /// Rows in all, on every page together.
            #[cfg_attr(feature = "schema", schema(minimum = 0))]
            pub total: i64,
        }
    };
}
pub(crate) use page_of;

/// A page as the server works with it, after validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageArgs {
    pub page: u32,
    pub per_page: u32,
}

impl PageArgs {
    /// Validates `?page` and `?per_page`.
    pub fn parse(page: Option<u32>, per_page: Option<u32>) -> Result<Self, Vec<FieldError>> {
        let args = PageArgs { page: page.unwrap_or(1), per_page: per_page.unwrap_or(DEFAULT_PER_PAGE) };
        let mut errors = Vec::new();
        if !(1..=MAX_PAGE).contains(&args.page) {
            errors.push(FieldError::new("page", "range", format!("Pages count from 1 to {MAX_PAGE}.")));
        }
        if !(1..=MAX_PER_PAGE).contains(&args.per_page) {
            errors.push(FieldError::new(
                "per_page",
                "range",
                format!("Ask for 1 to {MAX_PER_PAGE} rows a page."),
            ));
        }
        if errors.is_empty() { Ok(args) } else { Err(errors) }
    }

    pub fn offset(self) -> u64 {
        u64::from(self.page - 1) * u64::from(self.per_page)
    }
}

/// What is wrong with `?q`.
pub fn check_search(q: Option<&str>) -> Option<FieldError> {
    let q = q?;
    if q.chars().count() > MAX_SEARCH {
        return Some(FieldError::new("q", "length", format!("Search for at most {MAX_SEARCH} characters.")));
    }
    let message = check::one_line(q).err()?.message.unwrap_or_default();
    Some(FieldError::new("q", "format", message))
}

/// Parses `?sort=-started_at` against the columns a list can be sorted by: the column and whether it descends.
pub fn parse_sort<'a>(
    sort: Option<&str>,
    columns: &[&'a str],
    default: (&'a str, bool),
) -> Result<(&'a str, bool), Vec<FieldError>> {
    let Some(sort) = sort.filter(|s| !s.is_empty()) else { return Ok(default) };
    let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    columns.iter().find(|c| **c == name).map(|c| (*c, descending)).ok_or_else(|| {
        vec![FieldError::new("sort", "unknown", format!("Sort by one of: {}.", columns.join(", ")))]
    })
}
