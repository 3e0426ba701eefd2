//! Dialogs on the browser's own `<dialog>`: it keeps the focus inside, closes on Escape and gives the focus back.

use super::{BusyButton, Icon, lu};
use leptos::{html, prelude::*};
use std::sync::atomic::{AtomicU32, Ordering};
use wasm_bindgen::JsCast;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A modal dialog. Its content exists only while it is open.
#[component]
pub fn Dialog(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let id = StoredValue::new(format!("dialog-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    // Asked to show, not shown yet. A late `close` event of its last time must not take that back.
    let showing = StoredValue::new(false);
    Effect::new(move |_| {
        let (wanted, Some(dialog)) = (open.get(), node.get()) else { return };
        if wanted && !dialog.open() {
            // The content is rendered first, so that the browser finds the field to focus.
            showing.set_value(true);
            request_animation_frame(move || {
                showing.try_set_value(false);
                let wanted = open.try_get_untracked() == Some(true);
                if wanted && !dialog.open() && dialog.is_connected() {
                    let _ = dialog.show_modal();
                }
            });
        } else if !wanted && dialog.open() {
            dialog.close();
        }
    });
    let on_close = move |_| {
        if !showing.get_value() {
            open.set(false);
        }
    };
    let on_backdrop = move |event: leptos::ev::MouseEvent| {
        // The content covers the dialog: what hits the dialog itself is its backdrop.
        let target = event.target().and_then(|t| t.dyn_into::<web_sys::HtmlDialogElement>().ok());
        if target.is_some() && target == node.get_untracked() {
            open.set(false);
        }
    };
    view! {
        <dialog node_ref=node class="dialog" aria-labelledby=id.get_value() on:cancel=move |_: leptos::ev::Event| open.set(false) on:close=on_close on:mousedown=on_backdrop>
            <Show when=move || open.get()>
                <div class="dialog-body">
                    <div class="dialog-head">
                        <h2 id=id.get_value()>{move || title.get()}</h2>
                        <button type="button" class="btn icon-only quiet" aria-label="Close" on:click=move |_| open.set(false)>
                            <Icon icon=lu::LuX/>
                        </button>
                    </div>
                    {children()}
                </div>
            </Show>
        </dialog>
    }
}

/// Asks before something is done. The dialog stays open while it is being done.
#[component]
pub fn Confirm(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    #[prop(into)] text: Signal<String>,
    /// What the button does: `Delete`, `Leave`.
    action: &'static str,
    #[prop(default = true)] danger: bool,
    #[prop(optional, into)] busy: Signal<bool>,
    #[prop(into)] on_confirm: Callback<()>,
) -> impl IntoView {
    let class = if danger { "btn danger" } else { "btn primary" };
    view! {
        <Dialog open title>
            <p>{move || text.get()}</p>
            <div class="dialog-actions">
                <button type="button" class="btn" autofocus on:click=move |_| open.set(false)>"Cancel"</button>
                <BusyButton busy kind="button" class=class on_press=on_confirm>{action}</BusyButton>
            </div>
        </Dialog>
    }
}
