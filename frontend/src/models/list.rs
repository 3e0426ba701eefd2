//! What a grid asks for, kept in the address so that *back*, reload and a shared link show the same rows.

use contract::page::DEFAULT_PER_PAGE;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    pub page: u32,
    pub per_page: u32,
    /// A column, with `-` in front when it descends.
    pub sort: String,
    pub search: String,
    /// Further filters by their names on the wire; empty ones are not sent.
    pub filters: BTreeMap<&'static str, String>,
}

impl ListQuery {
    pub fn sorted_by(sort: &str) -> Self {
        ListQuery {
            page: 1,
            per_page: DEFAULT_PER_PAGE,
            sort: sort.into(),
            search: String::new(),
            filters: BTreeMap::new(),
        }
    }

    /// Takes over what an address says; `filters` names those that this list knows.
    pub fn read(mut self, get: impl Fn(&str) -> Option<String>, filters: &[&'static str]) -> Self {
        let number = |name: &str| get(name).and_then(|v| v.parse::<u32>().ok());
        self.page = number("page").unwrap_or(1).max(1);
        self.per_page = number("per_page").unwrap_or(self.per_page).clamp(1, contract::page::MAX_PER_PAGE);
        self.sort = get("sort").filter(|s| !s.is_empty()).unwrap_or(self.sort);
        self.search = get("q").unwrap_or_default();
        for name in filters {
            if let Some(value) = get(name).filter(|v| !v.is_empty()) {
                self.filters.insert(name, value);
            }
        }
        self
    }

    pub fn filter(&self, name: &str) -> String {
        self.filters.get(name).cloned().unwrap_or_default()
    }

    /// The request's parameters.
    pub fn params(&self) -> Vec<(&'static str, String)> {
        let mut params = vec![("page", self.page.to_string()), ("per_page", self.per_page.to_string())];
        params.push(("sort", self.sort.clone()));
        if !self.search.trim().is_empty() {
            params.push(("q", self.search.trim().to_string()));
        }
        params.extend(self.filters.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (*k, v.clone())));
        params
    }

    /// The parameters that differ from `default`: what the address shows.
    pub fn address(&self, default: &ListQuery) -> Vec<(&'static str, String)> {
        let usual = default.params();
        self.params().into_iter().filter(|p| !usual.contains(p)).collect()
    }

    /// Narrowed by a search or a filter, so that an empty list does not mean there is nothing.
    pub fn is_narrowed(&self) -> bool {
        !self.search.trim().is_empty() || self.filters.values().any(|v| !v.is_empty())
    }

    /// Where the rows end, when the page asked for lies beyond: rows were deleted, or an address was typed.
    pub fn last_page_before(&self, total: i64) -> Option<u32> {
        Some(pages(total, self.per_page)).filter(|last| *last < self.page)
    }

    pub fn sort_state(&self, column: &str) -> Sort {
        match self.sort.strip_prefix('-') {
            Some(c) if c == column => Sort::Descending,
            None if self.sort == column => Sort::Ascending,
            _ => Sort::None,
        }
    }

    /// Sorts by `column`, or turns the order round when it already does.
    pub fn toggle_sort(&mut self, column: &str) {
        self.sort = match self.sort_state(column) {
            Sort::Ascending => format!("-{column}"),
            Sort::None | Sort::Descending => column.into(),
        };
        self.page = 1;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    None,
    Ascending,
    Descending,
}

impl Sort {
    pub fn aria(self) -> &'static str {
        match self {
            Sort::None => "none",
            Sort::Ascending => "ascending",
            Sort::Descending => "descending",
        }
    }
}

/// Pages of a list; at least one.
pub fn pages(total: i64, per_page: u32) -> u32 {
    let total = u64::try_from(total).unwrap_or(0);
    u32::try_from(total.div_ceil(u64::from(per_page.max(1)))).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_back_the_query_it_was_made_of() {
        let default = ListQuery::sorted_by("-started_at");
        let mut query = default.clone();
        assert!(query.address(&default).is_empty());
        query.page = 3;
        query.search = " night ".into();
        query.toggle_sort("title");
        query.page = 3;
        query.filters.insert("status", "failed".into());
        query.filters.insert("trigger", String::new());
        let address = query.address(&default);
        assert_eq!(address.len(), 4, "{address:?}");
        let get = |name: &str| address.iter().find(|(k, _)| *k == name).map(|(_, v)| v.clone());
        let read = default.clone().read(get, &["status", "trigger"]);
        assert_eq!(read.params(), query.params());
        assert!(read.is_narrowed());
    }

    #[test]
    fn nonsense_in_the_address_is_ignored() {
        let default = ListQuery::sorted_by("title");
        let get = |name: &str| Some(if name == "sort" { "" } else { "-7" }.to_string());
        let query = default.clone().read(get, &[]);
        assert_eq!((query.page, query.per_page, query.sort.as_str()), (1, DEFAULT_PER_PAGE, "title"));
    }

    #[test]
    fn sorting_again_turns_the_order_round() {
        let mut query = ListQuery::sorted_by("-started_at");
        assert_eq!(query.sort_state("started_at"), Sort::Descending);
        query.toggle_sort("started_at");
        assert_eq!(query.sort_state("started_at"), Sort::Ascending);
        query.toggle_sort("started_at");
        assert_eq!(query.sort, "-started_at");
        query.toggle_sort("title");
        assert_eq!((query.sort.as_str(), query.sort_state("started_at")), ("title", Sort::None));
    }

    #[test]
    fn a_page_beyond_the_last_leads_to_the_last() {
        let query = ListQuery { page: 3, ..ListQuery::sorted_by("title") };
        for (total, last) in [(60, None), (41, None), (40, Some(2)), (0, Some(1))] {
            assert_eq!(query.last_page_before(total), last, "{total}");
        }
        assert_eq!(ListQuery::sorted_by("title").last_page_before(0), None);
    }

    #[test]
    fn there_is_always_a_page() {
        assert_eq!([pages(0, 20), pages(20, 20), pages(21, 20), pages(-1, 0)], [1, 1, 2, 1]);
    }
}
