//! The form: both channels, saved together.

use super::WhenTold;
use super::email::EmailCard;
use super::webhook::WebhookCard;
use crate::api::{self, Options};
use crate::models::alerts_form::AlertsForm;
use crate::ui::*;
use contract::{Alerts, ProblemCode, endpoints as ep};
use leptos::{ev::SubmitEvent, prelude::*};

pub const PASSWORD: &str = "email.password";

/// What the cards share.
#[derive(Clone, Copy)]
pub struct Editing {
    pub typed: RwSignal<AlertsForm>,
    pub saved: RwSignal<Alerts>,
    /// What is typed is not what is saved.
    pub dirty: Signal<bool>,
}

#[component]
pub fn Editor(alerts: Alerts, #[prop(into)] reload: Callback<()>) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let typed = RwSignal::new(AlertsForm::of(&alerts));
    let saved = RwSignal::new(alerts);
    let dirty = Memo::new(move |_| typed.with(|t| saved.with(|s| *t != AlertsForm::of(s))));
    let form = Form::new(move || typed.with(|t| saved.with(|s| t.mistakes(s))));
    provide_context(form);
    let (busy, conflict) = (RwSignal::new(false), RwSignal::new(false));
    let save = move |force: bool| {
        busy.set(true);
        let input = typed.with_untracked(AlertsForm::input);
        let based_on = (!force).then_some(saved.with_untracked(|s| s.revision));
        leptos::task::spawn_local(async move {
            match api::call(&ep::SAVE_ALERTS, &[], Options::if_match(based_on), &input).await {
                Ok(now) => {
                    typed.try_set(AlertsForm::of(&now));
                    form.reset();
                    let any = now.email.enabled || now.webhook.enabled;
                    saved.try_set(now);
                    toaster.good(if any {
                        "The alerts were saved. Send a test before you rely on them."
                    } else {
                        "The alerts were saved."
                    });
                }
                Err(problem) if problem.code == ProblemCode::Changed => {
                    conflict.try_set(true);
                }
                Err(problem) => {
                    if problem.errors.iter().any(|e| e.field == PASSWORD && e.code == "required") {
                        // Somebody else has stored one meanwhile: it can be removed here, too.
                        saved.try_update(|s| s.email.password_set = true);
                    }
                    form.refuse(problem);
                }
            }
            busy.try_set(false);
        });
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        // A recipient that was typed and not added is meant, too.
        typed.update(|t| t.email.add_pending());
        if form.submit() {
            save(false);
        }
    };
    let editing = Editing { typed, saved, dirty: dirty.into() };
    view! {
        <LeaveGuard dirty/>
        <Conflict open=conflict what="Where word is sent" on_reload=reload on_overwrite=move |()| save(true) busy/>
        <WhenTold saved/>
        <form novalidate on:submit=submit>
            <FormProblem/>
            <Fields busy>
                <EmailCard editing/>
                <WebhookCard editing/>
            </Fields>
            <FormActions busy dirty label="Save alerts"/>
        </form>
    }
}
