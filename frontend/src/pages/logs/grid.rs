//! The grid of Backup Logs.

use crate::api::{self, Options, session};
use crate::models::list::ListQuery;
use crate::models::{format, words};
use crate::ui::*;
use contract::{BackupLog, OverallStatus, endpoints as ep};
use leptos::prelude::*;
use leptos_router::components::A;

async fn fetch(query: ListQuery) -> Result<Loaded<BackupLog>, contract::Problem> {
    let page = api::call(&ep::LIST_LOGS, &[], Options::query(query.params()), &()).await?;
    Ok(Loaded { items: page.items, total: page.total })
}

#[component]
pub fn LogList() -> impl IntoView {
    let list = use_list(
        ListQuery::sorted_by("-started_at"),
        &["overall_status", "trigger", "backup_id"],
        |l| l.overall_status == OverallStatus::Pending,
        fetch,
    );
    let one_set = move || list.query.with(|q| !q.filter("backup_id").is_empty());
    let all_sets = move |_| {
        list.query.update(|q| {
            q.filters.remove("backup_id");
            q.page = 1;
        });
    };
    let columns = vec![
        Column::new("Status", |l: &BackupLog| {
            let again = l.retry_at.map(|at| view! { <span class="mute small">"Tried again "<When at/></span> });
            view! {
                <span class="stack"><StatusBadge status=l.overall_status queued=l.queued cancelling=l.cancelling/>{again}</span>
            }
            .into_any()
        })
        .sort("overall_status"),
        Column::new("Backup Set", |l: &BackupLog| {
            strong_link(format!("/logs/{}", l.id), l.backup_title.clone())
        })
        .sort("backup_title")
        .class("lead"),
        Column::new("Started", |l: &BackupLog| view! { <When at=l.started_at/> }.into_any())
            .sort("started_at"),
        Column::new("Duration", |l: &BackupLog| match l.duration_sec {
            Some(seconds) => format::duration(seconds).into_any(),
            None => view! { <span class="mute">"–"</span> }.into_any(),
        })
        .sort("duration_sec")
        .class("num"),
        Column::new("Size", |l: &BackupLog| {
            let size: i64 = l.files.iter().map(|f| f.size_bytes).sum();
            if l.files.is_empty() {
                view! { <span class="mute">"–"</span> }.into_any()
            } else {
                format::bytes(size).into_any()
            }
        })
        .class("num"),
        Column::new("Started by", |l: &BackupLog| words::trigger(l.trigger).into_any()),
        Column::new("Label", |l: &BackupLog| match l.label.clone() {
            Some(label) => view! { <span class="chip"><Icon icon=lu::LuTag/>{label}</span> }.into_any(),
            None => view! { <span class="mute">"–"</span> }.into_any(),
        }),
    ];
    let statuses = vec![
        ("", "Every status"),
        ("success", "Success"),
        ("partial", "Partial"),
        ("failed", "Failed"),
        ("pending", "Running"),
    ];
    let triggers = vec![
        ("", "However started"),
        ("schedule", "Schedule"),
        ("manual", "By hand"),
        ("token", "API token"),
        ("cli", "Command line"),
    ];
    let key = |l: &BackupLog| {
        let (state, times) = ((l.overall_status, l.queued, l.cancelling), (l.finished_at, l.retry_at));
        format!("{}-{state:?}-{times:?}", l.id)
    };
    view! {
        <PageHeader title="Backup Logs" text="Every pass, what it made and what went wrong."/>
        <div class="card flush">
            <div class="toolbar">
                <SearchField list label="Search by Set or label"/>
                <FilterSelect list name="overall_status" label="Status" options=statuses/>
                <FilterSelect list name="trigger" label="Started by" options=triggers/>
                <SortSelect list options=vec![("-started_at", "Newest first"), ("started_at", "Oldest first"), ("-duration_sec", "Longest first")]/>
                {move || one_set().then(|| view! {
                    <button type="button" class="btn small" on:click=all_sets><Icon icon=lu::LuX/>"Only one Backup Set"</button>
                })}
            </div>
            {grid(list, "Backup Logs", columns, key, || view! {
                <EmptyState
                    icon=lu::LuScrollText
                    title="No pass yet"
                    text="As soon as a Backup Set runs, by schedule or by hand, its record appears here."
                >
                    {session::allows(&ep::LIST_BACKUPS).then(|| view! { <A href="/backups" attr:class="btn primary">"Go to Backup Sets"</A> })}
                </EmptyState>
            }.into_any())}
        </div>
    }
}
