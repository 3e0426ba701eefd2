//! A button that opens a small panel of links and buttons.

use leptos::{
    ev::{FocusEvent, KeyboardEvent},
    html,
    prelude::*,
};
use wasm_bindgen::JsCast;

/// Closes on Escape (the focus goes back to the button), and when focus or a click goes elsewhere.
#[component]
pub fn Disclosure(
    open: RwSignal<bool>,
    /// Names the button where its face does not.
    #[prop(optional, into)]
    label: Signal<String>,
    #[prop(optional)] id: Option<&'static str>,
    #[prop(optional)] class: &'static str,
    /// What the button shows.
    #[prop(into)]
    face: ViewFn,
    children: ChildrenFn,
) -> impl IntoView {
    let root = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();
    let contains = move |target: Option<web_sys::EventTarget>| {
        let node = target.and_then(|t| t.dyn_into::<web_sys::Node>().ok());
        root.get_untracked().is_some_and(|root| root.contains(node.as_ref()))
    };
    let outside = window_event_listener(leptos::ev::pointerdown, move |event| {
        if open.get_untracked() && !contains(event.target()) {
            open.set(false);
        }
    });
    on_cleanup(move || outside.remove());
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            open.set(false);
            if let Some(button) = button.get_untracked() {
                let _ = button.focus();
            }
        }
    };
    let on_focusout = move |event: FocusEvent| {
        if event.related_target().is_some() && !contains(event.related_target()) {
            open.set(false);
        }
    };
    view! {
        <div class=format!("disclosure {class}") node_ref=root on:keydown=on_key on:focusout=on_focusout>
            <button
                type="button"
                class="disclosure-button"
                node_ref=button
                id=id
                aria-label=move || Some(label.get()).filter(|l| !l.is_empty())
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|o| *o = !*o)
            >
                {face.run()}
            </button>
            <Show when=move || open.get()>
                <div class="disclosure-panel">{children()}</div>
            </Show>
        </div>
    }
}
