//! Icons of the Lucide set. They decorate: the words stand beside them or in the control's label.

use leptos::prelude::*;

/// The set that the console draws from.
pub use icondata_lu as lu;

#[component]
pub fn Icon(
    icon: icondata_core::Icon,
    /// Extra class, for a size or a turn.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    view! {
        <svg
            class=format!("icon {class}")
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            stroke-width="2"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
            focusable="false"
            inner_html=icon.data
        ></svg>
    }
}
