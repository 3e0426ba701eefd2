//! What a form knows about its mistakes: its own rules at once, the server's word after it was sent.

use contract::{FieldError, Problem};
use leptos::prelude::*;
use std::collections::BTreeSet;

/// A field shows what its rules say once it was left or the form was sent, and what the server said until it is changed.
#[derive(Clone, Copy)]
pub struct Form {
    check: Memo<Vec<FieldError>>,
    server: RwSignal<Vec<FieldError>>,
    touched: RwSignal<BTreeSet<String>>,
    submitted: RwSignal<bool>,
    /// What no field can show.
    general: RwSignal<Option<Problem>>,
}

impl Form {
    /// `check` gives every mistake of what is typed now.
    pub fn new(check: impl Fn() -> Vec<FieldError> + Send + Sync + 'static) -> Self {
        Form {
            check: Memo::new(move |_| check()),
            server: RwSignal::new(Vec::new()),
            touched: RwSignal::new(BTreeSet::new()),
            submitted: RwSignal::new(false),
            general: RwSignal::new(None),
        }
    }

    /// The message below `field`.
    pub fn error(self, field: &str) -> Option<String> {
        let find = |list: &Vec<FieldError>| list.iter().find(|e| e.field == field).map(|e| e.message.clone());
        self.server.with(find).or_else(|| if self.shows(field) { self.check.with(find) } else { None })
    }

    /// The messages of all fields whose path begins with `prefix` and a bracket or dot.
    pub fn errors_below(self, prefix: &str) -> Vec<FieldError> {
        let below = |e: &&FieldError| e.field.strip_prefix(prefix).is_some_and(|r| r.starts_with(['[', '.']));
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
        if self.server.with_untracked(|l| l.iter().any(|e| e.field == field)) {
            self.server.update(|l| l.retain(|e| e.field != field));
        }
    }

    /// Call when the form is sent: true when its own rules are content.
    pub fn submit(self) -> bool {
        self.submitted.set(true);
        self.server.set(Vec::new());
        self.general.set(None);
        let fine = self.check.with_untracked(Vec::is_empty);
        if !fine {
            focus_first_mistake();
        }
        fine
    }

    /// Takes over what the server answered.
    pub fn refuse(self, problem: Problem) {
        self.server.set(problem.errors.clone());
        if problem.errors.is_empty() {
            self.general.set(Some(problem));
        } else {
            focus_first_mistake();
        }
    }

    /// As if nothing had been typed or sent.
    pub fn reset(self) {
        self.server.try_set(Vec::new());
        self.touched.try_set(BTreeSet::new());
        self.submitted.try_set(false);
        self.general.try_set(None);
    }

    /// How many fields show a mistake.
    pub fn mistakes(self) -> usize {
        let fields = |list: &Vec<FieldError>| list.iter().map(|e| e.field.clone()).collect::<BTreeSet<_>>();
        let mut all = self.server.with(fields);
        all.extend(self.check.with(fields).into_iter().filter(|f| self.shows(f)));
        all.len()
    }

    pub fn general(self) -> Option<Problem> {
        self.general.get()
    }
}

fn focus_first_mistake() {
    request_animation_frame(|| {
        let found = document().query_selector("form [aria-invalid=true]").ok().flatten();
        if let Some(element) =
            found.and_then(|e| wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(e).ok())
        {
            let _ = element.focus();
        }
    });
}
