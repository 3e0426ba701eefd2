//! A pass while it runs.

use super::detail::Pass;
use crate::models::link::Link;
use crate::models::progress::{self, PhaseLine, is_measured, percent};
use crate::models::{format, words::Tone};
use crate::pages::storages;
use crate::ui::*;
use contract::{LogProgress, Phase, PhaseState};
use leptos::prelude::*;

#[component]
pub fn Progress(pass: Pass) -> impl IntoView {
    // Without a stream nobody knows how far the pass is by now.
    let known = move || pass.link.get() != Link::Polling;
    let overall = Signal::derive(move || {
        pass.progress.with(|p| p.as_ref().filter(|_| known()).and_then(progress::overall))
    });
    let announced = Memo::new(move |_| {
        pass.progress.with(|p| p.as_ref().map(progress::announcement).unwrap_or_default())
    });
    let headline = move || match (pass.queued(), overall.get()) {
        _ if pass.cancelling() => "Cancelling…".to_string(),
        (true, _) => "Waiting for its turn".to_string(),
        (false, Some(fraction)) => format!("{} %", percent(fraction)),
        (false, None) => "Working".into(),
    };
    let times = move || {
        pass.progress.with(|p| {
            // A time that stands still says nothing.
            let Some(p) = p.as_ref().filter(|_| pass.link.get() == Link::Live) else { return String::new() };
            let elapsed = format!("{} so far", format::duration(p.elapsed_sec));
            match p.remaining_sec.filter(|_| !pass.cancelling()) {
                Some(left) => format!("{elapsed}, {} left", format::remaining(left)),
                None => elapsed,
            }
        })
    };
    let lines = move |measured: bool| {
        move || {
            pass.progress.with(|p| {
                let phases = p.as_ref().map(|p: &LogProgress| p.phases.clone()).unwrap_or_default();
                phases
                    .iter()
                    .filter(|p| p.phase != Phase::Queued && is_measured(p.phase) == measured)
                    .map(|p| p.phase)
                    .collect::<Vec<_>>()
            })
        }
    };
    let measured = Memo::new(move |_| lines(true)());
    let steps = Memo::new(move |_| lines(false)());
    view! {
        <section class="card progress-card" aria-label="Progress">
            <h2 class="hidden">"Progress"</h2>
            <div class="progress-head">
                <p class="progress-figure">{headline}</p>
                <p class="mute">{times}</p>
            </div>
            <ProgressBar label="Whole pass" fraction=overall large=true/>
            <p class="hidden" role="status">{move || announced.get()}</p>
            {move || (pass.link.get() != Link::Live).then(|| view! {
                <Notice tone=Tone::Warn role="status">
                    <p>{match pass.link.get() {
                        _ if pass.cancelling() => "Live figures do not get through. The result will appear here.",
                        Link::Polling => "Live figures do not get through. The pass goes on, and its result will appear here; the figures come back when the connection does.",
                        _ => "The connection was lost. Trying again; the pass goes on, and the figures are those of a moment ago.",
                    }}</p>
                </Notice>
            })}
            <div class="phases" class:stale=move || pass.link.get() == Link::Reconnecting class:hidden-block=move || !known()>
                {move || measured.get().into_iter().map(|phase| view! { <Measured pass phase/> }).collect_view()}
            </div>
            <ol class="steps" aria-label="Steps" class:stale=move || pass.link.get() == Link::Reconnecting class:hidden-block=move || !known()>
                {move || steps.get().into_iter().map(|phase| view! { <Step pass phase/> }).collect_view()}
            </ol>
            {move || (known() && pass.progress.with(Option::is_none)).then(|| view! { <Skeleton lines=3/> })}
            <p class="mute small">
                {move || if pass.cancelling() {
                    "It ends within seconds. What is half-made is removed, finished copies stay."
                } else {
                    "You can leave this page: the pass goes on without it."
                }}
            </p>
        </section>
    }
}

fn line_of(pass: Pass, phase: Phase) -> Memo<Option<PhaseLine>> {
    Memo::new(move |_| {
        pass.progress
            .with(|p| p.as_ref().and_then(|p| p.phases.iter().find(|p| p.phase == phase).map(progress::line)))
    })
}

fn state_words(state: PhaseState) -> (Tone, &'static str) {
    match state {
        PhaseState::Waiting => (Tone::Neutral, "Waiting"),
        PhaseState::Running => (Tone::Info, "Running"),
        PhaseState::Done => (Tone::Good, "Done"),
        PhaseState::Failed => (Tone::Bad, "Failed"),
    }
}

/// A phase with bytes to count.
#[component]
fn Measured(pass: Pass, phase: Phase) -> impl IntoView {
    let line = line_of(pass, phase);
    let get = move |f: fn(PhaseLine) -> String| move || line.get().map(f).unwrap_or_default();
    let state = Memo::new(move |_| line.get().map(|l| l.state));
    let tone = Signal::derive(move || match state.get() {
        Some(PhaseState::Failed) => "bad",
        Some(PhaseState::Done) => "good",
        _ => "",
    });
    let icon = match phase {
        Phase::Files => lu::LuFolder,
        Phase::Database => lu::LuDatabase,
        _ => lu::LuServer,
    };
    let title = crate::models::words::phase(phase);
    let fraction = Signal::derive(move || line.get().and_then(|l| l.fraction));
    view! {
        <section class="phase" aria-label=title>
            <div class="phase-head">
                <span class="choice-icon"><Icon icon/></span>
                <div>
                    <h3>{title}</h3>
                    <p class="mute small">{crate::models::words::phase_hint(phase)}</p>
                </div>
                {move || state.get().map(|s| {
                    let (tone, text) = state_words(s);
                    view! { <Badge tone text/> }
                })}
            </div>
            <ProgressBar label=title fraction tone/>
            <dl class="figures">
                <div><dt class="hidden">"Amount"</dt><dd>{get(|l| l.amount)}</dd></div>
                <div><dt class="hidden">"Items"</dt><dd>{get(|l| l.items)}</dd></div>
                <div><dt class="hidden">"Rate"</dt><dd class="rate">{get(|l| l.rate)}</dd></div>
            </dl>
            {(phase == Phase::Upload).then(|| view! { <Destinations pass/> })}
        </section>
    }
}

/// Where the copy goes, side by side.
#[component]
fn Destinations(pass: Pass) -> impl IntoView {
    let count = Memo::new(move |_| pass.progress.with(|p| p.as_ref().map_or(0, |p| p.destinations.len())));
    let line = move |at: usize| {
        Memo::new(move |_| {
            pass.progress.with(|p| p.as_ref().and_then(|p| p.destinations.get(at).map(progress::destination)))
        })
    };
    let one = move |at: usize| {
        let line = line(at);
        let title = line.with_untracked(|l| l.as_ref().map(|l| l.title.clone()).unwrap_or_default());
        let icon = line.with_untracked(|l| l.as_ref().map_or(lu::LuCloud, |l| storages::icon(l.kind)));
        let fraction = Signal::derive(move || line.get().and_then(|l| l.fraction));
        let tone = Signal::derive(move || match line.get().map(|l| l.state) {
            Some(PhaseState::Failed) => "bad",
            Some(PhaseState::Done) => "good",
            _ => "",
        });
        view! {
            <li>
                <p class="destination-head">
                    <span class="with-icon"><Icon icon/>{title.clone()}</span>
                    <span class="destination-state">
                        <span class="mute small">{move || line.get().map(|l| l.text).unwrap_or_default()}</span>
                        {move || line.get().map(|l| {
                            let (tone, text) = state_words(l.state);
                            view! { <Badge tone text/> }
                        })}
                    </span>
                </p>
                <ProgressBar label=title fraction tone/>
            </li>
        }
    };
    view! {
        <ul class="destinations" aria-label="Destinations">
            {move || (0..count.get()).map(one).collect_view()}
        </ul>
    }
}

/// A short step: its name and whether it is done.
#[component]
fn Step(pass: Pass, phase: Phase) -> impl IntoView {
    let line = line_of(pass, phase);
    let state = Memo::new(move |_| line.get().map(|l| l.state));
    move || {
        let state = state.get()?;
        let (tone, words) = state_words(state);
        let icon = match state {
            PhaseState::Waiting => lu::LuCircleDashed,
            PhaseState::Running => lu::LuLoaderCircle,
            PhaseState::Done => lu::LuCircleCheck,
            PhaseState::Failed => lu::LuCircleX,
        };
        Some(view! {
            <li class=format!("step {}", tone.class()) title=crate::models::words::phase_hint(phase)>
                <Icon icon class=if state == PhaseState::Running { "turning" } else { "" }/>
                {crate::models::words::phase(phase)}
                <span class="hidden">{format!(": {words}")}</span>
            </li>
        })
    }
}
