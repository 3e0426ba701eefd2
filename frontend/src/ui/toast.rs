//! Short messages about what just happened, in a live region.

use super::{Icon, lu};
use contract::Problem;
use leptos::prelude::*;

#[derive(Debug, Clone, PartialEq)]
struct Toast {
    id: u32,
    bad: bool,
    text: String,
}

#[derive(Clone, Copy)]
pub struct Toaster {
    toasts: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

impl Toaster {
    pub fn new() -> Self {
        Toaster { toasts: RwSignal::new(Vec::new()), next: StoredValue::new(0) }
    }

    /// Goes away by itself after a while.
    pub fn good(self, text: impl Into<String>) {
        let id = self.show(false, text.into());
        leptos::task::spawn_local(async move {
            gloo_timers::future::TimeoutFuture::new(6000).await;
            self.dismiss(id);
        });
    }

    /// Stays until it is dismissed.
    pub fn bad(self, text: impl Into<String>) {
        self.show(true, text.into());
    }

    pub fn problem(self, problem: &Problem) {
        self.bad(format!("{}. {}", problem.title, problem.detail));
    }

    fn show(self, bad: bool, text: String) -> u32 {
        let id = self.next.get_value();
        self.next.set_value(id + 1);
        self.toasts.update(|list| {
            // The same message again replaces the older one.
            list.retain(|t| t.text != text);
            list.push(Toast { id, bad, text });
        });
        id
    }

    fn dismiss(self, id: u32) {
        self.toasts.update(|list| list.retain(|t| t.id != id));
    }
}

#[component]
pub fn Toasts() -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    view! {
        <div class="toasts" role="status" aria-live="polite" aria-label="Messages">
            <For each=move || toaster.toasts.get() key=|t| t.id let(toast)>
                <div class="toast" class:bad=toast.bad>
                    <Icon icon=if toast.bad { lu::LuCircleAlert } else { lu::LuCircleCheck }/>
                    <p>{toast.text}</p>
                    <button
                        type="button"
                        class="btn icon-only quiet small"
                        aria-label="Dismiss the message"
                        on:click=move |_| toaster.dismiss(toast.id)
                    >
                        <Icon icon=lu::LuX/>
                    </button>
                </div>
            </For>
        </div>
    }
}
