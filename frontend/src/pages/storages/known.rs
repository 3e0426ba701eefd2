//! What the pages know of the Storage Sets: titles, types, states. Shared, because several pages name destinations.

use crate::api::{self, session};
use contract::{Problem, StorageOption, StorageOptions, endpoints as ep};
use leptos::prelude::*;

/// In the context of the pages.
#[derive(Clone, Copy)]
pub struct Known {
    options: RwSignal<Option<StorageOptions>>,
    /// Why the last attempt failed.
    problem: RwSignal<Option<Problem>>,
}

impl Known {
    pub fn new() -> Self {
        Known { options: RwSignal::new(None), problem: RwSignal::new(None) }
    }

    /// For a page that shows it: asks anew, and shows what was known meanwhile. Not everybody may ask.
    pub fn want(self) {
        if !session::allows(&ep::LIST_STORAGE_OPTIONS) {
            return;
        }
        leptos::task::spawn_local(async move {
            match api::bare(&ep::LIST_STORAGE_OPTIONS, &[]).await {
                Ok(options) => {
                    self.problem.try_set(None);
                    self.options.try_maybe_update(|held| {
                        let changed = held.as_ref() != Some(&options);
                        *held = Some(options);
                        (changed, ())
                    });
                }
                Err(problem) => {
                    self.problem.try_set(Some(problem));
                }
            }
        });
    }

    pub fn all(self) -> Vec<StorageOption> {
        self.options.with(|o| o.as_ref().map(|o| o.items.clone()).unwrap_or_default())
    }

    /// `None` while nothing is known of it, or when it is gone.
    pub fn get(self, id: i64) -> Option<StorageOption> {
        self.options.with(|o| o.as_ref()?.items.iter().find(|o| o.id == id).cloned())
    }

    /// They were asked for, and this one is not among them.
    pub fn is_gone(self, id: i64) -> bool {
        self.options.with(|o| o.as_ref().is_some_and(|o| o.items.iter().all(|o| o.id != id)))
    }

    pub fn redirect_uri(self) -> Option<String> {
        self.options.with(|o| o.as_ref().map(|o| o.redirect_uri.clone()))
    }

    pub fn problem(self) -> Option<Problem> {
        self.problem.get()
    }
}
