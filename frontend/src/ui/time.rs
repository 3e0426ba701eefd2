//! Times on the page: relative ones that keep up, absolute ones in the reader's zone.

use crate::models::format;
use chrono::{DateTime, TimeZone, Utc};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

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

/// `Fri, 27 Nov 2026, 02:30` in that zone; in UTC, and said so, where the browser does not know the zone.
pub fn in_zone(at: DateTime<Utc>, zone: &str) -> String {
    let told = || {
        let options = js_sys::Object::new();
        let set = |key: &str, value: &str| js_sys::Reflect::set(&options, &key.into(), &value.into()).ok();
        for (key, value) in [
            ("timeZone", zone),
            ("weekday", "short"),
            ("day", "numeric"),
            ("month", "short"),
            ("year", "numeric"),
            ("hour", "2-digit"),
            ("minute", "2-digit"),
            ("hourCycle", "h23"),
        ] {
            set(key, value)?;
        }
        let intl = js_sys::Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
        let maker = js_sys::Reflect::get(&intl, &"DateTimeFormat".into()).ok()?;
        // By hand, because an unknown zone is thrown.
        let arguments = js_sys::Array::of2(&"en-GB".into(), &options);
        let format = js_sys::Reflect::construct(maker.dyn_ref::<js_sys::Function>()?, &arguments).ok()?;
        let function =
            js_sys::Reflect::get(&format, &"format".into()).ok()?.dyn_into::<js_sys::Function>().ok()?;
        let date = js_sys::Date::new(&(at.timestamp_millis() as f64).into());
        function.call1(&format, &date).ok()?.as_string()
    };
    told().unwrap_or_else(|| format!("{} UTC", format::absolute(at, 0)))
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
