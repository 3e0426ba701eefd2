//! Times on the page: relative ones that keep up, absolute ones in the reader's zone.

use crate::models::format;
use chrono::{DateTime, TimeZone, Utc};
use leptos::prelude::*;

/// The present, a few times a minute. In the context of the whole app.
#[derive(Clone, Copy)]
pub struct Clock(RwSignal<DateTime<Utc>>);

impl Clock {
    pub fn start() -> Self {
        let clock = Clock(RwSignal::new(browser_time()));
        leptos::task::spawn_local(async move {
            loop {
                gloo_timers::future::TimeoutFuture::new(15_000).await;
                clock.0.set(browser_time());
            }
        });
        clock
    }

    pub fn now(self) -> DateTime<Utc> {
        self.0.get()
    }
}

pub fn browser_time() -> DateTime<Utc> {
    Utc.timestamp_millis_opt(js_sys::Date::now() as i64).single().unwrap_or_default()
}

/// Minutes that the reader's zone is ahead of UTC at that instant.
pub fn offset_min(at: DateTime<Utc>) -> i32 {
    let date = js_sys::Date::new(&(at.timestamp_millis() as f64).into());
    -(date.get_timezone_offset() as i32)
}

/// An instant: relative in the text, absolute on hover; or the other way round with `exact`.
#[component]
pub fn When(at: DateTime<Utc>, #[prop(optional)] exact: bool) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let absolute = format::absolute(at, offset_min(at));
    let text = {
        let absolute = absolute.clone();
        move || {
            if exact {
                absolute.clone()
            } else {
                format::relative(at, clock.now()).unwrap_or_else(|| absolute.clone())
            }
        }
    };
    view! { <time datetime=at.to_rfc3339() title=absolute>{text}</time> }
}
