//! Changing one's own password.

use crate::api::{self, Options, session};
use crate::models::password;
use crate::ui::*;
use contract::{Check, FieldError, PasswordInput, ProblemCode, endpoints as ep};
use leptos::{ev::SubmitEvent, prelude::*};

#[component]
pub fn ChangePassword() -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let (current, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let input = move || PasswordInput { current_password: current.get(), new_password: new.get() };
    let form = Form::new(move || input().check());
    provide_context(form);
    let busy = RwSignal::new(false);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() || !form.submit() {
            return;
        }
        busy.set(true);
        let input = untrack(input);
        leptos::task::spawn_local(async move {
            match api::call(&ep::CHANGE_PASSWORD, &[], Options::none(), &input).await {
                Ok(tokens) => {
                    current.try_set(String::new());
                    new.try_set(String::new());
                    form.reset();
                    toaster.good("The password was changed. Every other session of yours has ended.");
                    if let Err(problem) = session::accept(tokens).await {
                        toaster.problem(&problem);
                    }
                }
                Err(mut problem) => {
                    if problem.code == ProblemCode::WrongCredentials && problem.errors.is_empty() {
                        let message = "This is not the password you use now.";
                        problem.errors = vec![FieldError::new("current_password", "wrong", message)];
                    }
                    form.refuse(problem);
                }
            }
            busy.try_set(false);
        });
    };
    let username = session::me().map(|m| m.username).unwrap_or_default();
    let name = username.clone();
    let judged = Signal::derive(move || new.with(|p| password::judge(p, &username)));
    view! {
        <PageHeader title="Change password" text="Every other session of yours ends when you change it."/>
        <form class="card narrow" novalidate on:submit=submit>
            <FormProblem/>
            // For password managers.
            <input class="hidden" type="text" name="username" autocomplete="username" value=name tabindex="-1" aria-hidden="true" readonly/>
            <TextField name="current_password" label="Current password" kind="password" value=current set=current autocomplete="current-password"/>
            <TextField name="new_password" label="New password" kind="password" value=new set=new autocomplete="new-password"/>
            {move || new.with(|p| !p.is_empty()).then(|| view! { <StrengthMeter judged/> })}
            <div class="dialog-actions"><BusyButton busy>"Change password"</BusyButton></div>
        </form>
    }
}
