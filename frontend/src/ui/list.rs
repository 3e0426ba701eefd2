//! The state of a grid: what it asks for, what it got, and the address that remembers it.

use super::refresh;
use crate::models::list::ListQuery;
use contract::Problem;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use std::future::Future;

#[derive(Debug, Clone, PartialEq)]
pub struct Loaded<T> {
    pub items: Vec<T>,
    pub total: i64,
}

/// Counts the clicks on a link that leads to the page one is on: its grid then starts anew. In the context of the pages.
#[derive(Clone, Copy)]
pub struct Revisit(RwSignal<u32>);

impl Revisit {
    pub fn new() -> Self {
        Revisit(RwSignal::new(0))
    }

    pub fn note(self) {
        self.0.update(|n| *n += 1);
    }
}

/// The last page stays on screen while the next one loads, and while the server does not answer.
pub struct List<T: 'static> {
    pub query: RwSignal<ListQuery>,
    pub loaded: RwSignal<Option<Loaded<T>>>,
    pub problem: RwSignal<Option<Problem>>,
    /// Another page, order or search is on its way.
    pub loading: RwSignal<bool>,
    /// The rows could not be looked at again: they are of a while ago.
    pub stale: RwSignal<bool>,
    reload: RwSignal<u32>,
    /// Requests under way.
    waiting: StoredValue<u32>,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for List<T> {}

impl<T: 'static> List<T> {
    pub fn reload(self) {
        // A timer may ask for it after the page was left.
        self.reload.try_update(|n| *n += 1);
    }

    pub fn total(self) -> i64
    where
        T: Send + Sync + Clone,
    {
        self.loaded.with(|l| l.as_ref().map_or(0, |l| l.total))
    }
}

/// Starts from the address, loads on every change of the query, writes the query back into the address, and looks again now and
/// then: more often while a row is `busy`.
pub fn use_list<T, F, Fut>(
    default: ListQuery,
    filters: &'static [&'static str],
    busy: fn(&T) -> bool,
    fetch: F,
) -> List<T>
where
    T: Clone + PartialEq + Send + Sync + 'static,
    F: Fn(ListQuery) -> Fut + Clone + 'static,
    Fut: Future<Output = Result<Loaded<T>, Problem>>,
{
    let address = use_query_map().get_untracked();
    let list = List {
        query: RwSignal::new(default.clone().read(|name| address.get(name), filters)),
        loaded: RwSignal::new(None),
        problem: RwSignal::new(None),
        loading: RwSignal::new(false),
        stale: RwSignal::new(false),
        reload: RwSignal::new(0),
        waiting: StoredValue::new(0),
    };
    load_on_change(list, fetch);
    refresh(
        move || list.loaded.with_untracked(|l| l.as_ref().is_some_and(|l| l.items.iter().any(busy))),
        move || {
            if list.waiting.try_get_value() == Some(0) {
                list.reload();
            }
        },
    );
    follow_address(list, default, filters);
    list
}

fn load_on_change<T, F, Fut>(list: List<T>, fetch: F)
where
    T: Clone + PartialEq + Send + Sync + 'static,
    F: Fn(ListQuery) -> Fut + Clone + 'static,
    Fut: Future<Output = Result<Loaded<T>, Problem>>,
{
    let latest = StoredValue::new(0_u32);
    Effect::new(move |before: Option<ListQuery>| {
        list.reload.track();
        let query = list.query.get();
        let (asked, fetch) = (query.clone(), fetch.clone());
        let number = latest.get_value() + 1;
        latest.set_value(number);
        let again = before.as_ref() == Some(&query);
        let typing = before.is_some_and(|b| b.search != query.search);
        if !again {
            list.loading.set(true);
        }
        list.waiting.update_value(|n| *n += 1);
        leptos::task::spawn_local(async move {
            if typing {
                gloo_timers::future::TimeoutFuture::new(250).await;
            }
            let current = || latest.try_get_value() == Some(number);
            let result = if current() { Some(fetch(query.clone()).await) } else { None };
            list.waiting.try_update_value(|n| *n -= 1);
            // A later question was asked, or the page was left.
            if let Some(result) = result.filter(|_| current()) {
                list.take(&query, again, result);
            }
        });
        asked
    });
}

impl<T: Clone + PartialEq + Send + Sync + 'static> List<T> {
    fn take(self, query: &ListQuery, again: bool, result: Result<Loaded<T>, Problem>) {
        match result {
            Ok(page) => {
                self.stale.set(false);
                if let Some(last) = query.last_page_before(page.total) {
                    self.query.update(|q| q.page = last);
                    return;
                }
                self.problem.set(None);
                if self.loaded.with_untracked(|l| l.as_ref() != Some(&page)) {
                    self.loaded.set(Some(page));
                }
            }
            Err(_) if again && self.shows_rows() => self.stale.set(true),
            Err(problem) => self.problem.set(Some(problem)),
        }
        self.loading.set(false);
    }

    fn shows_rows(self) -> bool {
        self.loaded.with_untracked(Option::is_some) && self.problem.with_untracked(Option::is_none)
    }
}

fn follow_address<T: 'static>(list: List<T>, default: ListQuery, filters: &'static [&'static str]) {
    let pathname = use_location().pathname;
    let path = pathname.get_untracked();
    let usual = default.clone();
    let revisit = use_context::<Revisit>();
    // The router knows of its own navigations alone: of links and of *back*, not of what is written below.
    let address = use_query_map();
    let here = path.clone();
    Effect::new(move |before: Option<()>| {
        let read = default.clone().read(|name| address.with(|a| a.get(name)), filters);
        if before.is_some() && pathname.get_untracked() == here {
            list.query.maybe_update(|q| std::mem::replace(q, read.clone()) != read);
        }
    });
    let fresh = usual.clone();
    Effect::new(move |before: Option<()>| {
        if let Some(Revisit(clicks)) = revisit {
            clicks.track();
        }
        if before.is_some() {
            list.query.maybe_update(|q| std::mem::replace(q, fresh.clone()) != fresh);
        }
    });
    Effect::new(move |before: Option<()>| {
        let params = list.query.with(|q| q.address(&usual));
        if before.is_some() && window().location().pathname().is_ok_and(|p| p == path) {
            let encode = |v: &str| js_sys::encode_uri_component(v).as_string().unwrap_or_default();
            let pairs: Vec<String> = params.iter().map(|(k, v)| format!("{k}={}", encode(v))).collect();
            let url = if pairs.is_empty() { path.clone() } else { format!("{path}?{}", pairs.join("&")) };
            if let Ok(history) = window().history() {
                let state = history.state().unwrap_or_default();
                let _ = history.replace_state_with_url(&state, "", Some(&url));
            }
        }
    });
}
