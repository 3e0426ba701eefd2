//! The store as the server sees it, asked for once and shared by the pages that need it.

use crate::api::{self, session};
use crate::models::words::Tone;
use crate::ui::Notice;
use contract::{Problem, SourceReport, endpoints as ep};
use leptos::prelude::*;

/// Measuring a large tree takes the server a while, so the report is kept until somebody asks for a new one.
#[derive(Clone, Copy)]
pub struct Source {
    result: RwSignal<Option<Result<SourceReport, Problem>>>,
    loading: RwSignal<bool>,
}

impl Source {
    pub fn new() -> Self {
        Source { result: RwSignal::new(None), loading: RwSignal::new(false) }
    }

    /// Asks for the report unless it is there or on its way.
    pub fn want(self) {
        let have = self.result.with_untracked(|r| matches!(r, Some(Ok(_))));
        if !have && !self.loading.get_untracked() {
            self.reload();
        }
    }

    pub fn reload(self) {
        if !session::allows(&ep::GET_SOURCE) {
            return;
        }
        self.loading.set(true);
        leptos::task::spawn_local(async move {
            let result = api::bare(&ep::GET_SOURCE, &[]).await;
            self.loading.try_set(false);
            self.result.try_set(Some(result));
        });
    }

    pub fn loading(self) -> bool {
        self.loading.get()
    }

    pub fn result(self) -> Option<Result<SourceReport, Problem>> {
        self.result.get()
    }

    /// Reads the report without copying it.
    pub fn with<R>(self, read: impl FnOnce(&SourceReport) -> R) -> Option<R> {
        self.result.with(|r| match r {
            Some(Ok(report)) => Some(read(report)),
            _ => None,
        })
    }
}

/// What is wrong with the store, and what to do about it.
#[component]
pub fn SourceProblems() -> impl IntoView {
    let source = expect_context::<Source>();
    source.want();
    move || match source.result() {
        Some(Ok(report)) => report
            .problems
            .into_iter()
            .map(|problem| {
                let tone = if problem.severity == "error" { Tone::Bad } else { Tone::Warn };
                view! {
                    <Notice tone title=problem.message>
                        <p>{problem.remedy}</p>
                    </Notice>
                }
            })
            .collect_view()
            .into_any(),
        Some(Err(problem)) => {
            let retry = move |_| source.reload();
            view! {
                <Notice tone=Tone::Bad title="The store could not be looked at">
                    <p>{problem.detail}</p>
                    <button type="button" class="btn small" on:click=retry>"Look again"</button>
                </Notice>
            }
            .into_any()
        }
        None => ().into_any(),
    }
}
