//! Bars.

use crate::models::password::Strength;
use crate::models::progress::percent;
use leptos::prelude::*;

/// A progress bar; without a fraction it says that work goes on.
#[component]
pub fn ProgressBar(
    #[prop(into)] label: String,
    #[prop(into)] fraction: Signal<Option<f64>>,
    #[prop(optional, into)] tone: Signal<&'static str>,
    #[prop(optional)] large: bool,
) -> impl IntoView {
    let now = move || fraction.get().map(|f| percent(f).to_string());
    view! {
        <div
            class=move || format!("bar {}", tone.get())
            class:large=large
            class:unknown=move || fraction.get().is_none()
            role="progressbar"
            aria-label=label
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=now
        >
            <span class="fill" style:width=move || format!("{:.1}%", fraction.get().unwrap_or(0.3) * 100.0)></span>
        </div>
    }
}

/// Four segments and a word.
#[component]
pub fn StrengthMeter(#[prop(into)] judged: Signal<(Strength, &'static str)>) -> impl IntoView {
    let level = move || judged.get().0.level();
    view! {
        <div class="strength">
            <div class=move || format!("segments level-{}", level()) aria-hidden="true">
                <span></span><span></span><span></span><span></span>
            </div>
            <p class="hint" role="status">
                <strong>{move || judged.get().0.label()}</strong>". "{move || judged.get().1}
            </p>
        </div>
    }
}
