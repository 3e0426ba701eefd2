//! The start page: whether the store is safe, what comes next, what needs attention.

use crate::api::{self, Options, session};
use crate::models::words::Tone;
use crate::models::{format, schedule};
use crate::pages::logs::{CancelButton, CancelDialog, Ending};
use crate::pages::sets::{RunButton, RunDialog};
use crate::pages::source::{Source, SourceProblems};
use crate::ui::*;
use chrono::{DateTime, Utc};
use contract::{BackupLog, BackupSet, OverallStatus, Problem, endpoints as ep};
use leptos::prelude::*;
use leptos_router::components::A;

type Fetched<T> = RwSignal<Option<Result<Vec<T>, Problem>>>;

#[component]
pub fn Dashboard() -> impl IntoView {
    let sets: Fetched<BackupSet> = RwSignal::new(None);
    let logs: Fetched<BackupLog> = RwSignal::new(None);
    let good: Fetched<BackupLog> = RwSignal::new(None);
    let stale = RwSignal::new(false);
    let may_sets = session::allows(&ep::LIST_BACKUPS);
    let may_logs = session::allows(&ep::LIST_LOGS);
    let load = move || {
        leptos::task::spawn_local(async move {
            if may_sets {
                let all = Options::query(vec![("per_page", "200".into()), ("sort", "next_run_at".into())]);
                let result = api::call(&ep::LIST_BACKUPS, &[], all, &()).await.map(|p| p.items);
                put(sets, stale, result);
            }
        });
        leptos::task::spawn_local(async move {
            if may_logs {
                let last = Options::query(vec![("per_page", "8".into()), ("sort", "-started_at".into())]);
                let result = api::call(&ep::LIST_LOGS, &[], last, &()).await.map(|p| p.items);
                put(logs, stale, result);
                let mut query = vec![("per_page", "1".into()), ("sort", "-started_at".into())];
                query.push(("overall_status", "success".into()));
                let result =
                    api::call(&ep::LIST_LOGS, &[], Options::query(query), &()).await.map(|p| p.items);
                put(good, stale, result);
            }
        });
    };
    load();
    let running = |l: &BackupLog| l.overall_status == OverallStatus::Pending;
    refresh(move || logs.with_untracked(|l| matches!(l, Some(Ok(l)) if l.iter().any(running))), load);
    let to_run = RwSignal::new(None::<(i64, String)>);
    let ending = RwSignal::new(None::<Ending>);
    view! {
        <PageHeader title="Overview">
            {move || (may_sets && session::allows(&ep::CREATE_BACKUP) && none(sets)).then(|| view! {
                <A href="/backups/new" attr:class="btn primary"><Icon icon=lu::LuPlus/>"Add Backup Set"</A>
            })}
        </PageHeader>
        {move || stale.get().then(|| view! { <StaleBar retry=move |()| load()/> })}
        {may_sets.then(|| view! { <SourceProblems/> })}
        <div class="tiles">
            {may_logs.then(|| view! { <LastTile good/> })}
            {may_sets.then(|| view! { <NextTile sets/> <StoreTile/> })}
        </div>
        <div class="columns">
            {may_logs.then(|| view! { <Recent logs ending retry=move |()| load()/> })}
            {may_sets.then(|| view! { <Upcoming sets to_run retry=move |()| load()/> })}
        </div>
        {(!may_sets && !may_logs).then(|| view! {
            <div class="card">
                <EmptyState icon=lu::LuShield title="Nothing to show here" text="Your role includes neither Backup Sets nor Backup Logs. An administrator can change that."/>
            </div>
        })}
        <RunDialog set=to_run on_start=move |()| load()/>
        <CancelDialog ending on_done=move |_| load()/>
    }
}

/// Draws anew only what changed, and keeps what there is when it cannot be looked at again. The page may have been left meanwhile.
fn put<T: PartialEq + Send + Sync + 'static>(
    list: Fetched<T>,
    stale: RwSignal<bool>,
    result: Result<Vec<T>, Problem>,
) {
    let kept = result.is_err() && list.try_with_untracked(|held| matches!(held, Some(Ok(_)))) == Some(true);
    stale.try_maybe_update(|held| (std::mem::replace(held, kept) != kept, ()));
    if !kept {
        list.try_maybe_update(|held| {
            let changed = held.as_ref() != Some(&result);
            *held = Some(result);
            (changed, ())
        });
    }
}

fn none<T: Clone + Send + Sync + 'static>(list: Fetched<T>) -> bool {
    list.with(|l| matches!(l, Some(Ok(l)) if l.is_empty()))
}

/// A figure with a name above it and a remark below.
#[component]
fn Tile(icon: icondata_core::Icon, name: &'static str, children: Children) -> impl IntoView {
    view! {
        <section class="tile" aria-label=name>
            <p class="tile-name"><Icon icon/>{name}</p>
            {children()}
        </section>
    }
}

#[component]
fn LastTile(good: Fetched<BackupLog>) -> impl IntoView {
    let body = move || match good.get() {
        None => view! { <Skeleton lines=2/> }.into_any(),
        Some(Err(_)) => view! { <p class="tile-figure">"–"</p> }.into_any(),
        Some(Ok(good)) => match good.into_iter().next() {
            Some(log) => {
                let size: i64 = log.files.iter().map(|f| f.size_bytes).sum();
                view! {
                    <p class="tile-figure"><When at=log.started_at/></p>
                    <p class="mute">
                        <A href=format!("/logs/{}", log.id)>{log.backup_title}</A>{format!(", {}", format::bytes(size))}
                    </p>
                }
                .into_any()
            }
            None => view! {
                <p class="tile-figure">"None yet"</p>
                <p class="mute">"No pass has succeeded so far."</p>
            }
            .into_any(),
        },
    };
    view! { <Tile icon=lu::LuPackageCheck name="Last good copy">{body}</Tile> }
}

fn next_of(sets: &[BackupSet]) -> Option<(DateTime<Utc>, BackupSet)> {
    let next = sets.iter().filter_map(|s| s.next_run_at.map(|at| (at, s)));
    next.min_by_key(|(at, _)| *at).map(|(at, s)| (at, s.clone()))
}

#[component]
fn NextTile(sets: Fetched<BackupSet>) -> impl IntoView {
    let body = move || match sets.get() {
        None => view! { <Skeleton lines=2/> }.into_any(),
        Some(Err(_)) => view! { <p class="tile-figure">"–"</p> }.into_any(),
        Some(Ok(sets)) => match next_of(&sets) {
            Some((at, set)) => {
                let words = format!(", {}", schedule::describe(&set).to_lowercase());
                view! {
                    <p class="tile-figure"><When at/></p>
                    <p class="mute"><A href=format!("/backups/{}", set.id)>{set.title}</A>{words}</p>
                }
                .into_any()
            }
            None => view! {
                <p class="tile-figure">"Not scheduled"</p>
                <p class="mute">"No Backup Set is switched on."</p>
            }
            .into_any(),
        },
    };
    view! { <Tile icon=lu::LuCalendarClock name="Next run">{body}</Tile> }
}

#[component]
fn StoreTile() -> impl IntoView {
    let source = expect_context::<Source>();
    source.want();
    let body = move || match source.result() {
        None => view! { <Skeleton lines=2/> }.into_any(),
        Some(Err(_)) => view! { <p class="tile-figure">"–"</p> }.into_any(),
        Some(Ok(report)) => {
            let files: i64 = report.directories.iter().map(|d| d.size_bytes).sum();
            let lower = report.directories.iter().any(|d| !d.complete);
            let tables = || report.databases.iter().flat_map(|d| &d.tables);
            let database: i64 = tables().map(|t| t.size_bytes).sum();
            let remark = format!(
                "{}{} of files, {} in {}",
                if lower { "over " } else { "" },
                format::bytes(files),
                format::bytes(database),
                format::counted(tables().filter(|t| t.kind == "table").count() as i64, "table", "tables"),
            );
            view! {
                <p class="tile-figure">{report.version.unwrap_or_else(|| "Magento".into())}</p>
                <p class="mute">{remark}</p>
            }
            .into_any()
        }
    };
    view! { <Tile icon=lu::LuServer name="Store">{body}</Tile> }
}

#[component]
fn Recent(
    logs: Fetched<BackupLog>,
    ending: RwSignal<Option<Ending>>,
    #[prop(into)] retry: Callback<()>,
) -> impl IntoView {
    let may_end = session::allows(&ep::CANCEL_LOG);
    let body = move || {
        match logs.get() {
        None => view! { <Skeleton lines=5/> }.into_any(),
        Some(Err(problem)) => view! { <ErrorState problem retry/> }.into_any(),
        Some(Ok(list)) if list.is_empty() => view! {
            <EmptyState icon=lu::LuScrollText title="No pass yet" text="What passes did will be listed here."/>
        }
        .into_any(),
        Some(Ok(list)) => view! {
            <ul class="rows">
                {list.into_iter().map(|log| {
                    let detail = match (log.duration_sec, &log.label) {
                        (Some(s), Some(label)) => format!("{} · {label}", format::duration(s)),
                        (Some(s), None) => format::duration(s),
                        (None, label) => label.clone().unwrap_or_default(),
                    };
                    let endable = may_end && log.overall_status == OverallStatus::Pending && !log.cancelling;
                    let (id, title) = (log.id, log.backup_title.clone());
                    view! {
                        <li class="result-row">
                            <div class="grow">
                                <p><A href=format!("/logs/{}", log.id) attr:class="strong">{log.backup_title}</A></p>
                                <p class="mute small"><When at=log.started_at/>{(!detail.is_empty()).then(|| format!(" · {detail}"))}</p>
                            </div>
                            <StatusBadge status=log.overall_status queued=log.queued cancelling=log.cancelling/>
                            {endable.then(|| view! { <CancelButton ending log_id=id title class="btn small"/> })}
                        </li>
                    }
                }).collect_view()}
            </ul>
        }
        .into_any(),
    }
    };
    let all = || view! { <A href="/logs">"All logs"</A> };
    view! { <Card title="Last passes" aside=all>{body}</Card> }
}

#[component]
fn Upcoming(
    sets: Fetched<BackupSet>,
    to_run: RwSignal<Option<(i64, String)>>,
    #[prop(into)] retry: Callback<()>,
) -> impl IntoView {
    let body = move || match sets.get() {
        None => view! { <Skeleton lines=5/> }.into_any(),
        Some(Err(problem)) => view! { <ErrorState problem retry/> }.into_any(),
        Some(Ok(list)) if list.is_empty() => view! {
            <EmptyState
                icon=lu::LuBoxes
                title="Nothing is backed up yet"
                text="Add a Backup Set: what to back up, when, and how many copies to keep."
            />
        }
        .into_any(),
        Some(Ok(mut list)) => {
            // Those that rest come last.
            list.sort_by_key(|s| (s.next_run_at.is_none(), s.next_run_at));
            view! {
                <ul class="rows">
                    {list.into_iter().take(8).map(|set| {
                        let (id, title) = (set.id, set.title.clone());
                        let words = schedule::describe(&set);
                        view! {
                            <li class="result-row">
                                <div class="grow">
                                    <p><A href=format!("/backups/{id}") attr:class="strong">{set.title.clone()}</A></p>
                                    <p class="mute small">
                                        {match set.next_run_at {
                                            Some(at) => view! { <When at/> }.into_any(),
                                            None => view! { <Badge tone=Tone::Neutral text="Off"/> }.into_any(),
                                        }}
                                        {format!(" · {words}")}
                                    </p>
                                </div>
                                {(set.running_log_id.is_none() && session::allows(&ep::RUN_BACKUP)).then(|| view! {
                                    <RunButton set=to_run id title of=true/>
                                })}
                            </li>
                        }
                    }).collect_view()}
                </ul>
            }
            .into_any()
        }
    };
    let all = || view! { <A href="/backups">"All Backup Sets"</A> };
    view! { <Card title="Next runs" aside=all>{body}</Card> }
}
