//! The guide to the app or the key that a Storage Set needs.

use super::known::Known;
use crate::models::storage_guide::{self, Piece};
use crate::models::words::Tone;
use crate::ui::*;
use contract::StorageType;
use leptos::prelude::*;

/// Folded away with `open` false: whoever has the app needs it no more.
#[component]
pub fn Guide(kind: StorageType, #[prop(optional)] open: bool) -> impl IntoView {
    let known = expect_context::<Known>();
    let trouble = move || known.redirect_uri().and_then(|uri| storage_guide::redirect_trouble(&uri));
    view! {
        <details class="guide" open=open>
            <summary><Icon icon=lu::LuChevronRight/><span>{storage_guide::title(kind)}</span></summary>
            <ol class="guide-steps">
                {storage_guide::steps(kind).into_iter().map(|step| view! {
                    <li><div>{step.into_iter().map(piece).collect_view()}</div></li>
                }).collect_view()}
            </ol>
            {move || trouble().filter(|_| kind.is_linked_by_consent()).map(|text| view! {
                <Notice tone=Tone::Warn><p>{text}</p></Notice>
            })}
            {storage_guide::caution(kind).map(|text| view! { <Notice tone=Tone::Info><p>{text}</p></Notice> })}
        </details>
    }
}

fn piece(piece: Piece) -> AnyView {
    match piece {
        Piece::Text(text) => text.into_any(),
        Piece::Name(text) => view! { <strong>{text}</strong> }.into_any(),
        Piece::Code(text) => view! { <code>{text}</code> }.into_any(),
        Piece::Link(href, words) => view! {
            <a href=href target="_blank" rel="noopener noreferrer">{words}<span class="hidden">" (opens in a new tab)"</span></a>
        }
        .into_any(),
        Piece::RedirectUri => view! { <RedirectUri/> }.into_any(),
        Piece::Policy => view! {
            <div class="command policy">
                <pre tabindex="0" role="group" aria-label="Policy"><code>{storage_guide::S3_POLICY}</code></pre>
                <CopyButton text=storage_guide::S3_POLICY label="Copy the policy"/>
            </div>
        }
        .into_any(),
    }
}

/// Byte for byte, with a button that copies it.
#[component]
pub fn RedirectUri() -> impl IntoView {
    let known = expect_context::<Known>();
    move || match known.redirect_uri() {
        Some(uri) => view! {
            <div class="command">
                <code>{uri.clone()}</code>
                <CopyButton text=uri label="Copy the redirect URI"/>
            </div>
        }
        .into_any(),
        None if known.problem().is_some() => view! {
            <p class="field-error">
                <Icon icon=lu::LuCircleAlert/>"The address could not be asked for."
                " "<button type="button" class="btn small" on:click=move |_| known.want()>"Try again"</button>
            </p>
        }
        .into_any(),
        None => view! { <Skeleton lines=1/> }.into_any(),
    }
}
