//! Asks before a page with unsaved changes is left.

use super::Confirm;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_navigate};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// The page that may hold its visitor back: at most one.
#[derive(Clone)]
struct Hold {
    dirty: Signal<bool>,
    /// Its own address, to go back to.
    here: String,
    wanted: RwSignal<String>,
    open: RwSignal<bool>,
    allowed: StoredValue<bool>,
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
    fn ask(&self, address: String) {
        self.wanted.set(address);
        self.open.set(true);
    }
}

/// Listens for links and *back* for the whole life of the app. Call it before the router is made: on the window itself,
/// listeners are called in the order in which they came.
pub fn guard_history() {
    listen("click", |event| {
        let target = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        let link = target.and_then(|t| t.closest("a[href^='/']").ok().flatten());
        if let Some(link) = link
            && let Some(hold) = held()
        {
            event.prevent_default();
            event.stop_immediate_propagation();
            hold.ask(link.get_attribute("href").unwrap_or_default());
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
            hold.ask(there);
        }
    });
    listen("beforeunload", |event| {
        if held().is_some() {
            event.prevent_default();
        }
    });
}

fn listen(name: &str, handler: impl Fn(web_sys::Event) + 'static) {
    let closure = Closure::<dyn Fn(web_sys::Event)>::new(handler);
    let function = closure.as_ref().unchecked_ref();
    let _ = window().add_event_listener_with_callback_and_bool(name, function, true);
    // Never removed.
    closure.forget();
}

/// While `dirty`: links and *back* ask first, closing the window asks through the browser.
#[component]
pub fn LeaveGuard(#[prop(into)] dirty: Signal<bool>) -> impl IntoView {
    let location = use_location();
    let here = location.pathname.get_untracked() + &location.search.get_untracked();
    let (wanted, open) = (RwSignal::new(String::new()), RwSignal::new(false));
    let allowed = StoredValue::new(false);
    let hold = Rc::new(Hold { dirty, here, wanted, open, allowed });
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
        navigate(&wanted.get_untracked(), Default::default());
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
