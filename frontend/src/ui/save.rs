//! The foot of a form, and what happens when somebody else was faster.

use super::{BusyButton, Dialog, Form};
use leptos::prelude::*;
use leptos_router::components::A;

/// Save and cancel, in view while one scrolls.
#[component]
pub fn FormActions(
    #[prop(into)] busy: Signal<bool>,
    #[prop(into)] dirty: Signal<bool>,
    label: &'static str,
    /// Where *Cancel* leads.
    #[prop(optional)]
    cancel: Option<&'static str>,
) -> impl IntoView {
    let form = expect_context::<Form>();
    let state = move || match (form.mistakes(), dirty.get()) {
        (0, true) => "Unsaved changes".to_string(),
        (0, false) => String::new(),
        (1, _) => "1 field needs attention".to_string(),
        (n, _) => format!("{n} fields need attention"),
    };
    view! {
        <div class="form-actions">
            <p class="mute" role="status">{state}</p>
            {cancel.map(|href| view! { <A href=href attr:class="btn">"Cancel"</A> })}
            <BusyButton busy>{label}</BusyButton>
        </div>
    }
}

/// A row was changed by somebody else since it was loaded (412): take theirs, or write over it.
#[component]
pub fn Conflict(
    open: RwSignal<bool>,
    #[prop(into)] what: String,
    #[prop(into)] on_reload: Callback<()>,
    #[prop(into)] on_overwrite: Callback<()>,
    #[prop(into)] busy: Signal<bool>,
) -> impl IntoView {
    let overwrite = move |()| {
        open.set(false);
        on_overwrite.run(());
    };
    let reload = move |_| {
        open.set(false);
        on_reload.run(());
    };
    view! {
        <Dialog open title="Changed meanwhile">
            <p>{format!("{what} was changed by somebody else since you opened this page.")}</p>
            <p class="mute">"Reload shows the new state and drops what you typed. Overwrite replaces it by what you typed."</p>
            <div class="dialog-actions">
                <button type="button" class="btn" on:click=reload>"Reload"</button>
                <BusyButton busy kind="button" class="btn danger" on_press=overwrite>"Overwrite"</BusyButton>
            </div>
        </Dialog>
    }
}
