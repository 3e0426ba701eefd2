//! Asks before a page with unsaved changes is left.

use super::Confirm;
use crate::models::leave::{Click, leaves_page};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_navigate};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// The page that may hold its visitor back: at most one.
struct Hold {
    dirty: Signal<bool>,
    /// Its own address, to go back to.
    here: String,
    wanted: RefCell<Option<Wanted>>,
    open: RwSignal<bool>,
    allowed: StoredValue<bool>,
}

/// What was asked for, until it is allowed.
enum Wanted {
    Address(String),
    Action(Box<dyn FnOnce()>),
}

thread_local! {
    static HOLD: RefCell<Option<Rc<Hold>>> = const { RefCell::new(None) };
}

/// The page that holds, while it has unsaved changes.
fn held() -> Option<Rc<Hold>> {
    let hold = HOLD.with_borrow(Clone::clone)?;
    let holds = hold.dirty.try_get_untracked() == Some(true) && hold.allowed.try_get_value() == Some(false);
    holds.then_some(hold)
}

impl Hold {
    fn ask(&self, wanted: Wanted) {
        self.wanted.replace(Some(wanted));
        self.open.set(true);
    }
}

/// For what leaves the page without a link, such as signing out: done at once, or after the question.
pub fn ask_first(action: impl FnOnce() + 'static) {
    match held() {
        Some(hold) => hold.ask(Wanted::Action(Box::new(action))),
        None => action(),
    }
}

/// Listens for links and *back* for the whole life of the app. Call it before the router is made: on the window itself,
/// listeners are called in the order in which they came.
pub fn guard_history() {
    listen("click", |event| {
        let target = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        let link = target.and_then(|t| t.closest("a[href^='/']").ok().flatten());
        if let Some(link) = link
            && leaves(&event, &link)
            && let Some(hold) = held()
        {
            event.prevent_default();
            event.stop_immediate_propagation();
            hold.ask(Wanted::Address(link.get_attribute("href").unwrap_or_default()));
        }
    });
    listen("popstate", |event| {
        if let Some(hold) = held() {
            event.stop_immediate_propagation();
            let location = window().location();
            let there = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
            if let Ok(history) = window().history() {
                let _ = history.push_state_with_url(&JsValue::NULL, "", Some(&hold.here));
            }
            hold.ask(Wanted::Address(there));
        }
    });
    listen("beforeunload", |event| {
        if held().is_some() {
            event.prevent_default();
        }
    });
}

fn leaves(event: &web_sys::Event, link: &web_sys::Element) -> bool {
    let Some(mouse) = event.dyn_ref::<web_sys::MouseEvent>() else { return true };
    leaves_page(Click {
        button: mouse.button(),
        modified: mouse.ctrl_key() || mouse.meta_key() || mouse.shift_key() || mouse.alt_key(),
        target: &link.get_attribute("target").unwrap_or_default(),
        download: link.has_attribute("download"),
    })
}

fn listen(name: &str, handler: impl Fn(web_sys::Event) + 'static) {
    let closure = Closure::<dyn Fn(web_sys::Event)>::new(handler);
    let function = closure.as_ref().unchecked_ref();
    let _ = window().add_event_listener_with_callback_and_bool(name, function, true);
    // Never removed.
    closure.forget();
}

/// While `dirty`: links, *back* and signing out ask first, closing the window asks through the browser.
#[component]
pub fn LeaveGuard(#[prop(into)] dirty: Signal<bool>) -> impl IntoView {
    let location = use_location();
    let here = location.pathname.get_untracked() + &location.search.get_untracked();
    let open = RwSignal::new(false);
    let allowed = StoredValue::new(false);
    let hold = Rc::new(Hold { dirty, here, wanted: RefCell::new(None), open, allowed });
    HOLD.set(Some(hold.clone()));
    let mine = StoredValue::new_local(hold);
    on_cleanup(move || {
        // The next page may have put its own in place already.
        let same = |h: &Option<Rc<Hold>>| h.as_ref().is_some_and(|h| mine.with_value(|m| Rc::ptr_eq(h, m)));
        if HOLD.with_borrow(same) {
            HOLD.set(None);
        }
    });
    let navigate = use_navigate();
    let leave = move |()| {
        allowed.set_value(true);
        open.set(false);
        match mine.with_value(|hold| hold.wanted.take()) {
            Some(Wanted::Address(address)) => navigate(&address, Default::default()),
            Some(Wanted::Action(action)) => action(),
            None => {}
        }
    };
    view! {
        <Confirm
            open
            title="Leave without saving?"
            text="What you changed on this page will be lost."
            action="Leave"
            on_confirm=leave
        />
    }
}
