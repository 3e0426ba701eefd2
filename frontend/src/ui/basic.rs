//! Small pieces: badges, notices, states of a panel, buttons with a job.

use super::{Icon, Toaster, lu};
use crate::models::words::{self, Tone};
use contract::{OverallStatus, Problem};
use leptos::prelude::*;

#[component]
pub fn Badge(tone: Tone, #[prop(into)] text: String) -> impl IntoView {
    view! { <span class=format!("badge {}", tone.class())>{text}</span> }
}

/// The status of a pass, in a word and a colour.
#[component]
pub fn StatusBadge(
    status: OverallStatus,
    #[prop(optional)] queued: bool,
    #[prop(optional)] cancelling: bool,
) -> impl IntoView {
    let (tone, text) = words::status(status, queued, cancelling);
    let running = status == OverallStatus::Pending && !queued;
    let icon = match tone {
        _ if running => lu::LuLoaderCircle,
        Tone::Good => lu::LuCircleCheck,
        Tone::Warn => lu::LuTriangleAlert,
        Tone::Bad => lu::LuCircleX,
        Tone::Info => lu::LuLoaderCircle,
        Tone::Neutral => lu::LuClock,
    };
    view! {
        <span class=format!("badge {}", tone.class())>
            <Icon icon class=if running { "turning" } else { "" }/>
            {text}
        </span>
    }
}

/// A boxed message. `role` is `alert` for what needs attention at once, else `status` or nothing.
#[component]
pub fn Notice(
    tone: Tone,
    #[prop(optional, into)] title: String,
    #[prop(optional)] role: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    let icon = match tone {
        Tone::Good => lu::LuCircleCheck,
        Tone::Warn => lu::LuTriangleAlert,
        Tone::Bad => lu::LuCircleAlert,
        Tone::Info | Tone::Neutral => lu::LuInfo,
    };
    view! {
        <div class=format!("notice {}", tone.class()) role=role>
            <Icon icon/>
            <div class="notice-text">
                {(!title.is_empty()).then(|| view! { <strong>{title}</strong> })}
                {children()}
            </div>
        </div>
    }
}

/// A problem as a notice: what happened and what to do next.
#[component]
pub fn ProblemNotice(problem: Problem) -> impl IntoView {
    let id = problem.request_id.clone();
    view! {
        <Notice tone=Tone::Bad title=problem.title.clone() role="alert">
            <p>{problem.detail.clone()}</p>
            {id.map(|id| view! { <p class="mute">"Request "<code>{id}</code>", for the server's log."</p> })}
        </Notice>
    }
}

/// A panel that could not be loaded, with a way to try again.
#[component]
pub fn ErrorState(problem: Problem, #[prop(into)] retry: Callback<()>) -> impl IntoView {
    view! {
        <div class="state" role="alert">
            <span class="state-icon bad"><Icon icon=lu::LuCircleAlert/></span>
            <h2>{problem.title}</h2>
            <p>{problem.detail}</p>
            <button type="button" class="btn" on:click=move |_| retry.run(())>
                <Icon icon=lu::LuRefreshCw/>"Try again"
            </button>
        </div>
    }
}

/// What is shown could not be looked at again.
#[component]
pub fn StaleBar(#[prop(into)] retry: Callback<()>) -> impl IntoView {
    view! {
        <div class="stale-bar" role="status">
            <Icon icon=lu::LuTriangleAlert/>
            <p>"This is of a while ago: the server did not answer when asked again."</p>
            <button type="button" class="btn small" on:click=move |_| retry.run(())>"Try again"</button>
        </div>
    }
}

/// Nothing there yet: says what would be, and offers the next step.
#[component]
pub fn EmptyState(
    icon: icondata_core::Icon,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="state">
            <span class="state-icon"><Icon icon/></span>
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|c| c())}
        </div>
    }
}

/// Grey lines where text will be.
#[component]
pub fn Skeleton(#[prop(default = 3)] lines: usize) -> impl IntoView {
    view! {
        <div class="skeleton" role="status">
            <span class="hidden">"Loading…"</span>
            {(0..lines).map(|_| view! { <span class="bone" aria-hidden="true"></span> }).collect_view()}
        </div>
    }
}

/// A heading with a body in a raised box.
#[component]
pub fn Card(
    #[prop(into)] title: String,
    #[prop(optional, into)] hint: String,
    #[prop(optional, into)] aside: Option<ViewFn>,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="card">
            <div class="card-head">
                <div>
                    <h2>{title}</h2>
                    {(!hint.is_empty()).then(|| view! { <p class="mute">{hint}</p> })}
                </div>
                {aside.map(|a| view! { <div class="card-aside">{a.run()}</div> })}
            </div>
            {children()}
        </section>
    }
}

/// A button that says so while its work is under way, and cannot be pressed twice.
#[component]
pub fn BusyButton(
    #[prop(into)] busy: Signal<bool>,
    #[prop(default = "submit")] kind: &'static str,
    #[prop(default = "btn primary")] class: &'static str,
    #[prop(optional, into)] on_press: Option<Callback<()>>,
    children: Children,
) -> impl IntoView {
    let press = move |_| {
        if let Some(callback) = on_press
            && !busy.get_untracked()
        {
            callback.run(());
        }
    };
    view! {
        <button type=kind class=class aria-disabled=move || busy.get().to_string() class:busy=move || busy.get() on:click=press>
            {move || busy.get().then(|| view! { <Icon icon=lu::LuLoaderCircle class="turning"/> })}
            {children()}
        </button>
    }
}

/// Copies `text`; `label` names what, for those who do not see where the button stands.
#[component]
pub fn CopyButton(#[prop(into)] text: String, #[prop(into)] label: String) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let promise = window().navigator().clipboard().write_text(&text);
        leptos::task::spawn_local(async move {
            if wasm_bindgen_futures::JsFuture::from(promise).await.is_ok() {
                copied.set(true);
                toaster.good("Copied to the clipboard.");
                gloo_timers::future::TimeoutFuture::new(2000).await;
                copied.try_set(false);
            } else {
                toaster.bad("The browser did not allow copying. Select the text and copy it by hand.");
            }
        });
    };
    let name = label.clone();
    view! {
        <button type="button" class="btn icon-only quiet small" aria-label=name title=label on:click=copy>
            {move || if copied.get() { view! { <Icon icon=lu::LuCheck/> } } else { view! { <Icon icon=lu::LuCopy/> } }}
        </button>
    }
}

/// A link that stands out: the name of a row.
pub fn strong_link(href: String, words: String) -> AnyView {
    view! { <leptos_router::components::A href=href attr:class="strong">{words}</leptos_router::components::A> }.into_any()
}

/// A term and its value, one of a list of facts.
#[component]
pub fn Fact(#[prop(into)] term: String, children: Children) -> impl IntoView {
    view! {
        <div class="fact">
            <dt>{term}</dt>
            <dd>{children()}</dd>
        </div>
    }
}
