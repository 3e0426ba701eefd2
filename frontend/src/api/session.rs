//! Who is signed in, and the tokens behind it.

use super::{Options, call};
use contract::{
    Access, Endpoint, Grants, LoginInput, Me, Problem, ProblemCode, Session as Tokens, endpoints as ep,
};
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared};
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// Says that this browser signed in before, so that a first visit does not ask for a token in vain.
const HINT: &str = "storekeep.signed-in";
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
    SignedIn(Me),
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
}

/// The status, to be read in views.
pub fn status() -> ArcRwSignal<Status> {
    STATUS.with(Clone::clone)
}

/// The signed-in user; not tracked.
pub fn me() -> Option<Me> {
    status().with_untracked(|s| if let Status::SignedIn(me) = s { Some(me.clone()) } else { None })
}

/// Whether the row of this route lets the signed-in user in. Controls that lead there are shown only then.
///
/// Not tracked: what somebody may do is fixed while they are signed in, and signing in builds the pages anew.
pub fn allows<Req, Res>(endpoint: &Endpoint<Req, Res>) -> bool {
    let access = endpoint.row.access;
    status().with_untracked(|s| match s {
        Status::SignedIn(me) => access.missing(&me.resources.iter().copied().collect::<Grants>()).is_none(),
        _ => access == Access::Public,
    })
}

pub(super) fn access_token() -> Option<String> {
    TOKEN.with_borrow(|t| t.as_ref().map(|t| t.access.clone()))
}

/// The server no longer knows who asks: the token ran out or was ended.
pub(super) fn is_over(problem: &Problem) -> bool {
    matches!(problem.code, ProblemCode::NotSignedIn | ProblemCode::SessionEnded)
}

/// Finds out where the console stands when the page is loaded.
pub async fn start() {
    follow_other_tabs();
    let next = if hint() {
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
    let me = super::bare(&ep::GET_ME, &[]).await?;
    set_hint(true);
    status().set(Status::SignedIn(me));
    Ok(())
}

/// Ends the session here and on the server. Ends it here also when the server does not answer.
pub async fn sign_out() -> Result<(), Problem> {
    let result = call(&ep::LOGOUT, &[], Options::none(), &()).await;
    end(None);
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
                end(Some("Your session has ended. Sign in again to go on where you were.".into()));
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
    Ok(())
}

fn keep(tokens: Tokens) {
    let ends_at = js_sys::Date::now() + tokens.expires_in as f64 * 1000.0;
    TOKEN.set(Some(Token { access: tokens.access_token, ends_at }));
}

fn end(notice: Option<String>) {
    TOKEN.set(None);
    set_hint(false);
    // While the page loads, `start` decides what comes next.
    if status().with_untracked(|s| matches!(s, Status::SignedIn(_))) {
        status().set(Status::SignedOut { notice });
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn hint() -> bool {
    storage().is_some_and(|s| s.get_item(HINT).ok().flatten().is_some())
}

fn set_hint(on: bool) {
    // Without storage the next visit signs in again.
    if let Some(storage) = storage() {
        let _ = if on { storage.set_item(HINT, "1") } else { storage.remove_item(HINT) };
    }
}

/// Signing out in one tab signs the others out.
fn follow_other_tabs() {
    if WATCHED.replace(true) {
        return;
    }
    let on_storage = window_event_listener(leptos::ev::storage, |event| {
        if event.key().as_deref() == Some(HINT) && event.new_value().is_none() {
            end(Some("You signed out in another tab.".into()));
        }
    });
    std::mem::forget(on_storage);
}
