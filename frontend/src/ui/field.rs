//! Form fields: a label, a hint and an error, all tied to the control. They find their `Form` in the context.

use super::{Form, Icon, lu};
use leptos::prelude::*;

fn described(id: &str, hint: bool, error: bool) -> Option<String> {
    let hint = hint.then(|| format!("{id}-hint"));
    let error = error.then(|| format!("{id}-error"));
    let ids: Vec<String> = [error, hint].into_iter().flatten().collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

/// Element ids of field paths: `storages[0].keep_copies` becomes `f-storages-0-keep_copies`.
pub fn field_id(name: &str) -> String {
    let mut id = String::from("f");
    for part in name.split(['[', ']', '.']).filter(|p| !p.is_empty()) {
        id.push('-');
        id.push_str(part);
    }
    id
}

/// The error of a field, in a place of its own that screen readers watch.
#[component]
pub fn FieldMessage(#[prop(into)] name: String) -> impl IntoView {
    let form = expect_context::<Form>();
    let id = format!("{}-error", field_id(&name));
    form.shows_field(&name);
    view! {
        <div aria-live="polite">
            {move || form.error(&name).map(|message| view! {
                <p class="field-error" id=id.clone()><Icon icon=lu::LuCircleAlert/>{message}</p>
            })}
        </div>
    }
}

#[component]
pub fn TextField(
    /// The field's path in the request.
    #[prop(into)]
    name: String,
    #[prop(into)] label: String,
    #[prop(into)] value: Signal<String>,
    #[prop(into)] set: SignalSetter<String>,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional, into)] hint: Signal<String>,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional, into)] suffix: String,
    #[prop(optional)] class: &'static str,
    #[prop(optional)] required: bool,
    #[prop(optional)] autofocus: bool,
    #[prop(optional)] inputmode: Option<&'static str>,
    #[prop(optional, into)] placeholder: Signal<&'static str>,
    /// What the button beside a password shows and hides.
    #[prop(default = "the password")]
    revealed: &'static str,
) -> impl IntoView {
    let form = expect_context::<Form>();
    let id = field_id(&name);
    let shown = RwSignal::new(false);
    let password = kind == "password";
    let (for_error, for_touch, for_edit) = (name.clone(), name.clone(), name.clone());
    let invalid = Memo::new(move |_| form.error(&for_error).is_some());
    let describe = {
        let id = id.clone();
        move || described(&id, !hint.with(String::is_empty), invalid.get())
    };
    let hint_id = format!("{id}-hint");
    view! {
        <div class=format!("field {class}")>
            <label for=id.clone()>{label}{required.then(|| view! { <span class="required" aria-hidden="true">" *"</span> })}</label>
            <div class="control">
                <input
                    id=id
                    name=name.clone()
                    type=move || if password && shown.get() { "text" } else { kind }
                    autocomplete=autocomplete
                    inputmode=inputmode
                    placeholder=move || Some(placeholder.get()).filter(|p| !p.is_empty())
                    autofocus=autofocus
                    spellcheck="false"
                    prop:value=move || value.get()
                    aria-required=required.then_some("true")
                    aria-invalid=move || invalid.get().to_string()
                    aria-describedby=describe
                    on:input:target=move |event| {
                        form.edited(&for_edit);
                        set.set(event.target().value());
                    }
                    on:change=move |_| form.touch(&for_touch)
                />
                {(!suffix.is_empty()).then(|| view! { <span class="suffix">{suffix}</span> })}
                {password.then(|| view! {
                    <button
                        type="button"
                        class="btn icon-only quiet reveal"
                        aria-label=move || format!("{} {revealed}", if shown.get() { "Hide" } else { "Show" })
                        aria-pressed=move || shown.get().to_string()
                        on:click=move |_| shown.update(|s| *s = !*s)
                    >
                        {move || if shown.get() { view! { <Icon icon=lu::LuEyeOff/> } } else { view! { <Icon icon=lu::LuEye/> } }}
                    </button>
                })}
            </div>
            {move || {
                let text = hint.get();
                (!text.is_empty()).then(|| view! { <p class="hint" id=hint_id.clone()>{text}</p> })
            }}
            <FieldMessage name/>
        </div>
    }
}

#[component]
pub fn SelectField(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(into)] value: Signal<String>,
    #[prop(into)] set: SignalSetter<String>,
    /// Value and words.
    #[prop(into)]
    options: Signal<Vec<(String, String)>>,
    #[prop(optional)] class: &'static str,
) -> impl IntoView {
    let form = expect_context::<Form>();
    let id = field_id(&name);
    let (for_error, for_edit) = (name.clone(), name.clone());
    let invalid = Memo::new(move |_| form.error(&for_error).is_some());
    let describe = {
        let id = id.clone();
        move || described(&id, false, invalid.get())
    };
    view! {
        <div class=format!("field {class}")>
            <label for=id.clone()>{label}</label>
            <div class="control select">
                <select
                    id=id
                    name=name.clone()
                    aria-invalid=move || invalid.get().to_string()
                    aria-describedby=describe
                    on:change:target=move |event| {
                        form.edited(&for_edit);
                        set.set(event.target().value());
                    }
                >
                    {move || options.get().into_iter().map(|(option, words)| {
                        let mine = option.clone();
                        view! { <option value=option prop:selected=move || value.with(|v| *v == mine)>{words}</option> }
                    }).collect_view()}
                </select>
                <Icon icon=lu::LuChevronDown/>
            </div>
            <FieldMessage name/>
        </div>
    }
}

/// On or off, at once visible as such.
#[component]
pub fn Switch(
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: String,
    #[prop(into)] value: Signal<bool>,
    #[prop(into)] set: SignalSetter<bool>,
    #[prop(optional, into)] disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <label class="switch">
            <input
                type="checkbox"
                role="switch"
                prop:checked=move || value.get()
                disabled=move || disabled.get()
                on:change:target=move |event| set.set(event.target().checked())
            />
            <span class="track" aria-hidden="true"></span>
            <span class="switch-text">
                <span class="switch-label">{label}</span>
                {(!hint.is_empty()).then(|| view! { <span class="hint">{hint}</span> })}
            </span>
        </label>
    }
}

/// A choice among few, each with an explanation: a card that can be ticked (`checkbox`) or picked (`radio`).
#[component]
pub fn ChoiceCard(
    #[prop(default = "checkbox")] kind: &'static str,
    #[prop(into)] name: String,
    icon: icondata_core::Icon,
    #[prop(into)] label: String,
    #[prop(into)] hint: String,
    #[prop(into)] checked: Signal<bool>,
    #[prop(into)] on_change: Callback<bool>,
    #[prop(optional, into)] invalid: Signal<bool>,
) -> impl IntoView {
    let note = format!("{}-note-{}", field_id(&name), label.to_lowercase().replace(' ', "-"));
    view! {
        <label class="choice" class:checked=move || checked.get()>
            <input
                type=kind
                name=name
                prop:checked=move || checked.get()
                aria-invalid=move || invalid.get().then_some("true")
                aria-label=label.clone()
                aria-describedby=note.clone()
                on:change:target=move |event| on_change.run(event.target().checked())
            />
            <span class="choice-icon"><Icon icon/></span>
            <span class="choice-text">
                <span class="choice-label">{label}</span>
                <span class="hint" id=note>{hint}</span>
            </span>
            <span class="choice-mark" aria-hidden="true"><Icon icon=lu::LuCheck/></span>
        </label>
    }
}
