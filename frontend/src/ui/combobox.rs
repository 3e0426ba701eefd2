//! A text field with a list to choose from, narrowed by what is typed.

use super::{FieldMessage, Form, Icon, field_id, lu};
use leptos::{ev::KeyboardEvent, prelude::*};

const SHOWN: usize = 60;

/// `options` are shown as they are; every word typed must occur in one, in any case, with `_` read as a space.
#[component]
pub fn Combobox(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(into)] hint: String,
    #[prop(into)] value: Signal<String>,
    #[prop(into)] set: SignalSetter<String>,
    #[prop(into)] options: Signal<Vec<String>>,
) -> impl IntoView {
    let form = expect_context::<Form>();
    let id = field_id(&name);
    let open = RwSignal::new(false);
    // While nothing was typed since the list was opened, it shows all.
    let typed = RwSignal::new(false);
    let active = RwSignal::new(0_usize);
    let matching = Memo::new(move |_| {
        let needle = if typed.get() { value.get().to_lowercase().replace('_', " ") } else { String::new() };
        let fits = |option: &&String| {
            let option = option.to_lowercase().replace('_', " ");
            needle.split_whitespace().all(|word| option.contains(word))
        };
        options.with(|o| o.iter().filter(fits).take(SHOWN).cloned().collect::<Vec<_>>())
    });
    let field = StoredValue::new(name.clone());
    let show = move || {
        typed.set(false);
        active.set(
            matching.with_untracked(|m| m.iter().position(|o| value.with_untracked(|v| v == o))).unwrap_or(0),
        );
        open.set(true);
    };
    let choose = move |option: String| {
        field.with_value(|f| form.edited(f));
        set.set(option);
        open.set(false);
    };
    let option_id = {
        let id = id.clone();
        move |index: usize| format!("{id}-option-{index}")
    };
    let active_id = {
        let option_id = option_id.clone();
        move || (open.get() && matching.with(|m| active.get() < m.len())).then(|| option_id(active.get()))
    };
    let scroll_to = option_id.clone();
    Effect::new(move |_| {
        if open.get()
            && let Some(option) = document().get_element_by_id(&scroll_to(active.get()))
        {
            let nearest = web_sys::ScrollIntoViewOptions::new();
            nearest.set_block(web_sys::ScrollLogicalPosition::Nearest);
            option.scroll_into_view_with_scroll_into_view_options(&nearest);
        }
    });
    let on_key = move |event: KeyboardEvent| {
        let count = matching.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" | "ArrowUp" if !open.get_untracked() => show(),
            "ArrowDown" => active.update(|a| *a = (*a + 1).min(count.saturating_sub(1))),
            "ArrowUp" => active.update(|a| *a = a.saturating_sub(1)),
            "Enter" if open.get_untracked() => {
                if let Some(option) = matching.with_untracked(|m| m.get(active.get_untracked()).cloned()) {
                    choose(option);
                }
            }
            "Escape" if open.get_untracked() => open.set(false),
            _ => return,
        }
        event.prevent_default();
    };
    let for_error = name.clone();
    let invalid = Memo::new(move |_| form.error(&for_error).is_some());
    let (list_id, hint_id, error_id) = (format!("{id}-list"), format!("{id}-hint"), format!("{id}-error"));
    let describe = {
        let hint_id = hint_id.clone();
        move || if invalid.get() { format!("{error_id} {hint_id}") } else { hint_id.clone() }
    };
    let controls = list_id.clone();
    let list_label = label.clone();
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <div class="control combobox">
                <input
                    id=id
                    name=name.clone()
                    type="text"
                    role="combobox"
                    autocomplete="off"
                    spellcheck="false"
                    aria-autocomplete="list"
                    aria-expanded=move || open.get().to_string()
                    aria-controls=controls
                    aria-activedescendant=active_id
                    aria-invalid=move || invalid.get().to_string()
                    aria-describedby=describe
                    prop:value=move || value.get()
                    on:click=move |_| show()
                    on:keydown=on_key
                    on:blur=move |_| {
                        open.set(false);
                        field.with_value(|f| form.touch(f));
                    }
                    on:input:target=move |event| {
                        field.with_value(|f| form.edited(f));
                        set.set(event.target().value());
                        typed.set(true);
                        active.set(0);
                        open.set(true);
                    }
                />
                <Icon icon=lu::LuChevronsUpDown/>
                <ul class="options" id=list_id role="listbox" aria-label=list_label class:hidden-block=move || !open.get()>
                    {move || matching.get().into_iter().enumerate().map(|(index, option)| {
                        let words = option.replace('_', " ");
                        let chosen = option.clone();
                        view! {
                            <li
                                role="option"
                                id=option_id(index)
                                aria-selected=move || (active.get() == index).to_string()
                                // Before the field loses the focus and the list goes.
                                on:mousedown=move |event| {
                                    event.prevent_default();
                                    choose(chosen.clone());
                                }
                            >
                                {words}
                            </li>
                        }
                    }).collect_view()}
                    {move || matching.with(Vec::is_empty).then(|| view! { <li class="mute">"Nothing matches"</li> })}
                </ul>
            </div>
            <p class="hint" id=hint_id>{hint}</p>
            <FieldMessage name/>
        </div>
    }
}
