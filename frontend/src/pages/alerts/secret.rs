//! A password or secret that is written and never read.

use crate::models::alerts_form::SecretField;
use crate::models::words::Tone;
use crate::ui::*;
use leptos::prelude::*;

#[component]
pub fn SecretInput(
    name: &'static str,
    label: &'static str,
    /// What it is called within a sentence.
    noun: &'static str,
    /// While none is stored, and what to do about the stored one.
    #[prop(into)]
    hint: Signal<String>,
    #[prop(into)] stored: Signal<bool>,
    value: Signal<SecretField>,
    set: SignalSetter<SecretField>,
) -> impl IntoView {
    let form = expect_context::<Form>();
    let text = Signal::derive(move || value.with(|v| v.text.clone()));
    let change = move |change: &dyn Fn(&mut SecretField)| {
        let mut now = value.get_untracked();
        change(&mut now);
        set.set(now);
    };
    let set_text = SignalSetter::map(move |text: String| change(&|v| v.set_text(text.clone())));
    let removed = Memo::new(move |_| value.with(SecretField::is_removed));
    let advice = Signal::derive(move || match removed.get() {
        true => "Type a new one to have it replaced instead.".to_string(),
        false => hint.get(),
    });
    let replaced = Memo::new(move |_| value.with(|v| !v.text.is_empty()));
    let toggle = move |_| {
        form.edited(name);
        let remove = !removed.get_untracked();
        change(&|v| v.set_remove(remove));
    };
    let placeholder = Signal::derive(move || match (stored.get(), removed.get()) {
        (true, false) => "Stored; leave it empty to keep it",
        _ => "",
    });
    let state = move || match (removed.get(), replaced.get()) {
        (true, _) => (Tone::Warn, "Removed when you save"),
        (_, true) => (Tone::Info, "Replaced when you save"),
        _ => (Tone::Good, "Is set"),
    };
    view! {
        <div class="secret">
            <TextField
                name
                label
                kind="password"
                value=text
                set=set_text
                autocomplete="new-password"
                placeholder
                hint=advice
                revealed=noun
            />
            {move || stored.get().then(|| view! {
                <div class="secret-state">
                    <span role="status">{move || {
                        let (tone, words) = state();
                        view! { <span class="hidden">{label}": "</span><Badge tone text=words/> }
                    }}</span>
                    // The same button for both ways: it keeps the focus.
                    <button type="button" class="btn small quiet" on:click=toggle>
                        {move || if removed.get() { "Keep" } else { "Remove" }}
                        <span class="hidden">" "{noun}</span>
                    </button>
                </div>
            })}
        </div>
    }
}
