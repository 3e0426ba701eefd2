//! What a form knows about its mistakes: its own rules at once, the server's word after it was sent.

use super::ProblemNotice;
use crate::api::session;
use crate::models::form::{is_below, unclaimed};
use contract::{FieldError, Problem};
use leptos::prelude::*;
use std::collections::BTreeSet;

/// A field shows what its rules say once it was left or the form was sent, and what the server said until it is changed.
#[derive(Clone, Copy)]
pub struct Form {
    check: Memo<Vec<FieldError>>,
    server: RwSignal<Vec<FieldError>>,
    /// What the server said of what is typed, without it having been sent.
    aside: RwSignal<Vec<FieldError>>,
    touched: RwSignal<BTreeSet<String>>,
    submitted: RwSignal<bool>,
    /// What no field can show.
    general: RwSignal<Option<Problem>>,
    /// The paths that have a place for their message on the page now, and those whose entries have one together.
    fields: StoredValue<Vec<String>>,
    groups: StoredValue<Vec<String>>,
    /// How often it was turned down.
    refusals: RwSignal<u32>,
}

impl Form {
    /// `check` gives every mistake of what is typed now.
    pub fn new(check: impl Fn() -> Vec<FieldError> + Send + Sync + 'static) -> Self {
        Form {
            check: Memo::new(move |_| check()),
            server: RwSignal::new(Vec::new()),
            aside: RwSignal::new(Vec::new()),
            touched: RwSignal::new(BTreeSet::new()),
            submitted: RwSignal::new(false),
            general: RwSignal::new(None),
            fields: StoredValue::new(Vec::new()),
            groups: StoredValue::new(Vec::new()),
            refusals: RwSignal::new(0),
        }
    }

    /// Whoever shows the message of `field` says so, for as long as it is on the page.
    pub fn shows_field(self, field: &str) {
        claim(self.fields, field);
    }

    /// The same for a path whose entries are shown together.
    pub fn shows_group(self, path: &str) {
        claim(self.groups, path);
    }

    /// Grows each time the form is turned down, by its own rules or by the server: time to bring the mistakes into view.
    pub fn refusals(self) -> u32 {
        self.refusals.get()
    }

    /// The message below `field`.
    pub fn error(self, field: &str) -> Option<String> {
        let find = |list: &Vec<FieldError>| list.iter().find(|e| e.field == field).map(|e| e.message.clone());
        let said = || self.server.with(find).or_else(|| self.aside.with(find));
        said().or_else(|| if self.shows(field) { self.check.with(find) } else { None })
    }

    /// The messages of all fields whose path begins with `prefix` and a bracket or dot.
    pub fn errors_below(self, prefix: &str) -> Vec<FieldError> {
        let below = |e: &&FieldError| is_below(&e.field, prefix);
        let mut all: Vec<FieldError> = self.server.with(|l| l.iter().filter(below).cloned().collect());
        all.extend(self.check.with(|l| l.iter().filter(below).cloned().collect::<Vec<_>>()));
        all.dedup();
        all
    }

    fn shows(self, field: &str) -> bool {
        self.submitted.get() || self.touched.with(|t| t.contains(field))
    }

    pub fn touch(self, field: &str) {
        self.touched.update(|t| {
            t.insert(field.to_string());
        });
    }

    /// What the server said about a field no longer holds once it is changed.
    pub fn edited(self, field: &str) {
        for said in [self.server, self.aside] {
            if said.with_untracked(|l| l.iter().any(|e| e.field == field)) {
                said.update(|l| l.retain(|e| e.field != field));
            }
        }
    }

    /// What the server says of what is typed now, in place of what it said so before. It is shown at the fields, and holds nothing back.
    pub fn note(self, errors: Vec<FieldError>) {
        self.aside.try_maybe_update(|held| {
            let changed = *held != errors;
            *held = errors;
            (changed, ())
        });
    }

    /// The same for every entry below `path`, once they stand in another order.
    pub fn edited_below(self, path: &str) {
        if self.server.with_untracked(|l| l.iter().any(|e| is_below(&e.field, path))) {
            self.server.update(|l| l.retain(|e| !is_below(&e.field, path)));
        }
    }

    /// Call when the form is sent: true when its own rules are content.
    pub fn submit(self) -> bool {
        self.submitted.set(true);
        self.server.set(Vec::new());
        self.general.set(None);
        let mistakes = self.check.get_untracked();
        if !mistakes.is_empty() {
            self.turn_down(Problem::invalid(mistakes));
            return false;
        }
        true
    }

    /// Takes over what the server answered. When the session has ended, signing in again comes first.
    pub fn refuse(self, problem: Problem) {
        // The page may have been left meanwhile.
        if self.refusals.try_get_untracked().is_some() && !session::is_over(&problem) {
            self.server.set(problem.errors.clone());
            self.turn_down(problem);
        }
    }

    /// Shows what no field shows, and leads to the first mistake.
    fn turn_down(self, problem: Problem) {
        let rest = self.fields.with_value(|f| self.groups.with_value(|g| unclaimed(&problem.errors, f, g)));
        if problem.errors.is_empty() {
            self.general.set(Some(problem));
        } else if !rest.is_empty() {
            let detail = rest.iter().map(|e| e.message.as_str()).collect::<Vec<_>>().join(" ");
            self.general.set(Some(Problem { detail, ..problem }));
        }
        self.refusals.update(|n| *n += 1);
        request_animation_frame(show_first_mistake);
    }

    /// As if nothing had been typed or sent.
    pub fn reset(self) {
        self.server.try_set(Vec::new());
        self.aside.try_set(Vec::new());
        self.touched.try_set(BTreeSet::new());
        self.submitted.try_set(false);
        self.general.try_set(None);
    }

    /// How many fields show a mistake.
    pub fn mistakes(self) -> usize {
        let fields = |list: &Vec<FieldError>| list.iter().map(|e| e.field.clone()).collect::<BTreeSet<_>>();
        let mut all = self.server.with(fields);
        all.extend(self.aside.with(fields));
        all.extend(self.check.with(fields).into_iter().filter(|f| self.shows(f)));
        all.len()
    }

    pub fn general(self) -> Option<Problem> {
        self.general.get()
    }
}

fn claim(list: StoredValue<Vec<String>>, path: &str) {
    let path = path.to_string();
    list.update_value(|l| l.push(path.clone()));
    on_cleanup(move || {
        list.try_update_value(|l| {
            if let Some(at) = l.iter().position(|p| *p == path) {
                l.swap_remove(at);
            }
        });
    });
}

/// Of the form in the open dialog, if there is one: a field, else what the form says itself.
fn show_first_mistake() {
    let find = |selector: &str| document().query_selector(selector).ok().flatten();
    let modal = if find("dialog[open] form").is_some() { "dialog[open] " } else { "" };
    let found =
        ["form [aria-invalid=true]", "form .form-problem"].iter().find_map(|s| find(&format!("{modal}{s}")));
    if let Some(element) = found.and_then(|e| wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(e).ok())
    {
        let middle = web_sys::ScrollIntoViewOptions::new();
        middle.set_block(web_sys::ScrollLogicalPosition::Center);
        element.scroll_into_view_with_scroll_into_view_options(&middle);
        let _ = element.focus();
    }
}

/// The fields of a form. While it is sent they wait: the answer takes the place of what they hold.
#[component]
pub fn Fields(
    #[prop(optional)] read_only: bool,
    #[prop(into)] busy: Signal<bool>,
    children: Children,
) -> impl IntoView {
    // A field that is switched off loses the focus, and is to have it back.
    let focused = StoredValue::new_local(None::<web_sys::HtmlElement>);
    let on_focus = move |event: leptos::ev::FocusEvent| {
        focused.set_value(event.target().and_then(|t| wasm_bindgen::JsCast::dyn_into(t).ok()));
    };
    let on_blur = move |_| {
        if !busy.get_untracked() {
            focused.set_value(None);
        }
    };
    Effect::new(move |was_busy: Option<bool>| {
        let now = busy.get();
        if !now && was_busy == Some(true) {
            request_animation_frame(move || {
                let lost = document().active_element().is_none_or(|e| e.tag_name() == "BODY");
                let element = focused.try_update_value(Option::take).flatten();
                if let Some(element) = element.filter(|e| lost && e.is_connected()) {
                    let _ = element.focus();
                }
            });
        }
        now
    });
    view! {
        <fieldset
            class="bare"
            class:sending=move || busy.get()
            disabled=move || read_only || busy.get()
            on:focusin=on_focus
            on:focusout=on_blur
        >
            {children()}
        </fieldset>
    }
}

/// What is wrong that no field shows.
#[component]
pub fn FormProblem() -> impl IntoView {
    let form = expect_context::<Form>();
    move || {
        form.general()
            .map(|problem| view! { <div class="form-problem" tabindex="-1"><ProblemNotice problem/></div> })
    }
}
