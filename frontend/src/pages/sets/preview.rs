//! When the schedule that is typed would run: asked for while one types.

use crate::api::{self, Options};
use crate::models::set_form::SetForm;
use crate::models::turns::Turns;
use crate::ui::*;
use contract::{Problem, ProblemCode, SchedulePreview, endpoints as ep};
use leptos::prelude::*;

/// After the last key.
const TYPING_MS: u32 = 350;

type Query = Vec<(&'static str, String)>;

#[derive(Clone, PartialEq)]
enum State {
    /// Something is missing.
    Incomplete,
    Loading,
    Known(SchedulePreview),
    /// The schedule is none; its fields say why.
    Wrong,
    Failed(Problem),
}

/// The runs of a schedule. `id` is that of a Set that is there.
#[component]
pub fn NextRuns(typed: RwSignal<SetForm>, id: Option<i64>) -> impl IntoView {
    let form = expect_context::<Form>();
    let query = Memo::new(move |_| typed.with(|t| t.schedule_query(id)));
    let state = RwSignal::new(State::Loading);
    // What is shown belongs to what was typed a moment ago.
    let old = RwSignal::new(false);
    let turns = StoredValue::new(Turns::default());
    let again = RwSignal::new(0_u32);
    Effect::new(move |before: Option<Query>| {
        again.track();
        let query = query.get();
        let number = turns.try_update_value(Turns::ask).unwrap_or_default();
        let Some(asked) = query else {
            form.note(Vec::new());
            old.set(false);
            state.set(State::Incomplete);
            return Vec::new();
        };
        old.set(true);
        // The first is not waited for, nor the same once more.
        let typing = before.is_some_and(|b| b != asked);
        let sent = asked.clone();
        leptos::task::spawn_local(async move {
            if typing {
                gloo_timers::future::TimeoutFuture::new(TYPING_MS).await;
            }
            // Later keys ask for something else, and the page may have been left.
            let counts = || turns.try_with_value(|t| t.is_newest(number)) == Some(true);
            if !counts() {
                return;
            }
            let answer = api::call(&ep::PREVIEW_SCHEDULE, &[], Options::query(sent), &()).await;
            if !counts() {
                return;
            }
            old.try_set(false);
            let mut wrong = Vec::new();
            state.try_set(match answer {
                Ok(preview) => State::Known(preview),
                Err(problem) if problem.code == ProblemCode::Invalid => {
                    wrong = problem.errors;
                    State::Wrong
                }
                Err(problem) => State::Failed(problem),
            });
            form.note(wrong);
        });
        asked
    });
    let rests = Memo::new(move |_| typed.with(|t| !t.enabled));
    // In a sentence, for those who hear what changes.
    let said = move || match state.get() {
        State::Known(preview) if !old.get() => match preview.next_runs.first() {
            Some(first) => {
                format!("Next run: {}, {}", in_zone(*first, &preview.time_zone), preview.time_zone)
            }
            None => "This schedule never runs.".into(),
        },
        _ => String::new(),
    };
    let body = move || {
        match state.get() {
        State::Loading => view! { <Skeleton lines=3/> }.into_any(),
        State::Incomplete => view! { <p class="mute small">"Complete the schedule to see when it runs."</p> }.into_any(),
        State::Wrong => view! { <p class="mute small">"None, until the schedule is mended."</p> }.into_any(),
        State::Failed(problem) => view! {
            <p class="inbox-stale" role="alert">
                <Icon icon=lu::LuTriangleAlert/>
                <span>{format!("They could not be worked out. {}", problem.detail)}</span>
                <button type="button" class="btn small" on:click=move |_| again.update(|n| *n += 1)>"Try again"</button>
            </p>
        }
        .into_any(),
        State::Known(preview) if preview.next_runs.is_empty() => {
            view! { <p class="mute small">"This schedule never runs."</p> }.into_any()
        }
        State::Known(preview) => view! { <Runs preview/> }.into_any(),
    }
    };
    let zone = Memo::new(move |_| match state.get() {
        State::Known(preview) => Some(preview.time_zone),
        _ => None,
    });
    view! {
        <section class="next-runs" aria-label="Next runs" aria-busy=move || old.get().to_string()>
            <div class="next-head">
                <h3>{move || if rests.get() { "It would run" } else { "Next runs" }}</h3>
                {move || zone.get().map(|zone| view! { <span class="chip"><Icon icon=lu::LuGlobe/>{zone}</span> })}
            </div>
            {body}
            {move || rests.get().then(|| view! { <p class="mute small">"It rests as long as “Scheduled” is off."</p> })}
            <p class="hidden" role="status">{said}</p>
        </section>
    }
}

#[component]
fn Runs(preview: SchedulePreview) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let zone = StoredValue::new(preview.time_zone);
    view! {
        <ol class="runs">
            {preview.next_runs.into_iter().map(|at| {
                let away = move || crate::models::format::relative(at, clock.now()).unwrap_or_default();
                view! {
                    <li>
                        <time datetime=at.to_rfc3339()>{zone.with_value(|zone| in_zone(at, zone))}</time>
                        <span class="mute small">{away}</span>
                    </li>
                }
            }).collect_view()}
        </ol>
    }
}
