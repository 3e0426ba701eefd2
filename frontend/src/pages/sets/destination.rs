//! One destination in the form of a Backup Set.

use super::destinations::{Rows, row_button};
use crate::api::session;
use crate::models::set_rows::StorageFormRow;
use crate::models::storage_words::{path_field, row_trouble};
use crate::models::words::{self, Tone};
use crate::pages::storages::icon;
use crate::ui::*;
use contract::{StorageType, endpoints as ep};
use leptos::prelude::*;
use leptos_router::components::A;
use wasm_bindgen::JsCast;

#[component]
pub fn Row(rows: Rows, at: usize, key: u32, id: Option<i64>) -> impl IntoView {
    let option = Memo::new(move |_| id.and_then(|id| rows.known.get(id)));
    let kind = Memo::new(move |_| match id {
        None => Some(StorageType::Local),
        Some(_) => option.with(|o| o.as_ref().map(|o| o.kind)),
    });
    let enabled = Signal::derive(move || rows.typed.with(|t| t.row(key).is_some_and(|r| r.enabled)));
    let set_enabled = move |on: bool| change(rows, key, |r| r.enabled = on);
    let name = Signal::derive(move || rows.name(id));
    let note = move || match kind.get() {
        Some(StorageType::Local) => "In the server's archive directory.".to_string(),
        Some(kind) => words::storage_type(kind).to_string(),
        None => String::new(),
    };
    let shown = move || kind.get().map_or(lu::LuCloud, icon);
    let on_drop = move |event: leptos::ev::DragEvent| {
        event.prevent_default();
        rows.drop_on(key);
    };
    let on_dragover = move |event: leptos::ev::DragEvent| {
        if id.is_some() && rows.dragged.with_untracked(Option::is_some) {
            event.prevent_default();
            if rows.over.get_untracked() != Some(key) {
                rows.over.set(Some(key));
            }
        }
    };
    let is_over = move || rows.over.get() == Some(key) && rows.dragged.get() != Some(key);
    view! {
        <li
            class="dest-row"
            class:off=move || !enabled.get()
            class:dragged=move || rows.dragged.get() == Some(key)
            class:over=is_over
            on:dragover=on_dragover
            on:drop=on_drop
        >
            <div class="dest-head">
                {(id.is_some() && !rows.read_only).then(|| view! { <Handle rows key/> })}
                <span class="choice-icon">{move || view! { <Icon icon=shown()/> }}</span>
                <label class="switch">
                    <input
                        type="checkbox"
                        role="switch"
                        id=row_button(key, "enabled")
                        prop:checked=move || enabled.get()
                        on:change:target=move |event| set_enabled(event.target().checked())
                    />
                    <span class="track" aria-hidden="true"></span>
                    <span class="switch-text">
                        <span class="switch-label">{name}</span>
                        <span class="hint">{note}</span>
                    </span>
                </label>
                {(!rows.read_only).then(|| view! { <Order rows key id name/> })}
            </div>
            <Fields rows at key id kind/>
            <FieldMessage name=format!("storages[{at}].storage_id")/>
            {move || enabled.get().then(|| trouble(rows, id)).flatten()}
        </li>
    }
}

/// Drags the row; keys and fingers use the buttons.
#[component]
fn Handle(rows: Rows, key: u32) -> impl IntoView {
    let start = move |event: leptos::ev::DragEvent| {
        rows.dragged.set(Some(key));
        let Some(data) = event.data_transfer() else { return };
        data.set_effect_allowed("move");
        let _ = data.set_data("text/plain", "");
        let handle = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        if let Some(row) = handle.and_then(|h| h.closest(".dest-row").ok().flatten()) {
            data.set_drag_image(&row, 24, 24);
        }
    };
    view! {
        <span class="drag" draggable="true" aria-hidden="true" title="Drag to order" on:dragstart=start on:dragend=move |_| rows.end_drag()>
            <Icon icon=lu::LuGripVertical/>
        </span>
    }
}

#[component]
fn Order(rows: Rows, key: u32, id: Option<i64>, name: Signal<String>) -> impl IntoView {
    let can = move |down: bool| rows.typed.with(|t| t.can_move(key, down));
    let several = move || can(false) || can(true);
    view! {
        <span class="row-actions">
            {move || (id.is_some() && several()).then(|| view! {
                <button
                    type="button"
                    id=row_button(key, "up")
                    class="btn icon-only quiet"
                    aria-label=move || format!("Move {} up", name.get())
                    title="Up"
                    disabled=move || !can(false)
                    on:click=move |_| rows.move_row(key, false)
                >
                    <Icon icon=lu::LuArrowUp/>
                </button>
                <button
                    type="button"
                    id=row_button(key, "down")
                    class="btn icon-only quiet"
                    aria-label=move || format!("Move {} down", name.get())
                    title="Down"
                    disabled=move || !can(true)
                    on:click=move |_| rows.move_row(key, true)
                >
                    <Icon icon=lu::LuArrowDown/>
                </button>
            })}
            <button
                type="button"
                class="btn icon-only quiet"
                aria-label=move || format!("Remove {}", name.get())
                title="Remove"
                on:click=move |_| rows.remove(key)
            >
                <Icon icon=lu::LuTrash2/>
            </button>
        </span>
    }
}

#[component]
fn Fields(
    rows: Rows,
    at: usize,
    key: u32,
    id: Option<i64>,
    kind: Memo<Option<StorageType>>,
) -> impl IntoView {
    let text = move |read: fn(&StorageFormRow) -> String| {
        Signal::derive(move || rows.typed.with(|t| t.row(key).map(read).unwrap_or_default()))
    };
    let (copies, path) = (text(|r| r.keep_copies.clone()), text(|r| r.path.clone()));
    let set_copies = SignalSetter::map(move |v: String| change(rows, key, |r| r.keep_copies = v));
    let set_path = SignalSetter::map(move |v: String| change(rows, key, |r| r.path = v));
    view! {
        <div class="dest-fields">
            {id.is_some().then_some(move || {
                let (label, placeholder, hint) = path_field(kind.get().unwrap_or(StorageType::Local));
                view! {
                    <TextField
                        name=format!("storages[{at}].path")
                        label
                        hint
                        placeholder
                        value=path
                        set=set_path
                        required=kind.get() == Some(StorageType::AmazonS3)
                        autocomplete="off"
                        class="path"
                    />
                }
            })}
            <TextField
                name=format!("storages[{at}].keep_copies")
                label="Copies to keep"
                value=copies
                set=set_copies
                inputmode="numeric"
                class="short"
            />
        </div>
    }
}

fn change(rows: Rows, key: u32, apply: impl FnOnce(&mut StorageFormRow)) {
    rows.typed.update(|t| {
        if let Some(row) = t.row_mut(key) {
            apply(row);
        }
    });
}

/// Why copies would not arrive there.
fn trouble(rows: Rows, id: Option<i64>) -> Option<AnyView> {
    let id = id?;
    let (text, fixable) = match rows.known.get(id) {
        Some(option) => (row_trouble(&option)?, true),
        None if rows.known.is_gone(id) => {
            ("This Storage Set does not exist any more. Remove the destination.", false)
        }
        None => return None,
    };
    let link = fixable && session::allows(&ep::GET_STORAGE);
    Some(
        view! {
            <Notice tone=Tone::Warn>
                <p>{text}{link.then(|| view! { " "<A href=format!("/storages/{id}")>"Open the Storage Set"</A> })}</p>
            </Notice>
        }
        .into_any(),
    )
}
