//! What the pages know of the Storage Sets: titles, types, states. Shared, because several pages name destinations.

use crate::api::{self, session};
use crate::models::known::Choices;
use contract::{Problem, StorageOption, endpoints as ep};
use leptos::prelude::*;

/// In the context of the pages.
#[derive(Clone, Copy)]
pub struct Known(RwSignal<Choices>);

impl Known {
    pub fn new() -> Self {
        Known(RwSignal::new(Choices::default()))
    }

    /// For a page that shows it: asks anew, and shows what was known meanwhile. Not everybody may ask.
    pub fn want(self) {
        if !session::allows(&ep::LIST_STORAGE_OPTIONS) {
            return;
        }
        let Some(number) = self.0.try_update(Choices::ask) else { return };
        leptos::task::spawn_local(async move {
            let answer = api::bare(&ep::LIST_STORAGE_OPTIONS, &[]).await;
            self.0.try_maybe_update(|known| (known.take(number, answer), ()));
        });
    }

    pub fn all(self) -> Vec<StorageOption> {
        self.0.with(|known| known.all().to_vec())
    }

    /// `None` while nothing is known of it, or when it is gone.
    pub fn get(self, id: i64) -> Option<StorageOption> {
        self.0.with(|known| known.get(id).cloned())
    }

    pub fn is_gone(self, id: i64) -> bool {
        self.0.with(|known| known.is_gone(id))
    }

    pub fn is_empty(self) -> bool {
        self.0.with(Choices::is_empty)
    }

    pub fn is_loading(self) -> bool {
        self.0.with(Choices::is_loading)
    }

    pub fn redirect_uri(self) -> Option<String> {
        self.0.with(|known| known.redirect_uri().map(str::to_owned))
    }

    pub fn problem(self) -> Option<Problem> {
        self.0.with(|known| known.problem().cloned())
    }
}
