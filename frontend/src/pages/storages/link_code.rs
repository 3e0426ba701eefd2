//! The way back by hand: for a server that the browser does not reach at the redirect URI.

use super::form::Editing;
use crate::api::{self, Options};
use crate::models::storage_form::StorageForm;
use crate::models::storage_words::for_people;
use crate::ui::*;
use contract::{FieldError, ProblemCode, StorageSetInput, endpoints as ep};
use leptos::{ev::SubmitEvent, prelude::*};

#[component]
pub fn CodeForm(editing: Editing) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let code = RwSignal::new(String::new());
    let form = Form::new(move || {
        let missing = code.with(|c| c.trim().is_empty());
        let error =
            || FieldError::new("authentication_code", "required", "Paste the code, or the whole address.");
        missing.then(error).into_iter().collect()
    });
    provide_context(form);
    let (busy, asking) = (RwSignal::new(false), RwSignal::new(false));
    let meaning = RwSignal::new(String::new());
    let send = move |confirmed: bool| {
        let Some(set) = editing.set.get_untracked() else { return };
        busy.set(true);
        // What is stored, and the code: unsaved changes stay in their form.
        let input = StorageSetInput {
            authentication_code: Some(code.with_untracked(|c| c.trim().to_string())),
            confirm_other_account: confirmed,
            ..StorageForm::of(&set).input()
        };
        let based_on = editing.revision.get_value();
        leptos::task::spawn_local(async move {
            let id = set.id.to_string();
            let result = api::call(&ep::UPDATE_STORAGE, &[&id], Options::if_match(based_on), &input).await;
            asking.try_set(false);
            match result {
                Ok(now) => {
                    toaster.good(format!("Linked to {}.", now.account.clone().unwrap_or_default()));
                    code.try_set(String::new());
                    form.reset();
                    editing.saved(now);
                }
                Err(problem) if problem.code == ProblemCode::OtherAccount => {
                    meaning.try_set(for_people(&problem.detail));
                    asking.try_set(true);
                }
                Err(problem) => form.refuse(problem),
            }
            busy.try_set(false);
        });
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if !busy.get_untracked() && form.submit() {
            send(false);
        }
    };
    view! {
        <details class="guide">
            <summary><Icon icon=lu::LuChevronRight/><span>"The page after your consent did not open"</span></summary>
            <form novalidate class="code-form" on:submit=submit>
                <FormProblem/>
                <p class="mute">"Then the browser does not reach this server at the redirect URI. Copy the address of that page, which holds the code, and paste it here."</p>
                <TextField
                    name="authentication_code"
                    label="Authentication Code"
                    hint="The code alone, or the whole address. It is good for ten minutes and for one use."
                    value=code
                    set=code
                    autocomplete="off"
                    class="mono"
                />
                <div><BusyButton busy class="btn"><Icon icon=lu::LuLink/>"Link with the code"</BusyButton></div>
            </form>
        </details>
        <Confirm
            open=asking
            title="Link another account?"
            text=meaning
            action="Link it"
            busy
            on_confirm=move |()| send(true)
        />
    }
}
