//! A list of short texts that somebody adds one by one: paths, patterns.

use super::{Icon, lu};
use leptos::{ev::KeyboardEvent, prelude::*};

#[component]
pub fn LineList(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    #[prop(into)] hint: String,
    placeholder: &'static str,
    /// What is typed and not added yet. It belongs to the form: it must not get lost.
    #[prop(into)]
    text: Signal<String>,
    #[prop(into)] set_text: SignalSetter<String>,
    /// Some line is refused; `<id>-error` says which.
    #[prop(into)]
    invalid: Signal<bool>,
    #[prop(into)] lines: Signal<Vec<String>>,
    /// What to say beside a line, such as how many tables it matches.
    #[prop(into)]
    note: Callback<String, String>,
    /// Adds what is typed.
    #[prop(into)]
    on_add: Callback<()>,
    #[prop(into)] on_remove: Callback<String>,
) -> impl IntoView {
    let add = move || {
        if text.try_with_untracked(|t| !t.trim().is_empty()) == Some(true) {
            on_add.run(());
        }
    };
    // Not at once: a new line would push away what is being clicked.
    let on_blur = move |_| set_timeout(add, std::time::Duration::from_millis(200));
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Enter" {
            // Enter adds the line instead of sending the form.
            event.prevent_default();
            add();
        }
    };
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let describe = {
        let hint_id = hint_id.clone();
        move || if invalid.get() { format!("{error_id} {hint_id}") } else { hint_id.clone() }
    };
    view! {
        <div class="lines">
            <label for=id.clone()>{label.clone()}</label>
            <div class="lines-add">
                <input
                    id=id
                    type="text"
                    spellcheck="false"
                    autocomplete="off"
                    placeholder=placeholder
                    aria-invalid=move || invalid.get().to_string()
                    aria-describedby=describe
                    prop:value=move || text.get()
                    on:input:target=move |event| set_text.set(event.target().value())
                    on:keydown=on_key
                    on:blur=on_blur
                />
                <button type="button" class="btn" aria-label=format!("Add: {label}") on:click=move |_| add()>
                    <Icon icon=lu::LuPlus/>"Add"
                </button>
            </div>
            <p class="hint" id=hint_id>{hint}</p>
            <ul class="tags" aria-label=label>
                <For each=move || lines.get() key=Clone::clone let(line)>
                    {
                        let (shown, named, removed) = (line.clone(), line.clone(), line.clone());
                        view! {
                            <li class="tag">
                                <code>{shown}</code>
                                {move || {
                                    let note = note.run(line.clone());
                                    (!note.is_empty()).then(|| view! { <span class="mute">{note}</span> })
                                }}
                                <button
                                    type="button"
                                    class="btn icon-only quiet small"
                                    aria-label=format!("Remove {named}")
                                    on:click=move |_| on_remove.run(removed.clone())
                                >
                                    <Icon icon=lu::LuX/>
                                </button>
                            </li>
                        }
                    }
                </For>
            </ul>
        </div>
    }
}
