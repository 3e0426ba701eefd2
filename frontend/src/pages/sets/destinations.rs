//! Where the copies of a Backup Set go: this server first, then Storage Sets in an order of one's own.

use super::destination::Row;
use crate::api::session;
use crate::models::set_form::SetForm;
use crate::models::storage_words::row_trouble;
use crate::models::words::{self, Tone};
use crate::pages::storages::{icon, known::Known};
use crate::ui::*;
use contract::{StorageOption, endpoints as ep};
use leptos::prelude::*;
use leptos_router::components::A;
use wasm_bindgen::JsCast;

/// What the rows share.
#[derive(Clone, Copy)]
pub struct Rows {
    pub form: Form,
    pub typed: RwSignal<SetForm>,
    pub known: Known,
    pub read_only: bool,
    /// The row that is being dragged.
    pub dragged: RwSignal<Option<u32>>,
    /// The row that it is held over.
    pub over: RwSignal<Option<u32>>,
    /// For screen readers: what just happened to the order.
    pub said: RwSignal<String>,
}

impl Rows {
    pub fn name(self, id: Option<i64>) -> String {
        match id {
            None => "This server".into(),
            Some(id) => self.known.get(id).map_or_else(|| format!("Storage Set #{id}"), |o| o.title),
        }
    }

    /// What the server said is of the rows as they stood.
    fn arrange<R: Default>(self, change: impl FnOnce(&mut SetForm) -> R) -> R {
        self.form.edited_below("storages");
        self.typed.try_update(change).unwrap_or_default()
    }

    fn name_of(self, key: u32) -> String {
        untrack(|| self.name(self.typed.with(|t| t.row(key).and_then(|r| r.storage_id))))
    }

    /// Moves by one and keeps the focus on the button, or on the other one at an end.
    pub fn move_row(self, key: u32, down: bool) {
        self.arrange(|t| t.move_row(key, down));
        self.say_place(key);
        let can = self.typed.with_untracked(|t| t.can_move(key, down));
        focus_later(row_button(key, if can == down { "down" } else { "up" }));
    }

    pub fn drop_on(self, onto: u32) {
        if let Some(key) = self.dragged.get_untracked() {
            self.arrange(|t| t.drop_row(key, onto));
            self.say_place(key);
        }
        self.end_drag();
    }

    pub fn end_drag(self) {
        self.dragged.set(None);
        self.over.set(None);
    }

    pub fn remove(self, key: u32) {
        let name = self.name_of(key);
        self.arrange(|t| t.remove_row(key));
        self.said.set(format!("{name} was removed."));
        focus_later("add-destination".into());
    }

    fn add(self, storage_id: Option<i64>) {
        let key = self.arrange(|t| t.add_row(storage_id));
        self.said.set(format!("{} was added.", untrack(|| self.name(storage_id))));
        if let Some(key) = key {
            focus_later(row_button(key, "enabled"));
        }
    }

    fn say_place(self, key: u32) {
        let place = self.typed.with_untracked(|t| t.place(key).map(|at| (at + 1, t.storages.len())));
        let name = self.name_of(key);
        if let Some((at, of)) = place {
            self.said.set(format!("{name} is now {at} of {of}."));
        }
    }
}

/// The id of a control of a row.
pub fn row_button(key: u32, what: &str) -> String {
    format!("row-{key}-{what}")
}

/// Once the rows are drawn anew.
fn focus_later(id: String) {
    request_animation_frame(move || {
        let found = document().get_element_by_id(&id).and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(element) = found {
            let _ = element.focus();
        }
    });
}

#[component]
pub fn Destinations(typed: RwSignal<SetForm>, read_only: bool) -> impl IntoView {
    let known = expect_context::<Known>();
    known.want();
    let rows = Rows {
        form: expect_context::<Form>(),
        typed,
        known,
        read_only,
        dragged: RwSignal::new(None),
        over: RwSignal::new(None),
        said: RwSignal::new(String::new()),
    };
    // A row is drawn anew when it stands elsewhere: its place is part of the names of its fields.
    let places = Memo::new(move |_| {
        typed.with(|t| t.storages.iter().map(|r| (r.key, r.storage_id)).collect::<Vec<_>>())
    });
    let staging = Memo::new(move |_| typed.with(SetForm::is_staging));
    view! {
        <Card title="Destinations" hint="Where the copies go, and how many stay there. Destinations do not wait for one another.">
            <ul class="dest-rows" aria-label="Destinations">
                {move || places.get().into_iter().enumerate().map(|(at, (key, id))| view! { <Row rows at key id/> }).collect_view()}
            </ul>
            <FieldMessage name="storages"/>
            {move || staging.get().then(|| view! {
                <Notice tone=Tone::Info>
                    <p>"No copy stays on this server. The one that is made here is deleted once every other destination has it, and kept for a retry when one has not."</p>
                </Notice>
            })}
            <p class="hidden" role="status">{rows.said}</p>
            {(!read_only).then(|| view! { <Add rows/> })}
        </Card>
    }
}

/// Chooses what to add from a list.
#[component]
fn Add(rows: Rows) -> impl IntoView {
    let open = RwSignal::new(false);
    let has_local = Memo::new(move |_| rows.typed.with(SetForm::has_local_row));
    let add = move |id: Option<i64>| {
        open.set(false);
        rows.add(id);
    };
    let uses = move |id: i64| rows.typed.with(|t| t.storages.iter().any(|r| r.storage_id == Some(id)));
    let item = move |option: StorageOption| {
        let (id, icon) = (option.id, icon(option.kind));
        let note = match row_trouble(&option) {
            Some(_) if !option.enabled => "switched off",
            Some(_) => "not ready",
            None if uses(id) => "added already",
            None => "",
        };
        view! {
            <li>
                <button type="button" class="panel-item" on:click=move |_| add(Some(id))>
                    <Icon icon/>
                    <span class="grow">{option.title}</span>
                    <span class="mute small">{if note.is_empty() { words::storage_type(option.kind) } else { note }}</span>
                </button>
            </li>
        }
    };
    view! {
        <Disclosure
            open
            id="add-destination"
            class="add-menu"
            face=|| view! { <Icon icon=lu::LuPlus/><span>"Add destination"</span><Icon icon=lu::LuChevronDown/> }
        >
            <ul class="add-list">
                {move || (!has_local.get()).then(|| view! {
                    <li><button type="button" class="panel-item" on:click=move |_| add(None)><Icon icon=lu::LuHardDrive/><span class="grow">"This server"</span></button></li>
                })}
                {move || rows.known.all().into_iter().map(item).collect_view()}
            </ul>
            {move || rows.known.problem().map(|_| view! {
                <p class="inbox-stale">
                    <Icon icon=lu::LuTriangleAlert/>
                    <span>"The Storage Sets could not be loaded."</span>
                    <button type="button" class="btn small" on:click=move |_| rows.known.want()>"Try again"</button>
                </p>
            })}
            {move || rows.known.is_loading().then(|| view! { <p class="mute small add-note">"Loading the Storage Sets…"</p> })}
            {move || rows.known.is_empty().then(|| view! { <p class="mute small add-note">"There is no Storage Set yet."</p> })}
            {session::allows(&ep::CREATE_STORAGE).then(|| view! {
                <A href="/storages/new" attr:class="panel-item add-new"><Icon icon=lu::LuCloudUpload/>"New Storage Set…"</A>
            })}
        </Disclosure>
    }
}
