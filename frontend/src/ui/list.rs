//! The state of a grid: what it asks for, what it got, and the address that remembers it.

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

/// The last page stays on screen while the next one loads.
pub struct List<T: 'static> {
    pub query: RwSignal<ListQuery>,
    pub loaded: RwSignal<Option<Loaded<T>>>,
    pub problem: RwSignal<Option<Problem>>,
    pub loading: RwSignal<bool>,
    reload: RwSignal<u32>,
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

/// Starts from the address, loads on every change of the query, and writes the query back into the address.
pub fn use_list<T, F, Fut>(default: ListQuery, filters: &'static [&'static str], fetch: F) -> List<T>
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
        reload: RwSignal::new(0),
    };
    let latest = StoredValue::new(0_u32);
    Effect::new(move |searched: Option<String>| {
        list.reload.track();
        let query = list.query.get();
        let (search, fetch) = (query.search.clone(), fetch.clone());
        let number = latest.get_value() + 1;
        latest.set_value(number);
        list.loading.set(true);
        let typing = searched.is_some_and(|s| s != search);
        leptos::task::spawn_local(async move {
            if typing {
                gloo_timers::future::TimeoutFuture::new(250).await;
                if latest.try_get_value() != Some(number) {
                    return;
                }
            }
            let result = fetch(query).await;
            // A later question was asked, or the page was left.
            if latest.try_get_value() != Some(number) {
                return;
            }
            list.loading.set(false);
            match result {
                Ok(page) => {
                    list.problem.set(None);
                    if list.loaded.with_untracked(|l| l.as_ref() != Some(&page)) {
                        list.loaded.set(Some(page));
                    }
                }
                Err(problem) => list.problem.set(Some(problem)),
            }
        });
        search
    });
    let path = use_location().pathname.get_untracked();
    Effect::new(move |before: Option<()>| {
        let params = list.query.with(|q| q.address(&default));
        if before.is_some() {
            let encode = |v: &str| js_sys::encode_uri_component(v).as_string().unwrap_or_default();
            let pairs: Vec<String> = params.iter().map(|(k, v)| format!("{k}={}", encode(v))).collect();
            let url = if pairs.is_empty() { path.clone() } else { format!("{path}?{}", pairs.join("&")) };
            if let Ok(history) = window().history() {
                let state = history.state().unwrap_or_default();
                let _ = history.replace_state_with_url(&state, "", Some(&url));
            }
        }
    });
    list
}
