//! Keeping what is on the page up to date.

use crate::api::session::{self, Status};
use leptos::prelude::*;
use std::rc::Rc;

const TICK_MS: u32 = 4_000;
/// Between two looks when nothing is under way.
const IDLE_MS: f64 = 30_000.0;

/// Calls back every few seconds while `busy`, else twice a minute, and at once when somebody looks again or has signed in again;
/// until the page is left. Nothing is asked for while the page is out of sight.
pub fn refresh(busy: impl Fn() -> bool + 'static, look: impl Fn() + 'static) {
    let look = Rc::new(move || {
        if session::is_live() && !document().hidden() {
            look();
        }
    });
    let alive = StoredValue::new(());
    let later = look.clone();
    leptos::task::spawn_local(async move {
        let mut looked = js_sys::Date::now();
        loop {
            gloo_timers::future::TimeoutFuture::new(TICK_MS).await;
            if alive.try_get_value().is_none() {
                return;
            }
            // By the clock: browsers slow down the timers of a page that nobody looks at.
            if busy() || js_sys::Date::now() - looked >= IDLE_MS {
                looked = js_sys::Date::now();
                later();
            }
        }
    });
    let back = look.clone();
    let seen = window_event_listener_untyped("visibilitychange", move |_| back());
    on_cleanup(move || seen.remove());
    let status = session::status();
    Effect::new(move |was_live: Option<bool>| {
        let live = status.with(|s| matches!(s, Status::SignedIn(_)));
        if live && was_live == Some(false) {
            look();
        }
        live
    });
}
