//! Who is signed in, and the tokens behind it.

use super::{Options, ask_who, call};
use crate::models::session::{Change, Turn, change, grants, turn};
use contract::{Access, Endpoint, LoginInput, Me, Problem, ProblemCode, Session as Tokens, endpoints as ep};
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared};
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// The mark of the sign-in that holds in this browser, another one each time. It tells the tabs of one another, and a first
/// visit not to ask for a token in vain. It opens nothing.
const MARK: &str = "storekeep.signed-in";
/// An access token this close to its end is renewed first.
const MARGIN_MS: f64 = 20_000.0;

#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Not known yet: the page has just been loaded.
    Loading,
    /// Neither signed in nor able to: the server does not answer.
    Unreachable(Problem),
    /// No administrator exists yet.
    SetupNeeded,
    /// `notice` says why, when it was not asked for.
    SignedOut {
        notice: Option<String>,
    },
    /// The session ended by itself. The pages stay as they are, out of sight, until the same user has signed in again.
    Expired(Me),
    SignedIn(Me),
}

impl Status {
    /// Whom the pages were built for.
    pub fn user(&self) -> Option<&Me> {
        match self {
            Status::SignedIn(me) | Status::Expired(me) => Some(me),
            _ => None,
        }
    }
}

struct Token {
    access: String,
    /// By this browser's clock, in milliseconds.
    ends_at: f64,
}

type Renewal = Shared<LocalBoxFuture<'static, Result<(), Problem>>>;

thread_local! {
    static STATUS: ArcRwSignal<Status> = ArcRwSignal::new(Status::Loading);
    static TOKEN: RefCell<Option<Token>> = const { RefCell::new(None) };
    static RENEWAL: RefCell<Option<Renewal>> = const { RefCell::new(None) };
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// The mark that this tab knows.
    static MINE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The status, to be read in views.
pub fn status() -> ArcRwSignal<Status> {
    STATUS.with(Clone::clone)
}

/// The signed-in user; not tracked.
pub fn me() -> Option<Me> {
    status().with_untracked(|s| s.user().cloned())
}

/// False while nobody is signed in, or no longer: what is asked for in the background can wait. Not tracked.
pub fn is_live() -> bool {
    status().with_untracked(|s| matches!(s, Status::SignedIn(_)))
}

/// Whether the row of this route lets the signed-in user in. Controls that lead there are shown only then.
///
/// Not tracked: when what somebody may do changes, the pages are built anew.
pub fn allows<Req, Res>(endpoint: &Endpoint<Req, Res>) -> bool {
    let access = endpoint.row.access;
    status().with_untracked(|s| match s.user() {
        Some(me) => access.missing(&grants(me)).is_none(),
        None => access == Access::Public,
    })
}

pub(super) fn access_token() -> Option<String> {
    TOKEN.with_borrow(|t| t.as_ref().map(|t| t.access.clone()))
}

/// The server no longer knows who asks: the token ran out or was ended.
pub fn is_over(problem: &Problem) -> bool {
    matches!(problem.code, ProblemCode::NotSignedIn | ProblemCode::SessionEnded)
}

/// Finds out where the console stands when the page is loaded.
pub async fn start() {
    follow_other_tabs();
    MINE.set(mark());
    let next = if mark().is_some() {
        match renew().await {
            Ok(()) => match super::bare(&ep::GET_ME, &[]).await {
                Ok(me) => Some(Status::SignedIn(me)),
                Err(problem) => Some(Status::Unreachable(problem)),
            },
            // A session that ran out over night is nothing to explain on the sign-in page.
            Err(problem) if problem.status == 401 => None,
            Err(problem) => Some(Status::Unreachable(problem)),
        }
    } else {
        None
    };
    let next = match next {
        Some(status) => status,
        None => match super::bare(&ep::GET_SETUP, &[]).await {
            Ok(setup) if setup.needed => Status::SetupNeeded,
            Ok(_) => Status::SignedOut { notice: None },
            Err(problem) => Status::Unreachable(problem),
        },
    };
    status().set(next);
}

pub async fn sign_in(input: &LoginInput) -> Result<(), Problem> {
    let tokens = call(&ep::LOGIN, &[], Options::none(), input).await?;
    accept(tokens).await
}

/// Takes over the tokens of a sign-in, a set-up or a changed password.
pub async fn accept(tokens: Tokens) -> Result<(), Problem> {
    keep(tokens);
    let me = ask_who().await?;
    let mark = format!("{:x}-{:x}", js_sys::Date::now() as u64, (js_sys::Math::random() * 1e12) as u64);
    // Without storage the next visit signs in again.
    if let Some(storage) = storage() {
        let _ = storage.set_item(MARK, &mark);
    }
    MINE.set(Some(mark));
    status().set(Status::SignedIn(me));
    Ok(())
}

/// Ends the session here and on the server. Ends it here also when the server does not answer.
pub async fn sign_out() -> Result<(), Problem> {
    let result = call(&ep::LOGOUT, &[], Options::none(), &()).await;
    end(|_| Status::SignedOut { notice: None });
    result
}

/// Renews a token that is about to run out.
pub(super) async fn renew_if_old() -> Result<(), Problem> {
    let old = TOKEN.with_borrow(|t| t.as_ref().is_some_and(|t| t.ends_at - MARGIN_MS < js_sys::Date::now()));
    if old { renew().await } else { Ok(()) }
}

/// Gets a new access token through the cookie. Calls that need one at the same moment share one request.
pub(super) async fn renew() -> Result<(), Problem> {
    let renewal = RENEWAL.with_borrow_mut(|slot| {
        let renewal = async {
            let result = renew_alone().await;
            RENEWAL.set(None);
            if let Err(problem) = &result
                && problem.status == 401
            {
                end(Status::Expired);
            }
            result
        };
        slot.get_or_insert_with(|| renewal.boxed_local().shared()).clone()
    });
    renewal.await
}

/// The refresh token changes with every use, and an old one ends the session: tabs take turns, through the browser's
/// lock where there is one.
async fn renew_alone() -> Result<(), Problem> {
    let outcome = Rc::new(RefCell::new(None));
    let inside = outcome.clone();
    let task = Closure::once(move || {
        wasm_bindgen_futures::future_to_promise(async move {
            let result = request_renewal().await;
            inside.replace(Some(result));
            Ok(JsValue::UNDEFINED)
        })
    });
    let locks = js_sys::Reflect::get(&window().navigator(), &"locks".into()).unwrap_or_default();
    let request = js_sys::Reflect::get(&locks, &"request".into())
        .ok()
        .and_then(|f| f.dyn_into::<js_sys::Function>().ok());
    let promise = request.and_then(|f| f.call2(&locks, &"storekeep.refresh".into(), task.as_ref()).ok());
    if let Some(promise) = promise.and_then(|p| p.dyn_into::<js_sys::Promise>().ok()) {
        // A lock that cannot be had leaves the outcome empty, and the request is made without it.
        let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
    }
    let result = outcome.take();
    match result {
        Some(result) => result,
        None => request_renewal().await,
    }
}

async fn request_renewal() -> Result<(), Problem> {
    let tokens = call(&ep::REFRESH, &[], Options::none(), &Default::default()).await?;
    keep(tokens);
    find_out().await
}

/// The cookie is the browser's, not this tab's: somebody else may have signed in meanwhile. And roles change. The pages are
/// built anew when they no longer fit; what was asked for on behalf of another user is then not sent.
async fn find_out() -> Result<(), Problem> {
    let Some(before) = me().filter(|_| is_live()) else { return Ok(()) };
    let now = match ask_who().await {
        Ok(now) => now,
        Err(problem) => {
            // Nothing is sent with a token of nobody knows whom.
            TOKEN.set(None);
            return Err(problem);
        }
    };
    let changed = change(&before, &now);
    if changed != Change::None {
        status().set(Status::SignedIn(now));
    }
    match changed {
        Change::None | Change::Rights => Ok(()),
        Change::Person => Err(Problem {
            title: "Somebody else is signed in now".into(),
            ..Problem::new(ProblemCode::Unavailable, "They signed in in this browser. Nothing was sent.")
        }),
    }
}

/// The same in the background, after the server refused what a page offered.
pub(super) fn find_out_soon() {
    leptos::task::spawn_local(async {
        let _ = find_out().await;
    });
}

fn keep(tokens: Tokens) {
    let ends_at = js_sys::Date::now() + tokens.expires_in as f64 * 1000.0;
    TOKEN.set(Some(Token { access: tokens.access_token, ends_at }));
}

/// Ends the session in this tab, and in the others unless a newer one has begun there.
fn end(next: impl FnOnce(Me) -> Status) {
    if let Some(storage) = storage()
        && mark() == MINE.with_borrow(Clone::clone)
    {
        let _ = storage.remove_item(MARK);
    }
    end_here(next);
}

fn end_here(next: impl FnOnce(Me) -> Status) {
    TOKEN.set(None);
    MINE.set(None);
    // While the page loads, `start` decides what comes next.
    if let Some(me) = me().filter(|_| is_live()) {
        status().set(next(me));
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn mark() -> Option<String> {
    storage().and_then(|s| s.get_item(MARK).ok().flatten())
}

/// Signing out in one tab signs the others out, and signing in again brings them back.
fn follow_other_tabs() {
    if WATCHED.replace(true) {
        return;
    }
    let on_storage = window_event_listener(leptos::ev::storage, |event| {
        if event.key().is_some_and(|key| key != MARK) {
            return;
        }
        let now = mark();
        match turn(MINE.with_borrow(Clone::clone).as_deref(), now.as_deref()) {
            Turn::Stay => {}
            Turn::SignOut => {
                let notice = Some("You signed out in another tab.".into());
                end_here(|_| Status::SignedOut { notice });
            }
            Turn::FindOut => {
                MINE.set(now);
                leptos::task::spawn_local(come_back());
            }
        }
    });
    std::mem::forget(on_storage);
}

/// Takes over the session that was begun in another tab. When that fails, this tab stays as it is.
async fn come_back() {
    let waits = status().with_untracked(|s| matches!(s, Status::SignedOut { .. } | Status::Expired(_)));
    if renew().await.is_ok()
        && waits
        && let Ok(me) = ask_who().await
    {
        status().set(Status::SignedIn(me));
    }
}
