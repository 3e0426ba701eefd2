//! The bell: what administrators have to know although nobody asked.

use crate::api::{self, Options, session};
use crate::models::inbox::{self, Inbox, SHOWN};
use crate::models::words::Tone;
use crate::ui::*;
use contract::{Notification, endpoints as ep};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;

const LOOK_MS: u32 = 60_000;

/// Shared by the bells of desktop and phone. In the context of the shell.
#[derive(Clone, Copy)]
pub struct Mail {
    inbox: RwSignal<Inbox>,
}

impl Mail {
    /// Looks now, every minute while the page is seen, when it is seen again, and when another page is opened.
    pub fn start() -> Self {
        let mail = Mail { inbox: RwSignal::new(Inbox::default()) };
        let pathname = use_location().pathname;
        Effect::new(move |_| {
            pathname.track();
            mail.look();
        });
        let seen = window_event_listener_untyped("visibilitychange", move |_| mail.look());
        on_cleanup(move || seen.remove());
        leptos::task::spawn_local(async move {
            loop {
                gloo_timers::future::TimeoutFuture::new(LOOK_MS).await;
                if mail.inbox.is_disposed() {
                    return;
                }
                mail.look();
            }
        });
        mail
    }

    /// Failing is told in the panel alone: nobody waits for it.
    fn look(self) {
        let looks = self.inbox.try_with_untracked(Inbox::looks);
        if looks != Some(false) || !session::is_live() || document().hidden() {
            return;
        }
        let Some(number) = self.inbox.try_update_untracked(Inbox::look) else { return };
        leptos::task::spawn_local(async move {
            let query = Options::query(vec![("open", "true".into()), ("per_page", SHOWN.to_string())]);
            let answer = api::call(&ep::LIST_NOTIFICATIONS, &[], query, &()).await.ok();
            self.inbox.try_maybe_update(|inbox| {
                let before = inbox.clone();
                inbox.take(number, answer.map(|page| (page.items, page.total)));
                (*inbox != before, ())
            });
        });
    }
}

#[component]
pub fn Bell(#[prop(optional)] side: bool) -> impl IntoView {
    let mail = expect_context::<Mail>();
    let inbox = mail.inbox;
    let open = RwSignal::new(false);
    let label = Signal::derive(move || inbox.with(Inbox::label));
    let badge = Memo::new(move |_| inbox.with(|i| i.badge().map(|text| (text, i.tone().class()))));
    Effect::new(move |_| {
        if open.get() {
            mail.look();
        }
    });
    let pathname = use_location().pathname;
    Effect::new(move |before: Option<()>| {
        pathname.track();
        if before.is_some() {
            open.set(false);
        }
    });
    view! {
        <Disclosure
            open
            label
            class=if side { "bell in-side" } else { "bell" }
            face=move || view! {
                <Icon icon=lu::LuBell/>
                {move || badge.get().map(|(text, tone)| view! { <span class=format!("bell-count {tone}") aria-hidden="true">{text}</span> })}
            }
        >
            <Panel mail/>
        </Disclosure>
    }
}

#[component]
fn Panel(mail: Mail) -> impl IntoView {
    let inbox = mail.inbox;
    let items = move || inbox.with(|i| i.items.clone());
    let empty = Memo::new(move |_| inbox.with(|i| i.known && i.items.is_empty()));
    let unknown = Memo::new(move |_| inbox.with(|i| !i.known));
    let stale = Memo::new(move |_| inbox.with(|i| i.stale));
    let more = Memo::new(move |_| inbox.with(Inbox::more));
    view! {
        <section class="inbox" aria-label="Inbox">
            <h2 id="inbox-head" tabindex="-1">"Inbox"</h2>
            <div role="status">
                {move || stale.get().then(|| view! {
                    <p class="inbox-stale">
                        <Icon icon=lu::LuTriangleAlert/>
                        <span>{if unknown.get() { "The server did not answer." } else { "This is of a while ago: the server did not answer." }}</span>
                        <button type="button" class="btn small" on:click=move |_| mail.look()>"Try again"</button>
                    </p>
                })}
            </div>
            {move || (unknown.get() && !stale.get()).then(|| view! { <Skeleton lines=2/> })}
            {move || empty.get().then(|| view! {
                <div class="inbox-empty">
                    <span class="state-icon"><Icon icon=lu::LuCheckCheck/></span>
                    <p><strong>"Nothing needs you"</strong></p>
                    <p class="mute small">"When a link ends or a destination needs attention, it is told here."</p>
                </div>
            })}
            <ul class="inbox-list">
                <For each=items key=|n| n.id let(item)><Entry mail item/></For>
            </ul>
            {move || (more.get() > 0).then(|| view! { <p class="mute small inbox-more">{format!("And {} more, shown once these are dismissed.", more.get())}</p> })}
        </section>
    }
}

#[component]
fn Entry(mail: Mail, item: Notification) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let id = item.id;
    let busy = RwSignal::new(false);
    let tone = inbox::tone(item.severity);
    let icon = match tone {
        Tone::Bad => lu::LuCircleAlert,
        Tone::Warn => lu::LuTriangleAlert,
        _ => lu::LuInfo,
    };
    let dismiss = move |()| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            match api::bare(&ep::DISMISS_NOTIFICATION, &[&id.to_string()]).await {
                Ok(()) => {
                    mail.inbox.try_update(|i| i.dismiss(id));
                    // Its button is gone, and the focus stays in the panel.
                    focus_head();
                    mail.look();
                }
                Err(problem) => {
                    busy.try_set(false);
                    toaster.problem(&problem);
                }
            }
        });
    };
    let named = format!(" “{}”", item.title);
    view! {
        <li class=format!("inbox-entry {}", tone.class())>
            <Icon icon/>
            <div>
                <p><span class="hidden">{format!("{}: ", inbox::word(item.severity))}</span><strong>{item.title}</strong></p>
                <p class="pre">{item.message}</p>
                <p class="inbox-foot">
                    <span class="mute"><When at=item.created_at/></span>
                    <BusyButton busy kind="button" class="btn small" on_press=dismiss>"Dismiss"<span class="hidden">{named}</span></BusyButton>
                </p>
            </div>
        </li>
    }
}

fn focus_head() {
    let head =
        document().get_element_by_id("inbox-head").and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(head) = head {
        let _ = head.focus();
    }
}
