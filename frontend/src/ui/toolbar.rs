//! What stands above a grid: search, filters, and the order where there are no heads to click.

use super::{Icon, List, lu};
use leptos::prelude::*;

#[component]
pub fn SearchField<T: Clone + Send + Sync + 'static>(list: List<T>, label: &'static str) -> impl IntoView {
    view! {
        <div class="control search">
            <Icon icon=lu::LuSearch/>
            <input
                type="search"
                aria-label=label
                placeholder=label
                prop:value=move || list.query.with(|q| q.search.clone())
                on:input:target=move |event| list.query.update(|q| {
                    q.search = event.target().value();
                    q.page = 1;
                })
            />
        </div>
    }
}

#[component]
pub fn FilterSelect<T: Clone + Send + Sync + 'static>(
    list: List<T>,
    name: &'static str,
    label: &'static str,
    options: Vec<(&'static str, &'static str)>,
) -> impl IntoView {
    view! {
        <div class="control select">
            <select
                aria-label=label
                on:change:target=move |event| list.query.update(|q| {
                    q.filters.insert(name, event.target().value());
                    q.page = 1;
                })
            >
                {options.into_iter().map(|(value, words)| view! {
                    <option value=value prop:selected=move || list.query.with(|q| q.filter(name) == value)>{words}</option>
                }).collect_view()}
            </select>
            <Icon icon=lu::LuChevronDown/>
        </div>
    }
}

/// On a phone, where rows are cards.
#[component]
pub fn SortSelect<T: Clone + Send + Sync + 'static>(
    list: List<T>,
    options: Vec<(&'static str, &'static str)>,
) -> impl IntoView {
    view! {
        <div class="control select phone-only">
            <select
                aria-label="Sort by"
                on:change:target=move |event| list.query.update(|q| {
                    q.sort = event.target().value();
                    q.page = 1;
                })
            >
                {options.into_iter().map(|(value, words)| view! {
                    <option value=value prop:selected=move || list.query.with(|q| q.sort == value)>{words}</option>
                }).collect_view()}
            </select>
            <Icon icon=lu::LuChevronDown/>
        </div>
    }
}
