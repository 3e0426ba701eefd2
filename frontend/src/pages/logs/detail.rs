//! One pass: live while it runs, then its result.

use super::progress::Progress;
use super::result::Results;
use crate::api::{self, Update, session};
use crate::models::link::Link;
use crate::models::{format, progress, words};
use crate::ui::*;
use contract::{BackupLog, LogProgress, OverallStatus, Problem, endpoints as ep};
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;

/// What the page knows about the pass.
#[derive(Clone, Copy)]
pub struct Pass {
    pub log: RwSignal<Option<BackupLog>>,
    pub progress: RwSignal<Option<LogProgress>>,
    pub link: RwSignal<Link>,
}

impl Pass {
    /// Waits for its turn.
    pub fn queued(self) -> bool {
        self.log.with(|l| {
            l.as_ref().is_some_and(|l| self.progress.with(|p| progress::is_queued(l.queued, p.as_ref())))
        })
    }
}

#[component]
pub fn LogPage() -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let params = use_params_map();
    let pass =
        Pass { log: RwSignal::new(None), progress: RwSignal::new(None), link: RwSignal::new(Link::Live) };
    let problem = RwSignal::new(None::<Problem>);
    let watch = StoredValue::new_local(None::<api::Watch>);
    let follow = move |log_id: i64| {
        let report = move |update: Update| match update {
            Update::Progress(progress) => {
                pass.progress.try_set(Some(progress));
            }
            Update::Log(log) => {
                let ended = log.overall_status != OverallStatus::Pending;
                if ended && pass.log.with_untracked(|l| l.as_ref() != Some(&*log)) {
                    announce(toaster, &log);
                }
                pass.log.try_set(Some(*log));
            }
            Update::Link(link) => {
                pass.link.try_set(link);
            }
            Update::Lost(lost) => {
                problem.try_set(Some(lost));
            }
        };
        watch.set_value(Some(api::watch(log_id, report)));
    };
    let load = move || {
        let id = params.with_untracked(|p| p.get("id").unwrap_or_default());
        watch.set_value(None);
        pass.log.set(None);
        pass.progress.set(None);
        problem.set(None);
        leptos::task::spawn_local(async move {
            match api::bare(&ep::GET_LOG, &[&id]).await {
                Ok(log) => {
                    let (log_id, running) = (log.id, log.overall_status == OverallStatus::Pending);
                    if pass.log.try_set(Some(log)).is_none() && running {
                        follow(log_id);
                    }
                }
                Err(e) => {
                    problem.try_set(Some(e));
                }
            }
        });
    };
    Effect::new(move |_| {
        params.track();
        load();
    });
    on_cleanup(move || {
        watch.try_set_value(None);
    });
    let title = Signal::derive(move || {
        pass.log.with(|l| {
            l.as_ref().map_or_else(|| "Backup Log".into(), |l| format!("{} #{}", l.backup_title, l.id))
        })
    });
    let head = Memo::new(move |_| pass.log.get());
    let running = Memo::new(move |_| {
        pass.log.with(|l| l.as_ref().is_some_and(|l| l.overall_status == OverallStatus::Pending))
    });
    let badge = Memo::new(move |_| pass.log.with(|l| l.as_ref().map(|l| (l.overall_status, pass.queued()))));
    view! {
        <PageHeader title crumbs=vec![("/logs", "Backup Logs")]>
            {move || badge.get().map(|(status, queued)| view! { <span role="status"><StatusBadge status queued/></span> })}
        </PageHeader>
        {move || problem.get().map(|problem| view! {
            <div class="card"><ErrorState problem retry=move |()| load()/></div>
        })}
        {move || match head.get() {
            Some(log) => view! { <Facts log/> }.into_any(),
            None if problem.with(Option::is_some) => ().into_any(),
            None => view! { <div class="card"><Skeleton lines=6/></div> }.into_any(),
        }}
        {move || running.get().then(|| view! { <Progress pass/> })}
        {move || head.get().filter(|_| !running.get()).map(|log| view! { <Results log/> })}
    }
}

fn announce(toaster: Toaster, log: &BackupLog) {
    let title = &log.backup_title;
    match log.overall_status {
        OverallStatus::Success => toaster.good(format!("The backup of “{title}” has succeeded.")),
        OverallStatus::Partial => {
            toaster.bad(format!("The backup of “{title}” is not complete. See the warnings."))
        }
        OverallStatus::Failed => toaster.bad(format!("The backup of “{title}” has failed.")),
        OverallStatus::Pending => {}
    }
}

#[component]
fn Facts(log: BackupLog) -> impl IntoView {
    let size: i64 = log.files.iter().map(|f| f.size_bytes).sum();
    let set = match log.backup_id.filter(|_| session::allows(&ep::GET_BACKUP)) {
        Some(id) => view! { <A href=format!("/backups/{id}")>{log.backup_title.clone()}</A> }.into_any(),
        None if log.backup_id.is_none() => {
            view! { {log.backup_title.clone()}" "<span class="mute">"(deleted)"</span> }.into_any()
        }
        None => log.backup_title.clone().into_any(),
    };
    view! {
        <section class="card" aria-label="About this pass">
            <dl class="facts row">
                <Fact term="Backup Set">{set}</Fact>
                <Fact term="Started"><When at=log.started_at exact=true/></Fact>
                <Fact term="Started by">{words::trigger(log.trigger)}</Fact>
                {log.label.clone().map(|label| view! { <Fact term="Label"><span class="chip"><Icon icon=lu::LuTag/>{label}</span></Fact> })}
                {log.duration_sec.map(|seconds| view! { <Fact term="Duration">{format::duration(seconds)}</Fact> })}
                {(!log.files.is_empty()).then(|| view! { <Fact term="Size">{format::bytes(size)}</Fact> })}
                {log.copy_path.clone().map(|path| view! { <Fact term="Copy"><code>{path}</code></Fact> })}
            </dl>
        </section>
    }
}
