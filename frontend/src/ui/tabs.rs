//! Tabs: arrow keys move between them, Home and End to the ends.

use leptos::{ev::KeyboardEvent, prelude::*};
use wasm_bindgen::JsCast;

/// The row of tabs. The page shows the panel `<id>-panel-<key>` of the selected one and names it by `<id>-tab-<key>`.
#[component]
pub fn Tabs(
    id: &'static str,
    label: &'static str,
    #[prop(into)] tabs: Signal<Vec<(&'static str, String)>>,
    selected: RwSignal<&'static str>,
) -> impl IntoView {
    let on_key = move |event: KeyboardEvent| {
        let keys: Vec<&'static str> = tabs.get_untracked().into_iter().map(|(key, _)| key).collect();
        let at = keys.iter().position(|k| *k == selected.get_untracked()).unwrap_or(0);
        let to = match event.key().as_str() {
            "ArrowRight" => (at + 1) % keys.len().max(1),
            "ArrowLeft" => (at + keys.len().max(1) - 1) % keys.len().max(1),
            "Home" => 0,
            "End" => keys.len().saturating_sub(1),
            _ => return,
        };
        event.prevent_default();
        if let Some(key) = keys.get(to) {
            selected.set(key);
            let tab = document().get_element_by_id(&format!("{id}-tab-{key}"));
            if let Some(tab) = tab.and_then(|t| t.dyn_into::<web_sys::HtmlElement>().ok()) {
                let _ = tab.focus();
            }
        }
    };
    view! {
        <div class="tabs" role="tablist" aria-label=label on:keydown=on_key>
            {move || tabs.get().into_iter().map(|(key, words)| {
                let is = move || selected.get() == key;
                view! {
                    <button
                        type="button"
                        role="tab"
                        id=format!("{id}-tab-{key}")
                        aria-controls=format!("{id}-panel-{key}")
                        aria-selected=move || is().to_string()
                        tabindex=move || if is() { "0" } else { "-1" }
                        on:click=move |_| selected.set(key)
                    >
                        {words}
                    </button>
                }
            }).collect_view()}
        </div>
    }
}
