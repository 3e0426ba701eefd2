//! A part of a card, with a name of its own.

use leptos::prelude::*;

/// No `fieldset`: inside of one that is switched off while the form is sent, it would count as a form that may only be looked at.
#[component]
pub fn Part(id: &'static str, title: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class="part" role="group" aria-labelledby=id>
            <h3 id=id>{title}</h3>
            {children()}
        </div>
    }
}
