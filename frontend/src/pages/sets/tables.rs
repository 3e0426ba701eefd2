//! Which tables' rows to leave out.

use crate::models::excludes::{self, TableRow, excluded_by, matches, table_patterns};
use crate::models::format;
use crate::models::set_form::{SetForm, toggle};
use crate::pages::source::{LookAgain, Source};
use crate::ui::*;
use contract::{SourceReport, TableGroup};
use leptos::prelude::*;

/// A store has some four hundred tables; the largest are what one looks for.
const SHOWN: usize = 30;

#[component]
pub fn TablePicker(typed: RwSignal<SetForm>, read_only: bool) -> impl IntoView {
    let form = expect_context::<Form>();
    form.shows_group("exclude_tables");
    let source = expect_context::<Source>();
    let excluded = Memo::new(move |_| typed.with(|t| t.exclude_tables.clone()));
    let change = Callback::new(move |(line, on): (String, bool)| {
        typed.update(|t| toggle(&mut t.exclude_tables, &line, on));
    });
    let patterns = Signal::derive(move || {
        excluded.with(|e| source.with(|r| table_patterns(Some(r), e)).unwrap_or_else(|| e.clone()))
    });
    let note = move |line: String| {
        let hits = source.with(|r| excludes::tables(r).iter().filter(|t| matches(&line, &t.name)).count());
        hits.map(|n| format::counted(n as i64, "table", "tables")).unwrap_or_default()
    };
    let errors = move || {
        form.errors_below("exclude_tables")
            .into_iter()
            .map(|e| view! { <p class="field-error"><Icon icon=lu::LuCircleAlert/>{e.message}</p> })
            .collect_view()
    };
    let invalid = Signal::derive(move || !form.errors_below("exclude_tables").is_empty());
    let (text, set_text) = create_slice(typed, |t| t.pending_table.clone(), |t, v| t.pending_table = v);
    // They outlive a new report.
    let (search, everything) = (RwSignal::new(String::new()), RwSignal::new(false));
    let pickers = move || {
        match (source.result(), source.loading()) {
        (Some(Ok(report)), _) if report.databases.iter().all(|d| d.tables.is_empty()) => view! {
            <div class="picker-head">
                <p class="mute">"The server sees no tables here. Names and patterns can still be added below."</p>
                <LookAgain/>
            </div>
        }
        .into_any(),
        (Some(Ok(report)), _) => view! { <Known report excluded change search everything read_only/> }.into_any(),
        (Some(Err(_)), false) => view! {
            <div class="picker-head">
                <p class="mute">"The tables could not be listed. Names and patterns can still be added below."</p>
                <LookAgain/>
            </div>
        }
        .into_any(),
        _ => {
            view! { <p class="mute">"Looking at the tables of the store…"</p><Skeleton lines=6/> }.into_any()
        }
    }
    };
    view! {
        {pickers}
        <fieldset class="bare" disabled=read_only>
        <LineList
            id="exclude-table"
            label="Names and patterns"
            hint="Without the table prefix, with * and ?: report_*, *_tmp."
            placeholder="report_*"
            text
            set_text
            invalid
            lines=patterns
            note
            on_add=move |()| typed.update(SetForm::add_pending)
            on_remove=move |line: String| change.run((line, false))
        />
        </fieldset>
        <div aria-live="polite" id="exclude-table-error">{errors}</div>
    }
}

#[component]
fn Known(
    report: SourceReport,
    excluded: Memo<Vec<String>>,
    change: Callback<(String, bool)>,
    search: RwSignal<String>,
    everything: RwSignal<bool>,
    read_only: bool,
) -> impl IntoView {
    let groups = report.table_groups.clone();
    let suggested: Vec<String> = groups.iter().filter(|g| g.suggested).map(|g| g.name.clone()).collect();
    let has_suggestions = !suggested.is_empty();
    let suggest = move |_| {
        for name in &suggested {
            change.run((name.clone(), true));
        }
    };
    let all = StoredValue::new(excludes::tables(&report));
    let kept_groups = StoredValue::new(groups.clone());
    let found = Memo::new(move |_| {
        let needle = search.get().trim().to_lowercase();
        all.with_value(|all| all.iter().filter(|t| t.name.contains(&needle)).cloned().collect::<Vec<_>>())
    });
    let shown = move || {
        let limit = if everything.get() { usize::MAX } else { SHOWN };
        found.with(|f| f.iter().take(limit).cloned().collect::<Vec<_>>())
    };
    let hidden = move || if everything.get() { 0 } else { found.with(Vec::len).saturating_sub(SHOWN) };
    view! {
        <div class="picker-head">
            <p class="mute">"Groups of tables whose rows a restored store does without."</p>
            <span class="picker-actions">
                {(has_suggestions && !read_only).then(|| view! {
                    <button type="button" class="btn small" on:click=suggest><Icon icon=lu::LuCheck/>"Use the suggestions"</button>
                })}
                <LookAgain/>
            </span>
        </div>
        <fieldset class="bare" disabled=read_only>
        <ul class="groups" aria-label="Table groups">
            {groups.into_iter().map(|group| view! { <li><Group group excluded change/></li> }).collect_view()}
        </ul>
        </fieldset>
        <div class="picker-head">
            <h3>"Single tables"</h3>
            <div class="control search">
                <Icon icon=lu::LuSearch/>
                <input
                    type="search"
                    aria-label="Search tables"
                    placeholder="Search tables"
                    prop:value=move || search.get()
                    on:input:target=move |event| search.set(event.target().value())
                    on:keydown=move |event| if event.key() == "Enter" { event.prevent_default() }
                />
            </div>
        </div>
        <fieldset class="bare" disabled=read_only>
        <ul class="tree tables" aria-label="Tables, largest first">
            <For each=shown key=|t| t.name.clone() let(table)>
                <li><Table table groups=kept_groups excluded change/></li>
            </For>
        </ul>
        </fieldset>
        {move || found.with(Vec::is_empty).then(|| view! { <p class="mute">"No table has this in its name."</p> })}
        {move || (hidden() > 0).then(|| view! {
            <button type="button" class="btn small" on:click=move |_| everything.set(true)>
                {format!("Show {} more", hidden())}
            </button>
        })}
    }
}

#[component]
fn Group(group: TableGroup, excluded: Memo<Vec<String>>, change: Callback<(String, bool)>) -> impl IntoView {
    let name = StoredValue::new(group.name.clone());
    let ticked = Memo::new(move |_| name.with_value(|n| excluded.with(|e| e.contains(n))));
    let count = format::counted(group.tables.len() as i64, "table", "tables");
    view! {
        <label class="tree-row group" class:checked=move || ticked.get()>
            <input
                type="checkbox"
                prop:checked=move || ticked.get()
                on:change:target=move |event| change.run((name.get_value(), event.target().checked()))
            />
            <span class="tree-name">
                <code>{group.name}</code>
                {group.suggested.then(|| view! { <Badge tone=crate::models::words::Tone::Info text="Suggested"/> })}
            </span>
            <span class="tree-note">{group.description}</span>
            <span class="tree-size"><strong>{format::bytes(group.size_bytes)}</strong><span class="mute">{count}</span></span>
        </label>
    }
}

#[component]
fn Table(
    table: TableRow,
    groups: StoredValue<Vec<TableGroup>>,
    excluded: Memo<Vec<String>>,
    change: Callback<(String, bool)>,
) -> impl IntoView {
    let row = StoredValue::new(table.clone());
    let by = Memo::new(move |_| {
        row.with_value(|t| groups.with_value(|g| excluded.with(|e| excluded_by(t, g, e).map(String::from))))
    });
    // What a group or a pattern leaves out cannot be unticked here.
    let other = move || by.get().filter(|by| row.with_value(|t| t.name != *by));
    view! {
        <label class="tree-row" class:checked=move || by.get().is_some() class:covered=move || other().is_some()>
            <input
                type="checkbox"
                prop:checked=move || by.get().is_some()
                disabled=move || other().is_some()
                on:change:target=move |event| change.run((row.with_value(|t| t.name.clone()), event.target().checked()))
            />
            <span class="tree-name"><code>{table.name}</code></span>
            <span class="tree-note">{move || other().map(|by| format!("left out with {by}"))}</span>
            <span class="tree-size">
                <strong>{format::bytes(table.size_bytes)}</strong>
                <span class="mute">{format!("≈ {}", format::counted(table.rows, "row", "rows"))}</span>
            </span>
        </label>
    }
}
