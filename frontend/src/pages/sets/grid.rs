//! The grid of Backup Sets.

use super::{RunButton, RunDialog};
use crate::api::{self, Options, session};
use crate::models::list::ListQuery;
use crate::models::words::Tone;
use crate::models::{format, schedule, words};
use crate::pages::logs::{CancelButton, CancelDialog, Ending};
use crate::pages::source::SourceProblems;
use crate::pages::storages::{icon, known::Known};
use crate::ui::*;
use contract::{BackupLog, BackupSet, StorageRow, endpoints as ep};
use leptos::prelude::*;
use leptos_router::components::A;
use std::collections::BTreeSet;

async fn fetch(query: ListQuery) -> Result<Loaded<BackupSet>, contract::Problem> {
    let page = api::call(&ep::LIST_BACKUPS, &[], Options::query(query.params()), &()).await?;
    Ok(Loaded { items: page.items, total: page.total })
}

#[component]
pub fn SetList() -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let known = expect_context::<Known>();
    known.want();
    // A running pass ends while one looks.
    let list = use_list(ListQuery::sorted_by("title"), &["enabled"], |s| s.running_log_id.is_some(), fetch);
    let to_run = RwSignal::new(None::<(i64, String)>);
    let doomed = RwSignal::new(None::<(i64, String)>);
    let asking = RwSignal::new(false);
    let deleting = RwSignal::new(false);
    let ending = RwSignal::new(None::<Ending>);
    // The rows do not tell which passes are being cancelled; they end within seconds.
    let asked = RwSignal::new(BTreeSet::<i64>::new());
    Effect::new(move |_| {
        let runs = |id: &i64| {
            list.loaded
                .with(|l| l.as_ref().is_none_or(|l| l.items.iter().any(|s| s.running_log_id == Some(*id))))
        };
        asked.maybe_update(|asked| {
            let before = asked.len();
            asked.retain(runs);
            asked.len() != before
        });
    });
    let cancelled = move |log: Option<BackupLog>| {
        if let Some(log) = log.filter(|l| l.cancelling) {
            asked.update(|asked| {
                asked.insert(log.id);
            });
        }
        list.reload();
    };
    let delete = move |()| {
        let Some((id, title)) = doomed.get_untracked() else { return };
        deleting.set(true);
        leptos::task::spawn_local(async move {
            match api::bare(&ep::DELETE_BACKUP, &[&id.to_string()]).await {
                Ok(()) => toaster.good(format!("“{title}” was deleted. Its copies are still there.")),
                Err(problem) => toaster.problem(&problem),
            }
            deleting.try_set(false);
            asking.try_set(false);
            list.reload();
        });
    };
    let columns = vec![
        Column::new("Title", |s: &BackupSet| {
            let link = strong_link(format!("/backups/{}", s.id), s.title.clone());
            let (off, folder) = (!s.enabled, format!("{}/", s.folder_name));
            view! {
                <span class="stack">
                    <span>
                        {link}
                        {off.then(|| view! { " "<Badge tone=Tone::Neutral text="Off"/> })}
                    </span>
                    <span class="mute small">{folder}</span>
                </span>
            }
            .into_any()
        })
        .sort("title")
        .class("lead"),
        Column::new("Types", |s: &BackupSet| types(s).into_any()),
        Column::new("Schedule", |s: &BackupSet| schedule::describe(s).into_any()),
        Column::new("Destinations", move |s: &BackupSet| destinations(s, known)),
        Column::new("Last run", move |s: &BackupSet| {
            let (status, at) = (last_status(s, asked), s.last_time.map(|at| view! { <span class="mute"><When at/></span> }));
            view! { <span class="stack">{status}{at}</span> }.into_any()
        })
        .sort("last_time")
        .class("nowrap"),
        Column::new("Next run", |s: &BackupSet| match s.next_run_at {
            Some(at) => view! { <When at/> }.into_any(),
            None => view! { <span class="mute">"Not scheduled"</span> }.into_any(),
        })
        .sort("next_run_at")
        .class("nowrap"),
        Column::new("Actions", move |s: &BackupSet| {
            let (id, title) = (s.id, s.title.clone());
            let delete_title = title.clone();
            let busy = s.running_log_id;
            view! {
                <span class="row-actions">
                    {(busy.is_none() && session::allows(&ep::RUN_BACKUP)).then(|| view! {
                        <RunButton set=to_run id title=title.clone() of=true/>
                    })}
                    {busy.filter(|_| session::allows(&ep::GET_LOG)).map(|log| view! {
                        <A href=format!("/logs/{log}") attr:class="btn small">"See progress"</A>
                    })}
                    {busy.filter(|_| session::allows(&ep::CANCEL_LOG)).map(|log_id| {
                        let title = title.clone();
                        move || (!asked.with(|a| a.contains(&log_id))).then(|| view! {
                            <CancelButton ending log_id title=title.clone() class="btn icon-only quiet"/>
                        })
                    })}
                    {session::allows(&ep::UPDATE_BACKUP).then(|| view! {
                        <A href=format!("/backups/{id}") attr:class="btn icon-only quiet" attr:aria-label=format!("Edit {title}") attr:title="Edit">
                            <Icon icon=lu::LuPencil/>
                        </A>
                    })}
                    {session::allows(&ep::DELETE_BACKUP).then(|| view! {
                        <button
                            type="button"
                            class="btn icon-only quiet"
                            aria-label=format!("Delete {title}")
                            title="Delete"
                            on:click=move |_| {
                                doomed.set(Some((id, delete_title.clone())));
                                asking.set(true);
                            }
                        >
                            <Icon icon=lu::LuTrash2/>
                        </button>
                    })}
                </span>
            }
            .into_any()
        })
        .class("actions"),
    ];
    view! {
        <PageHeader title="Backup Sets" text="What is backed up, when, and where it goes.">
            {move || session::allows(&ep::CREATE_BACKUP).then(add_button)}
        </PageHeader>
        <SourceProblems/>
        <div class="card flush">
            <div class="toolbar">
                <SearchField list label="Search Backup Sets"/>
                <FilterSelect list name="enabled" label="Schedule" options=vec![("", "All Sets"), ("true", "Switched on"), ("false", "Switched off")]/>
                <SortSelect list options=vec![("title", "Title"), ("-last_time", "Last run"), ("next_run_at", "Next run")]/>
            </div>
            {grid(list, "Backup Sets", columns, |s| format!("{}-{}-{:?}-{:?}-{:?}", s.id, s.revision, s.running_log_id, s.last_log_id, s.next_run_at), || view! {
                <EmptyState
                    icon=lu::LuBoxes
                    title="No Backup Set yet"
                    text="A Backup Set says what to back up, when, and how many copies to keep. One for the whole store, every night, is a good start."
                >
                    {session::allows(&ep::CREATE_BACKUP).then(add_button)}
                </EmptyState>
            }.into_any())}
        </div>
        <RunDialog set=to_run on_start=move |()| list.reload()/>
        <CancelDialog ending on_done=cancelled/>
        <Confirm
            open=asking
            title=Signal::derive(move || format!("Delete “{}”?", doomed.get().map(|d| d.1).unwrap_or_default()))
            text="The Backup Set and its schedule go. The copies it made stay where they are, and so do its logs."
            action="Delete"
            busy=deleting
            on_confirm=delete
        />
    }
}

fn add_button() -> impl IntoView {
    view! { <A href="/backups/new" attr:class="btn primary"><Icon icon=lu::LuPlus/>"Add Backup Set"</A> }
}

fn types(set: &BackupSet) -> impl IntoView + use<> {
    let kinds = set.backup_types.clone();
    view! {
        <span class="chips">
            {kinds.into_iter().map(|k| {
                let icon = match k {
                    contract::BackupType::Database => lu::LuDatabase,
                    contract::BackupType::Files => lu::LuFolder,
                };
                view! { <span class="chip"><Icon icon/>{words::backup_type(k)}</span> }
            }).collect_view()}
        </span>
    }
}

/// Those that are switched on, by title and icon.
fn destinations(set: &BackupSet, known: Known) -> AnyView {
    let rows: Vec<StorageRow> = set.storages.iter().filter(|r| r.enabled).cloned().collect();
    if rows.is_empty() {
        return view! { <span class="mute">"None"</span> }.into_any();
    }
    let chip = move |row: StorageRow| {
        let option = row.storage_id.and_then(|id| known.get(id));
        let icon = match (&option, row.storage_id) {
            (Some(option), _) => icon(option.kind),
            (None, Some(_)) => lu::LuCloud,
            (None, None) => lu::LuHardDrive,
        };
        let name = match (option, row.storage_id) {
            (Some(option), _) => option.title,
            (None, Some(id)) => format!("Storage Set #{id}"),
            (None, None) => "This server".into(),
        };
        let keep = format::counted(row.keep_copies.into(), "copy", "copies");
        let title = format!("{name}: keeps {keep}");
        view! { <span class="chip" title=title><Icon icon/><span class="chip-text">{name}</span></span> }
    };
    view! { <span class="chips">{move || rows.iter().cloned().map(chip).collect_view()}</span> }.into_any()
}

fn last_status(set: &BackupSet, asked: RwSignal<BTreeSet<i64>>) -> AnyView {
    let log = set.running_log_id.or(set.last_log_id).filter(|_| session::allows(&ep::GET_LOG));
    let status =
        if set.running_log_id.is_some() { Some(contract::OverallStatus::Pending) } else { set.last_status };
    let running = set.running_log_id;
    let badge = move |status| {
        let cancelling = move || running.is_some_and(|id| asked.with(|a| a.contains(&id)));
        move || view! { <StatusBadge status cancelling=cancelling()/> }
    };
    match (status, log) {
        (Some(status), Some(log)) => view! {
            <A href=format!("/logs/{log}") attr:class="plain">{badge(status)}</A>
        }
        .into_any(),
        (Some(status), None) => badge(status).into_any(),
        (None, _) => view! { <span class="mute">"Not run yet"</span> }.into_any(),
    }
}
