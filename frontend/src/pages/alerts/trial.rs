//! *Send a test*: one message by what is saved, and what came of it.

use super::editor::Editing;
use crate::api::{self, Options, session};
use crate::models::alerts_form::why_no_test;
use crate::models::words::Tone;
use crate::ui::*;
use contract::{AlertTestInput, AlertTestReport, Channel, Problem, endpoints as ep};
use leptos::prelude::*;

#[derive(Clone)]
enum Outcome {
    Report(AlertTestReport),
    Problem(Problem),
    /// Something else was saved while it was under way.
    Outdated,
}

#[component]
pub fn ChannelTest(channel: Channel, editing: Editing) -> impl IntoView {
    let Editing { saved, dirty, .. } = editing;
    let busy = RwSignal::new(false);
    let outcome = RwSignal::new(None::<Outcome>);
    let revision = Memo::new(move |_| saved.with(|s| s.revision));
    // What came of a test holds for what was saved then.
    Effect::new(move |before: Option<i64>| {
        let now = revision.get();
        if before.is_some_and(|b| b != now) {
            outcome.set(None);
        }
        now
    });
    let held = Memo::new(move |_| saved.with(|s| why_no_test(channel, s, dirty.get())));
    let send = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        outcome.set(None);
        let tested = revision.get_untracked();
        leptos::task::spawn_local(async move {
            let answer = api::call(&ep::TEST_ALERT, &[], Options::none(), &AlertTestInput { channel }).await;
            let now = match answer {
                _ if revision.try_get_untracked() != Some(tested) => Some(Outcome::Outdated),
                Ok(report) => Some(Outcome::Report(report)),
                // Signing in again comes first.
                Err(problem) if session::is_over(&problem) => None,
                Err(problem) => Some(Outcome::Problem(problem)),
            };
            outcome.try_set(now);
            busy.try_set(false);
        });
    };
    let (id, whom, title) = match channel {
        Channel::Email => ("test-email", "the mail server", "Send a test by e-mail"),
        Channel::Webhook => ("test-webhook", "the webhook", "Send a test to the webhook"),
    };
    let hint_id = format!("{id}-hint");
    let described = hint_id.clone();
    view! {
        <div class="channel-test">
            <div class="channel-test-head">
                <button
                    type="button"
                    class="btn"
                    class:busy=move || busy.get()
                    disabled=move || held.get().is_some() && !busy.get()
                    aria-disabled=move || busy.get().to_string()
                    aria-label=title
                    aria-describedby=described
                    on:click=send
                >
                    {move || if busy.get() {
                        view! { <Icon icon=lu::LuLoaderCircle class="turning"/> }
                    } else {
                        view! { <Icon icon=lu::LuSend/> }
                    }}
                    "Send a test"
                </button>
                <p class="hint" id=hint_id>
                    {move || held.get().unwrap_or("One message by what is saved, also while this is switched off.")}
                </p>
            </div>
            <div aria-live="polite">
                {move || busy.get().then(|| view! {
                    <div class="channel-test-progress">
                        <p>{format!("Talking to {whom}… This takes up to 20 seconds.")}</p>
                        <ProgressBar label=title fraction=Signal::stored(None)/>
                    </div>
                })}
                {move || outcome.get().map(told)}
            </div>
        </div>
    }
}

fn told(outcome: Outcome) -> AnyView {
    match outcome {
        Outcome::Report(AlertTestReport { ok, message }) => {
            let (tone, title) =
                if ok { (Tone::Good, "The test was sent") } else { (Tone::Bad, "The test was not sent") };
            view! { <Notice tone title><p>{message}</p></Notice> }.into_any()
        }
        Outcome::Problem(problem) => view! { <ProblemNotice problem/> }.into_any(),
        Outcome::Outdated => view! {
            <Notice tone=Tone::Info title="This test was of the settings before">
                <p>"They were saved anew while it was under way. Send another one."</p>
            </Notice>
        }
        .into_any(),
    }
}
