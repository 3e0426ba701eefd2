//! *Link the account*: the provider's consent page in another tab, and the wait for what comes of it.

use super::form::Editing;
use super::guide::{Guide, RedirectUri};
use super::link_code::CodeForm;
use crate::api::{self, Options, session};
use crate::models::storage_words::{is_linked_since, provider, state};
use crate::models::words::Tone;
use crate::ui::*;
use contract::{Problem, StorageLinkInput, StorageState, StorageType, StorageWarning, endpoints as ep};
use leptos::prelude::*;

/// Between two looks while the provider's page is open.
const LOOK_MS: u32 = 3_000;
/// The server gives up then.
const PATIENCE_MS: f64 = 10.0 * 60_000.0;

/// A linking under way.
#[derive(Clone, PartialEq)]
struct Waiting {
    url: String,
    warnings: Vec<StorageWarning>,
    /// The browser let no tab be opened.
    blocked: bool,
}

#[component]
pub fn LinkCard(kind: StorageType, editing: Editing) -> impl IntoView {
    let may_link = session::allows(&ep::LINK_STORAGE);
    let now = Memo::new(move |_| editing.set.with(|s| s.as_ref().map(|s| s.state)));
    let account = Memo::new(move |_| editing.read(|s| s.account.clone()));
    let linked_at = Memo::new(move |_| editing.read(|s| s.linked_at));
    let good = Memo::new(move |_| now.get() == Some(StorageState::Ready));
    let badge = move || {
        now.get().map(|s| {
            let (tone, text) = state(s);
            view! { <Badge tone text/> }
        })
    };
    let facts = move || {
        account.get().map(|account| {
            let (words, when) = if good.get() { ("Linked to", "Since") } else { ("Was linked to", "Linked") };
            view! {
                <dl class="facts row">
                    <Fact term=words>{account}</Fact>
                    {linked_at.get().map(|at| view! { <Fact term=when><When at/></Fact> })}
                </dl>
            }
        })
    };
    view! {
        <Card title="Account" aside=move || badge>
            <div role="status">{facts}</div>
            {move || (!may_link && account.with(Option::is_none)).then(|| view! { <p class="mute">"None is linked yet."</p> })}
            {may_link.then(|| view! {
                {move || if good.get() {
                    view! {
                        <details class="guide">
                            <summary><Icon icon=lu::LuChevronRight/><span>"Link again, or link another account"</span></summary>
                            <Linking kind editing/>
                        </details>
                    }.into_any()
                } else {
                    view! { <Linking kind editing/> }.into_any()
                }}
            })}
        </Card>
    }
}

/// The steps, the button, and the wait.
#[component]
fn Linking(kind: StorageType, editing: Editing) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let id = editing.id().unwrap_or_default().to_string();
    let path = StoredValue::new(id);
    let before = StoredValue::new(editing.set.get_untracked());
    let linked_before = editing.set.with_untracked(|s| s.as_ref().and_then(|s| s.account.clone()));
    let other = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let waiting = RwSignal::new(None::<Waiting>);
    let problem = RwSignal::new(None::<Problem>);
    let late = RwSignal::new(false);
    let looking = StoredValue::new(false);
    let look = move || {
        if waiting.with_untracked(Option::is_none) || looking.get_value() || !session::is_live() {
            return;
        }
        looking.set_value(true);
        leptos::task::spawn_local(async move {
            let result = api::bare(&ep::GET_STORAGE, &[&path.get_value()]).await;
            looking.try_set_value(false);
            let Ok(now) = result else { return };
            let linked = before.try_with_value(|b| b.as_ref().is_some_and(|b| is_linked_since(b, &now)));
            if linked == Some(true) && waiting.try_set(None).is_none() {
                toaster.good(format!("Linked to {}.", now.account.clone().unwrap_or_default()));
                editing.set.try_set(Some(now));
            }
        });
    };
    // Every start has its own ten minutes, and ends the wait of the one before.
    let turn = StoredValue::new(0_u32);
    let wait = move || {
        let (mine, started) = (turn.get_value() + 1, js_sys::Date::now());
        turn.set_value(mine);
        leptos::task::spawn_local(async move {
            loop {
                gloo_timers::future::TimeoutFuture::new(LOOK_MS).await;
                let on = waiting.try_with_untracked(Option::is_some) == Some(true);
                if !on || turn.get_value() != mine {
                    return;
                }
                if js_sys::Date::now() - started > PATIENCE_MS {
                    waiting.set(None);
                    late.set(true);
                    return;
                }
                look();
            }
        });
    };
    let focused = window_event_listener_untyped("focus", move |_| look());
    on_cleanup(move || focused.remove());
    let start = move |()| {
        busy.set(true);
        problem.set(None);
        late.set(false);
        before.set_value(editing.set.get_untracked());
        // Now, while the browser sees that somebody clicked; its address follows.
        let tab = open_tab();
        let input = StorageLinkInput { confirm_other_account: other.get_untracked() };
        leptos::task::spawn_local(async move {
            match api::call(&ep::LINK_STORAGE, &[&path.get_value()], Options::none(), &input).await {
                Ok(link) => {
                    let opened = tab.is_some_and(|tab| tab.location().set_href(&link.authorize_url).is_ok());
                    // The steps say it already.
                    let warnings =
                        link.warnings.into_iter().filter(|w| w.code != "google_testing_mode").collect();
                    let next = Waiting { url: link.authorize_url, warnings, blocked: !opened };
                    // Otherwise the page was left meanwhile.
                    if waiting.try_set(Some(next)).is_none() {
                        wait();
                    }
                }
                Err(refused) => {
                    if let Some(tab) = tab {
                        let _ = tab.close();
                    }
                    problem.try_set(Some(refused));
                }
            }
            busy.try_set(false);
        });
    };
    let held = move || editing.dirty.get().then_some("Save your changes first.");
    let press = move |()| {
        if held().is_none() {
            start(());
        }
    };
    let again = linked_before.is_some();
    view! {
        <Guide kind/>
        <ol class="guide-steps">
            <li><div>"At "{provider(kind)}", the app has to know this redirect URI, byte for byte:"<RedirectUri/></div></li>
            {(kind == StorageType::GoogleDrive).then(|| view! {
                <li><div>"An external app has to be published. "<strong>"While it is in testing, every link ends after 7 days."</strong></div></li>
            })}
            <li><div>{consent_words(kind, linked_before.as_deref())}</div></li>
        </ol>
        {again.then(|| view! {
            <Switch
                label="Allow another account"
                hint="Copies in the account so far stay there, but Storekeep no longer sees them, and does not remove old ones."
                value=other
                set=other
            />
        })}
        <div class="link-actions">
            <BusyButton busy kind="button" on_press=press>
                <Icon icon=lu::LuExternalLink/>{if again { "Re-link the account" } else { "Link the account" }}
            </BusyButton>
            {move || held().map(|why| view! { <p class="hint" role="status">{why}</p> })}
        </div>
        {move || problem.get().map(|problem| view! { <ProblemNotice problem/> })}
        {move || late.get().then(|| view! {
            <Notice tone=Tone::Warn title="Nothing came back" role="status">
                <p>"A linking has ten minutes, and they are over. Start it again."</p>
            </Notice>
        })}
        <div role="status">{move || waiting.get().map(|w| view! { <Wait kind waiting=w stop=move |()| waiting.set(None)/> })}</div>
        <CodeForm editing/>
    }
}

#[component]
fn Wait(kind: StorageType, waiting: Waiting, #[prop(into)] stop: Callback<()>) -> impl IntoView {
    let Waiting { url, warnings, blocked } = waiting;
    let name = provider(kind);
    view! {
        <div class="waiting">
            <p>
                <Icon icon=lu::LuLoaderCircle class="turning"/>
                <strong>{if blocked { "The browser opened no tab" } else { "Waiting for your consent in the other tab" }}</strong>
            </p>
            <p class="mute">"This page notices by itself when the account is linked. You have ten minutes."</p>
            {warnings.into_iter().map(|w| view! { <Notice tone=Tone::Warn><p>{w.message}</p></Notice> }).collect_view()}
            <div class="link-actions">
                <a class=if blocked { "btn primary" } else { "btn" } href=url target="_blank" rel="noopener noreferrer">
                    <Icon icon=lu::LuExternalLink/>{format!("Open the page of {name}")}
                </a>
                <button type="button" class="btn quiet" on:click=move |_| stop.run(())>"Stop waiting"</button>
            </div>
        </div>
    }
}

fn consent_words(kind: StorageType, account: Option<&str>) -> String {
    let whom = match account {
        Some(account) => format!("Sign in as {account}"),
        None => "Sign in as the account that the copies go to".into(),
    };
    let boxes = if kind == StorageType::GoogleDrive { ", tick every box" } else { "" };
    format!("Press the button below. {whom}{boxes}, and agree.")
}

/// A tab that cannot reach back into the console.
fn open_tab() -> Option<web_sys::Window> {
    let tab = window().open_with_url_and_target("", "_blank").ok().flatten()?;
    let _ = tab.set_opener(&wasm_bindgen::JsValue::NULL);
    Some(tab)
}
