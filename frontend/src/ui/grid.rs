//! The table of a list: sortable heads, paging, and designed states for loading, nothing and failure. On a phone every
//! row becomes a card.

use super::{EmptyState, ErrorState, Icon, List, StaleBar, lu};
use crate::models::format;
use crate::models::list::{Sort, pages};
use leptos::prelude::*;
use std::sync::Arc;

type Cell<T> = Arc<dyn Fn(&T) -> AnyView + Send + Sync>;

#[derive(Clone)]
pub struct Column<T> {
    label: &'static str,
    sort: Option<&'static str>,
    class: &'static str,
    cell: Cell<T>,
}

impl<T> Column<T> {
    pub fn new(label: &'static str, cell: impl Fn(&T) -> AnyView + Send + Sync + 'static) -> Self {
        Column { label, sort: None, class: "", cell: Arc::new(cell) }
    }

    /// Sortable by this name on the wire.
    pub fn sort(self, column: &'static str) -> Self {
        Column { sort: Some(column), ..self }
    }

    /// `num` aligns right, `lead` is the card's title on a phone, `actions` its buttons.
    pub fn class(self, class: &'static str) -> Self {
        Column { class, ..self }
    }
}

/// `key` identifies a row together with its state: a changed row is drawn anew, the others keep their place and focus.
pub fn grid<T>(
    list: List<T>,
    label: &'static str,
    columns: Vec<Column<T>>,
    key: fn(&T) -> String,
    empty: impl Fn() -> AnyView + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let columns = StoredValue::new(columns);
    let waiting = move || list.loaded.with(Option::is_none) && list.problem.with(Option::is_none);
    let none = move || list.loaded.with(|l| l.as_ref().is_some_and(|l| l.items.is_empty()));
    let items = move || list.loaded.with(|l| l.as_ref().map(|l| l.items.clone()).unwrap_or_default());
    let problem = move || {
        list.problem.get().map(|problem| view! { <ErrorState problem retry=move |()| list.reload()/> })
    };
    let nothing = move || {
        if list.query.with(|q| q.is_narrowed()) {
            let clear = move |_| {
                list.query.update(|q| {
                    q.search.clear();
                    q.filters.clear();
                    q.page = 1;
                });
            };
            view! {
                <EmptyState icon=lu::LuSearch title="Nothing matches" text="Try another search, or show all rows again.">
                    <button type="button" class="btn" on:click=clear>"Clear search and filters"</button>
                </EmptyState>
            }
            .into_any()
        } else {
            empty()
        }
    };
    let body = move |item: T| {
        columns.with_value(|columns| {
            columns
                .iter()
                .map(|c| view! { <td role="cell" class=c.class data-label=c.label>{(c.cell)(&item)}</td> })
                .collect_view()
        })
    };
    view! {
        <div class="grid" aria-busy=move || list.loading.get().to_string()>
            {problem}
            {move || list.stale.get().then(|| view! { <StaleBar retry=move |()| list.reload()/> })}
            <div class:hidden-block=move || none() || list.problem.with(Option::is_some) class="grid-scroll">
                <table role="table" aria-label=label>
                    <thead role="rowgroup">
                        <tr role="row">
                            {columns.with_value(|c| c.iter().map(|c| head(list, c)).collect_view())}
                        </tr>
                    </thead>
                    <tbody role="rowgroup">
                        {move || waiting().then(|| skeleton_rows(columns.with_value(Vec::len)))}
                        <For each=items key=key let(item)>
                            <tr role="row">{body(item)}</tr>
                        </For>
                    </tbody>
                </table>
            </div>
            {move || (none() && list.problem.with(Option::is_none)).then(&nothing)}
            {move || (!none() && !waiting() && list.problem.with(Option::is_none)).then(|| pager(list))}
        </div>
    }
}

fn head<T: Clone + Send + Sync + 'static>(list: List<T>, column: &Column<T>) -> AnyView {
    let (label, class) = (column.label, column.class);
    let Some(name) = column.sort else {
        return if class.contains("actions") {
            view! { <th role="columnheader" scope="col" class=class><span class="hidden">{label}</span></th> }
                .into_any()
        } else {
            view! { <th role="columnheader" scope="col" class=class>{label}</th> }.into_any()
        };
    };
    let state = Memo::new(move |_| SortState(list.query.with(|q| q.sort_state(name))));
    view! {
        <th role="columnheader" scope="col" class=class aria-sort=move || state.get().0.aria()>
            <button type="button" class="sort" on:click=move |_| list.query.update(|q| q.toggle_sort(name))>
                {label}
                {move || match state.get().0 {
                    Sort::None => view! { <Icon icon=lu::LuChevronsUpDown class="faint"/> },
                    Sort::Ascending => view! { <Icon icon=lu::LuArrowUp class=""/> },
                    Sort::Descending => view! { <Icon icon=lu::LuArrowDown class=""/> },
                }}
            </button>
        </th>
    }
    .into_any()
}

#[derive(Clone, Copy, PartialEq)]
struct SortState(Sort);

fn skeleton_rows(columns: usize) -> impl IntoView {
    (0..5)
        .map(|_| {
            let cells = (0..columns)
                .map(|_| view! { <td role="cell"><span class="bone"></span></td> })
                .collect_view();
            view! { <tr role="row" class="bones" aria-hidden="true">{cells}</tr> }
        })
        .collect_view()
}

fn pager<T: Clone + Send + Sync + 'static>(list: List<T>) -> impl IntoView {
    let last = move || list.query.with(|q| pages(list.total(), q.per_page));
    let range = move || {
        let (page, per_page) = list.query.with(|q| (i64::from(q.page), i64::from(q.per_page)));
        let total = list.total();
        let first = ((page - 1) * per_page + 1).min(total);
        format!(
            "{}–{} of {}",
            format::count(first),
            format::count((page * per_page).min(total)),
            format::count(total)
        )
    };
    let turn = move |by: i64| {
        let last = i64::from(untrack(last));
        list.query.update(|q| {
            let page = (i64::from(q.page) + by).clamp(1, last);
            q.page = u32::try_from(page).unwrap_or(1);
        });
    };
    let at_start = move || list.query.with(|q| q.page <= 1);
    let at_end = move || list.query.with(|q| q.page) >= last();
    view! {
        <div class="pager">
            <span class="mute" role="status">{range}</span>
            <label class="pager-size">
                "Rows"
                <select on:change:target=move |event| {
                    let size = event.target().value().parse().unwrap_or(contract::page::DEFAULT_PER_PAGE);
                    list.query.update(|q| {
                        q.per_page = size;
                        q.page = 1;
                    });
                }>
                    {[10_u32, 20, 50, 100].map(|n| view! {
                        <option value=n.to_string() prop:selected=move || list.query.with(|q| q.per_page == n)>{n}</option>
                    }).collect_view()}
                </select>
            </label>
            <div class="pager-turn">
                <button type="button" class="btn icon-only" aria-label="Previous page" disabled=at_start on:click=move |_| turn(-1)>
                    <Icon icon=lu::LuChevronLeft/>
                </button>
                <span>{move || format!("Page {} of {}", list.query.with(|q| q.page), last())}</span>
                <button type="button" class="btn icon-only" aria-label="Next page" disabled=at_end on:click=move |_| turn(1)>
                    <Icon icon=lu::LuChevronRight/>
                </button>
            </div>
        </div>
    }
}
