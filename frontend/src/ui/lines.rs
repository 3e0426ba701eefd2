//! A list of short texts that somebody adds one by one: paths, patterns.

use super::{Icon, lu};
use leptos::{ev::KeyboardEvent, prelude::*};

#[component]
pub fn LineList(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    #[prop(into)] hint: String,
    placeholder: &'static str,
    #[prop(into)] lines: Signal<Vec<String>>,
    /// What to say beside a line, such as how many tables it matches.
    #[prop(into)]
    note: Callback<String, String>,
    #[prop(into)] on_add: Callback<String>,
    #[prop(into)] on_remove: Callback<String>,
) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let add = move || {
        let line = text.get_untracked().trim().to_string();
        if !line.is_empty() {
            on_add.run(line);
            text.set(String::new());
        }
    };
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Enter" {
            // Enter adds the line instead of sending the form.
            event.prevent_default();
            add();
        }
    };
    let hint_id = format!("{id}-hint");
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
                    aria-describedby=hint_id.clone()
                    prop:value=move || text.get()
                    on:input:target=move |event| text.set(event.target().value())
                    on:keydown=on_key
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
