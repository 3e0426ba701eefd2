//! Before anybody is signed in: the first administrator, the sign-in, and what stands in between.

use crate::api::{self, Options, session};
use crate::models::password;
use crate::models::words::Tone;
use crate::ui::{BusyButton, Form, FormProblem, Icon, Notice, ProblemNotice, StrengthMeter, TextField, lu};
use contract::{Check, LoginInput, Problem, SetupInput, endpoints as ep};
use leptos::{ev::SubmitEvent, html, prelude::*};

/// A card in the middle, with the name of the product above it.
#[component]
fn Welcome(title: &'static str, #[prop(optional)] text: &'static str, children: Children) -> impl IntoView {
    document().set_title(&format!("{title} · Storekeep"));
    view! {
        <main class="welcome" id="main">
            <div class="welcome-card">
                <p class="brand"><Brand/></p>
                <h1>{title}</h1>
                {(!text.is_empty()).then(|| view! { <p class="mute">{text}</p> })}
                {children()}
            </div>
            <p class="welcome-foot">"Backups of Magento stores that restore with standard tools."</p>
        </main>
    }
}

/// The mark and the name.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <rect class="mark-ground" width="32" height="32" rx="8"></rect>
            <path class="mark-roof" d="M7.5 11.2 16 6.8l8.5 4.4v2.3h-17z"></path>
            <path class="mark-shelf" d="M9 15.6h14v2.6H9zM9 19.6h14v2.6H9z"></path>
            <path class="mark-last" d="M9 23.6h9v2.6H9z"></path>
        </svg>
        <span class="brand-name">"Storekeep"</span>
    }
}

#[component]
pub fn Loading() -> impl IntoView {
    view! {
        <div class="boot" role="status">
            <span class="spinner" aria-hidden="true"></span>
            <span>"Loading Storekeep…"</span>
        </div>
    }
}

#[component]
pub fn Unreachable() -> impl IntoView {
    let busy = RwSignal::new(false);
    let again = move |()| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            session::start().await;
            busy.try_set(false);
        });
    };
    let problem = move || {
        session::status().with(|s| match s {
            session::Status::Unreachable(problem) => Some(problem.clone()),
            _ => None,
        })
    };
    view! {
        <Welcome title="No connection">
            {move || problem().map(|problem| view! { <ProblemNotice problem/> })}
            <BusyButton busy kind="button" class="btn primary wide" on_press=again>"Try again"</BusyButton>
        </Welcome>
    }
}

#[component]
pub fn SignIn() -> impl IntoView {
    let notice = session::status().with_untracked(|s| match s {
        session::Status::SignedOut { notice } => notice.clone(),
        _ => None,
    });
    view! {
        <Welcome title="Sign in">
            {notice.map(|text| view! { <Notice tone=Tone::Info role="status"><p>{text}</p></Notice> })}
            <SignInForm username=String::new()/>
        </Welcome>
    }
}

/// Above the pages of a session that ended by itself. They wait below, with what was typed, out of sight and out of reach.
#[component]
pub fn SignInAgain() -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    // On top of any dialog of the page.
    let show = move || {
        request_animation_frame(move || {
            if let Some(dialog) = node.try_get_untracked().flatten()
                && dialog.is_connected()
                && !dialog.open()
            {
                let _ = dialog.show_modal();
            }
        });
    };
    Effect::new(move |_| show());
    let title = document().title();
    on_cleanup(move || document().set_title(&title));
    let username = session::me().map(|me| me.username).unwrap_or_default();
    view! {
        <dialog
            node_ref=node
            class="sign-in-again"
            aria-labelledby="sign-in-again"
            on:cancel=move |event: leptos::ev::Event| event.prevent_default()
            on:close=move |_| show()
        >
            <div class="welcome">
                <div class="welcome-card">
                    <p class="brand"><Brand/></p>
                    <h1 id="sign-in-again">"Sign in"</h1>
                    <Notice tone=Tone::Info role="status">
                        <p>"Your session has ended. Sign in again to go on where you were: what you typed is still there."</p>
                    </Notice>
                    <SignInForm username/>
                </div>
            </div>
        </dialog>
    }
}

#[component]
fn SignInForm(username: String) -> impl IntoView {
    let known = !username.is_empty();
    let (username, password) = (RwSignal::new(username), RwSignal::new(String::new()));
    let input = move || LoginInput { username: username.get().trim().into(), password: password.get() };
    let form = Form::new(move || input().check());
    provide_context(form);
    let busy = RwSignal::new(false);
    let refused = RwSignal::new(None::<Problem>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() || !form.submit() {
            return;
        }
        busy.set(true);
        refused.set(None);
        let input = untrack(input);
        leptos::task::spawn_local(async move {
            if let Err(problem) = session::sign_in(&input).await {
                refused.try_set(Some(problem));
                busy.try_set(false);
                password.try_set(String::new());
                focus("f-password");
            }
        });
    };
    view! {
        {move || refused.get().map(|problem| view! { <ProblemNotice problem/> })}
        <form novalidate on:submit=submit>
            <TextField name="username" label="User name" value=username set=username autocomplete="username" autofocus=!known/>
            <TextField name="password" label="Password" kind="password" value=password set=password autocomplete="current-password" autofocus=known/>
            <BusyButton busy class="btn primary wide">"Sign in"</BusyButton>
        </form>
    }
}

#[component]
pub fn Setup() -> impl IntoView {
    let token = RwSignal::new(String::new());
    let username = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    let input = move || SetupInput {
        token: token.get().trim().into(),
        username: username.get().trim().into(),
        password: password.get(),
    };
    let form = Form::new(move || input().check());
    provide_context(form);
    let busy = RwSignal::new(false);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() || !form.submit() {
            return;
        }
        busy.set(true);
        let input = untrack(input);
        leptos::task::spawn_local(async move {
            let made = api::call(&ep::SETUP, &[], Options::none(), &input).await;
            let result = match made {
                Ok(tokens) => session::accept(tokens).await,
                Err(problem) => Err(problem),
            };
            if let Err(problem) = result {
                form.refuse(problem);
                busy.try_set(false);
            }
        });
    };
    let judged = Signal::derive(move || password.with(|p| username.with(|u| password::judge(p, u))));
    view! {
        <Welcome title="Set up Storekeep" text="Create the first administrator. There is no default password.">
            <form novalidate on:submit=submit>
                <FormProblem/>
                <TextField
                    name="token"
                    label="Set-up token"
                    hint="The server printed it when it started for the first time. It works once."
                    value=token
                    set=token
                    autocomplete="off"
                    autofocus=true
                />
                <TextField
                    name="username"
                    label="User name"
                    hint="Letters, digits, dots, dashes, underscores and @."
                    value=username
                    set=username
                    autocomplete="username"
                />
                <TextField name="password" label="Password" kind="password" value=password set=password autocomplete="new-password"/>
                {move || password.with(|p| !p.is_empty()).then(|| view! { <StrengthMeter judged/> })}
                <BusyButton busy class="btn primary wide"><Icon icon=lu::LuShieldCheck/>"Create administrator"</BusyButton>
            </form>
        </Welcome>
    }
}

fn focus(id: &str) {
    let field = document().get_element_by_id(id);
    if let Some(field) = field.and_then(|f| wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(f).ok()) {
        let _ = field.focus();
    }
}
