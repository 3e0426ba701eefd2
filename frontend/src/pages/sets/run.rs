//! *Create Backup*: asks for a label, starts the pass, leads to its log.

use crate::api::{self, Options, session};
use crate::pages::source::Source;
use crate::ui::*;
use contract::{Check, ProblemCode, RunInput, endpoints as ep};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_router::hooks::use_navigate;

/// *Create Backup*, or why that is not possible now. `of` names the Set where the button stands among others.
#[component]
pub fn RunButton(
    set: RwSignal<Option<(i64, String)>>,
    id: i64,
    #[prop(into)] title: String,
    #[prop(optional)] of: bool,
    /// Why it has to wait on this page.
    #[prop(optional, into)]
    held: Signal<Option<String>>,
) -> impl IntoView {
    let source = expect_context::<Source>();
    let reason = move || held.get().or_else(|| source.refusal());
    view! {
        <button
            type="button"
            class=if of { "btn small" } else { "btn" }
            aria-label=of.then(|| format!("Create Backup of {title}"))
            title=reason
            disabled=move || reason().is_some()
            on:click=move |_| set.set(Some((id, title.clone())))
        >
            <Icon icon=lu::LuPlay/>"Create Backup"
        </button>
    }
}

/// Open while it holds a Set: id and title.
#[component]
pub fn RunDialog(
    set: RwSignal<Option<(i64, String)>>,
    #[prop(into)] on_start: Callback<()>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move |_| {
        if set.with(Option::is_some) {
            open.set(true);
        }
    });
    Effect::new(move |_| {
        if !open.get() {
            set.set(None);
        }
    });
    let title = Signal::derive(move || match set.get() {
        Some((_, title)) => format!("Create a backup of “{title}”"),
        None => "Create a backup".into(),
    });
    view! {
        <Dialog open title>
            {move || set.get().map(|(id, title)| view! { <RunForm id title open on_start/> })}
        </Dialog>
    }
}

#[component]
fn RunForm(id: i64, title: String, open: RwSignal<bool>, on_start: Callback<()>) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let navigate = use_navigate();
    let label = RwSignal::new(String::new());
    let input = move || RunInput { label: Some(label.get().trim().to_string()).filter(|l| !l.is_empty()) };
    let form = Form::new(move || input().check());
    provide_context(form);
    let busy = RwSignal::new(false);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() || !form.submit() {
            return;
        }
        busy.set(true);
        let (input, title, navigate) = (untrack(input), title.clone(), navigate.clone());
        leptos::task::spawn_local(async move {
            let to_log = move |log_id: i64| {
                open.try_set(false);
                if session::allows(&ep::GET_LOG) {
                    navigate(&format!("/logs/{log_id}"), Default::default());
                }
            };
            match api::call(&ep::RUN_BACKUP, &[&id.to_string()], Options::idempotent(), &input).await {
                Ok(log) => {
                    toaster.good(format!("The backup of “{title}” has started."));
                    on_start.run(());
                    to_log(log.id);
                }
                Err(problem) => match (problem.code, problem.log_id) {
                    (ProblemCode::AlreadyRunning, Some(log_id)) => {
                        toaster.good(format!("“{title}” is being backed up already: here is that pass."));
                        to_log(log_id);
                    }
                    _ => form.refuse(problem),
                },
            }
            busy.try_set(false);
        });
    };
    view! {
        <form novalidate on:submit=submit>
            <FormProblem/>
            <p class="mute">"The pass starts now. It does not move the schedule."</p>
            <TextField
                name="label"
                label="Label (optional)"
                hint="Shown in the log: a release, a ticket, a git commit."
                value=label
                set=label
                autocomplete="off"
                autofocus=true
            />
            <div class="dialog-actions">
                <button type="button" class="btn" on:click=move |_| open.set(false)>"Cancel"</button>
                <BusyButton busy>"Create Backup"</BusyButton>
            </div>
        </form>
    }
}
