//! Ending a pass early: asks first, and says what stays and what goes.

use crate::api;
use crate::models::again::{self, Cost};
use crate::ui::*;
use contract::{BackupLog, OverallStatus, Problem, ProblemCode, endpoints as ep};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// A pass that is to be cancelled: its log, and what it backs up.
pub type Ending = (i64, String);

/// *Cancel*: with its word in the head of a page, smaller in a list, a mere icon among other icons.
#[component]
pub fn CancelButton(
    ending: RwSignal<Option<Ending>>,
    log_id: i64,
    #[prop(into)] title: String,
    #[prop(default = "btn")] class: &'static str,
) -> impl IntoView {
    let name = format!("Cancel the backup of {title}");
    let icon_only = class.contains("icon-only");
    view! {
        <button
            type="button"
            class=class
            title=icon_only.then_some("Cancel")
            aria-label=name
            on:click=move |_| ending.set(Some((log_id, title.clone())))
        >
            <Icon icon=lu::LuCircleStop/>{(!icon_only).then_some("Cancel")}
        </button>
    }
}

/// Open while it holds a pass. `on_done` gets its log, or nothing when it had ended already.
#[component]
pub fn CancelDialog(
    ending: RwSignal<Option<Ending>>,
    /// As far as the page knows how far the pass is.
    #[prop(optional, into)]
    cost: Option<Signal<Cost>>,
    #[prop(into)] on_done: Callback<Option<BackupLog>>,
) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let (open, busy) = (RwSignal::new(false), RwSignal::new(false));
    let problem = RwSignal::new(None::<Problem>);
    Effect::new(move |_| {
        let wanted = ending.with(Option::is_some);
        if wanted != open.get_untracked() {
            problem.set(None);
            open.set(wanted);
        }
    });
    Effect::new(move |_| {
        if !open.get() && ending.with_untracked(Option::is_some) {
            ending.set(None);
        }
    });
    let cancel = move |()| {
        let Some((log_id, title)) = ending.get_untracked() else { return };
        busy.set(true);
        leptos::task::spawn_local(async move {
            match api::bare(&ep::CANCEL_LOG, &[&log_id.to_string()]).await {
                Ok(log) => {
                    let ended = log.overall_status != OverallStatus::Pending;
                    toaster.good(if ended {
                        format!("The backup of “{title}” was cancelled before it began.")
                    } else {
                        format!("The backup of “{title}” is being cancelled.")
                    });
                    on_done.try_run(Some(log));
                    leave(open);
                }
                Err(refusal) if refusal.code == ProblemCode::NotRunning => {
                    toaster.good(format!("The backup of “{title}” had ended already."));
                    on_done.try_run(None);
                    leave(open);
                }
                Err(refusal) => {
                    problem.try_set(Some(refusal));
                }
            }
            busy.try_set(false);
        });
    };
    let title = Signal::derive(move || {
        format!("Cancel the backup of “{}”?", ending.get().map(|e| e.1).unwrap_or_default())
    });
    let costs = move || cost.map_or_else(again::cost, |cost| cost.get());
    view! {
        <Dialog open title>
            {move || problem.get().map(|problem| view! { <ProblemNotice problem/> })}
            {move || {
                let Cost { stays, goes } = costs();
                view! {
                    <div class="cost">
                        <div>
                            <h3><Icon icon=lu::LuCircleCheck/>"What stays"</h3>
                            <ul>{stays.into_iter().map(|s| view! { <li>{s}</li> }).collect_view()}</ul>
                        </div>
                        <div class="goes">
                            <h3><Icon icon=lu::LuCircleX/>"What goes"</h3>
                            <ul>{goes.into_iter().map(|s| view! { <li>{s}</li> }).collect_view()}</ul>
                        </div>
                    </div>
                }
            }}
            <p class="mute small">"It is not tried again by itself. The schedule goes on."</p>
            <div class="dialog-actions">
                <button type="button" class="btn" autofocus on:click=move |_| open.set(false)>"Keep it running"</button>
                <BusyButton busy kind="button" class="btn danger" on_press=cancel>"Cancel the backup"</BusyButton>
            </div>
        </Dialog>
    }
}

/// The button that opened the dialog is gone with what it was for: the focus goes to the head of the page.
fn leave(open: RwSignal<bool>) {
    if open.try_set(false).is_none() {
        set_timeout(focus_heading, std::time::Duration::from_millis(50));
    }
}

pub fn focus_heading() {
    let lost = document().active_element().is_none_or(|e| e.tag_name() == "BODY");
    let heading = document().query_selector("#main h1").ok().flatten();
    if let Some(heading) = heading.filter(|_| lost).and_then(|h| h.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = heading.focus();
    }
}
