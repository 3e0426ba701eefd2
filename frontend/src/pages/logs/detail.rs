//! One pass: live while it runs, then its result.

use super::end::{CancelButton, CancelDialog, Ending, focus_heading};
use super::progress::Progress;
use super::result::Results;
use crate::api::{self, Update, session};
use crate::models::link::Link;
use crate::models::{again, format, progress, words};
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
    /// Somebody asked for its end, and it has not ended yet.
    pub fn cancelling(self) -> bool {
        self.log
            .with(|l| l.as_ref().is_some_and(|l| l.cancelling && l.overall_status == OverallStatus::Pending))
    }

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
    // A row that is there: one that was read again, or what a button came to. A pass that goes on is followed anew.
    let show = move |log: BackupLog| {
        let runs = |log: &BackupLog| log.overall_status == OverallStatus::Pending;
        let ran = pass.log.try_with_untracked(|l| l.as_ref().map(runs)).flatten();
        let (log_id, now_runs) = (log.id, runs(&log));
        if ran == Some(false) && now_runs {
            pass.progress.try_set(None);
            pass.link.try_set(Link::Live);
        }
        let left = pass.log.try_set(Some(log)).is_some();
        if !left && ran == Some(false) && now_runs {
            follow(log_id);
        }
    };
    look_again(pass, show);
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
    let badge = Memo::new(move |_| {
        pass.log.with(|l| l.as_ref().map(|l| (l.overall_status, pass.queued(), pass.cancelling())))
    });
    let ending = RwSignal::new(None::<Ending>);
    let cost = Signal::derive(move || {
        let of = |l: &BackupLog| pass.progress.with(|p| again::cost_of(l, p.as_ref()));
        pass.log.with(|l| l.as_ref().map_or_else(again::cost, of))
    });
    let endable = Memo::new(move |_| {
        let open = running.get() && !pass.cancelling() && session::allows(&ep::CANCEL_LOG);
        pass.log.with(|l| l.as_ref().filter(|_| open).map(|l| (l.id, l.backup_title.clone())))
    });
    // Nothing is left to cancel.
    Effect::new(move |_| {
        if !running.get() && ending.with_untracked(Option::is_some) {
            ending.set(None);
        }
    });
    let cancelled = move |log: Option<BackupLog>| match log {
        Some(log) => show(log),
        None => load(),
    };
    let retried = move |log: BackupLog| {
        show(log);
        request_animation_frame(focus_heading);
    };
    view! {
        <PageHeader title crumbs=vec![("/logs", "Backup Logs")]>
            <span role="status">{move || badge.get().map(|(status, queued, cancelling)| view! { <StatusBadge status queued cancelling/> })}</span>
            {move || endable.get().map(|(log_id, title)| view! { <CancelButton ending log_id title/> })}
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
        {move || head.get().filter(|_| !running.get()).map(|log| view! { <Results log on_retry=retried/> })}
        <CancelDialog ending cost on_done=cancelled/>
    }
}

/// A pass that has ended goes on when somebody tries its destinations again, or its Set does.
fn look_again(pass: Pass, show: impl Fn(BackupLog) + Copy + 'static) {
    let ended = move || {
        let ended = |l: &BackupLog| l.overall_status != OverallStatus::Pending;
        pass.log.try_with_untracked(|l| l.as_ref().filter(|l| ended(l)).map(|l| (l.id, l.retry_at))).flatten()
    };
    let due = move || ended().and_then(|(_, at)| at).is_some_and(|at| at <= browser_time());
    let look = move || {
        let Some((id, _)) = ended() else { return };
        leptos::task::spawn_local(async move {
            if let Ok(log) = api::bare(&ep::GET_LOG, &[&id.to_string()]).await
                && ended().is_some_and(|(shown, _)| shown == id)
            {
                show(log);
            }
        });
    };
    refresh(due, look);
}

fn announce(toaster: Toaster, log: &BackupLog) {
    let title = &log.backup_title;
    match log.overall_status {
        OverallStatus::Success => toaster.good(format!("The backup of “{title}” has succeeded.")),
        OverallStatus::Partial => {
            toaster.bad(format!("The backup of “{title}” is not complete. See the warnings."))
        }
        OverallStatus::Failed if again::is_cancelled(log) => {
            toaster.good(format!("The backup of “{title}” was cancelled."));
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
                {log.retry_of.map(|id| view! { <Fact term="Repeats"><A href=format!("/logs/{id}")>{format!("Log #{id}")}</A></Fact> })}
                {log.label.clone().map(|label| view! { <Fact term="Label"><span class="chip"><Icon icon=lu::LuTag/>{label}</span></Fact> })}
                {log.duration_sec.map(|seconds| view! { <Fact term="Duration">{format::duration(seconds)}</Fact> })}
                {(!log.files.is_empty()).then(|| view! { <Fact term="Size">{format::bytes(size)}</Fact> })}
                {log.copy_path.clone().map(|path| view! { <Fact term="Copy"><code>{path}</code></Fact> })}
            </dl>
        </section>
    }
}
