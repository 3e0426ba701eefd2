//! The head of a page: where one is, its title, what can be done.

use super::{EmptyState, Icon, lu};
use leptos::prelude::*;
use leptos_router::components::A;

/// Sets the window's title too. The focus moves to the heading when the route changes.
#[component]
pub fn PageHeader(
    #[prop(into)] title: Signal<String>,
    #[prop(optional, into)] text: Signal<String>,
    /// The way here: address and words, from the top.
    #[prop(optional)]
    crumbs: Vec<(&'static str, &'static str)>,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    Effect::new(move |_| document().set_title(&format!("{} · Storekeep", title.get())));
    view! {
        {(!crumbs.is_empty()).then(|| view! {
            <nav class="crumbs" aria-label="Breadcrumbs">
                <ol>
                    {crumbs.into_iter().map(|(href, words)| view! {
                        <li><A href=href>{words}</A><Icon icon=lu::LuChevronRight/></li>
                    }).collect_view()}
                    <li aria-current="page">{move || title.get()}</li>
                </ol>
            </nav>
        })}
        <header class="page-head">
            <div>
                <h1 tabindex="-1">{move || title.get()}</h1>
                {move || {
                    let text = text.get();
                    (!text.is_empty()).then(|| view! { <p class="mute">{text}</p> })
                }}
            </div>
            {children.map(|c| view! { <div class="page-actions">{c()}</div> })}
        </header>
    }
}

#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <PageHeader title="Page not found"/>
        <div class="card">
            <EmptyState
                icon=lu::LuSearch
                title="There is nothing at this address"
                text="The link may be old, or your role does not include this page."
            >
                <A href="/" attr:class="btn">"Go to the start page"</A>
            </EmptyState>
        </div>
    }
}
