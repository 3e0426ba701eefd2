//! The store as the server sees it, asked for now and then and shared by the pages that need it.

use crate::api::{self, session};
use crate::models::source::{is_old, refusal};
use crate::models::words::Tone;
use crate::ui::{Icon, Notice, lu};
use contract::{Problem, SourceReport, endpoints as ep};
use leptos::prelude::*;

/// Measuring a large tree takes the server a while, so the report is shared, and the last one is kept while the next is made.
#[derive(Clone, Copy)]
pub struct Source {
    report: RwSignal<Option<SourceReport>>,
    /// Why the last attempt failed.
    problem: RwSignal<Option<Problem>>,
    loading: RwSignal<bool>,
    /// By this browser's clock, in milliseconds.
    fetched_ms: StoredValue<f64>,
}

impl Source {
    pub fn new() -> Self {
        Source {
            report: RwSignal::new(None),
            problem: RwSignal::new(None),
            loading: RwSignal::new(false),
            fetched_ms: StoredValue::new(0.0),
        }
    }

    /// For a page that shows it: asks for the report unless a fresh one is there or on its way.
    pub fn want(self) {
        let old = is_old(self.fetched_ms.get_value(), js_sys::Date::now());
        if old && !self.loading.get_untracked() {
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
            match result {
                Ok(report) => {
                    self.fetched_ms.try_set_value(js_sys::Date::now());
                    self.problem.try_set(None);
                    // What stayed the same is not drawn anew.
                    self.report.try_maybe_update(|held| {
                        let changed = held.as_ref() != Some(&report);
                        *held = Some(report);
                        (changed, ())
                    });
                }
                Err(problem) => {
                    self.problem.try_set(Some(problem));
                }
            }
        });
    }

    pub fn loading(self) -> bool {
        self.loading.get()
    }

    /// The last report, else why there is none; `None` while the first is on its way.
    pub fn result(self) -> Option<Result<SourceReport, Problem>> {
        self.report.get().map(Ok).or_else(|| self.problem.get().map(Err))
    }

    /// Reads the report without copying it.
    pub fn with<R>(self, read: impl FnOnce(&SourceReport) -> R) -> Option<R> {
        self.report.with(|r| r.as_ref().map(read))
    }

    /// Why no pass can be started now.
    pub fn refusal(self) -> Option<String> {
        self.with(refusal).flatten()
    }
}

/// Asks for a new report.
#[component]
pub fn LookAgain() -> impl IntoView {
    let source = expect_context::<Source>();
    let press = move |_| {
        if !source.loading.get_untracked() {
            source.reload();
        }
    };
    view! {
        <button type="button" class="btn small" aria-disabled=move || source.loading().to_string() class:busy=move || source.loading() on:click=press>
            {move || if source.loading() {
                view! { <Icon icon=lu::LuLoaderCircle class="turning"/> }
            } else {
                view! { <Icon icon=lu::LuRefreshCw class=""/> }
            }}
            "Look again"
        </button>
    }
}

/// What is wrong with the store, and what to do about it.
#[component]
pub fn SourceProblems(
    /// The code of a problem that the page tells in its own way.
    #[prop(optional)]
    except: Option<&'static str>,
) -> impl IntoView {
    let source = expect_context::<Source>();
    source.want();
    let problems = Memo::new(move |_| {
        let known = source.with(|r| r.problems.clone()).unwrap_or_default();
        known.into_iter().filter(|p| except.is_none_or(|e| p.code != e)).collect::<Vec<_>>()
    });
    let failed = move || source.problem.get();
    let any = Memo::new(move |_| !problems.with(Vec::is_empty) || source.problem.with(Option::is_some));
    let notices = move || {
        problems
            .get()
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
    };
    view! {
        <div class="problems" class:hidden-block=move || !any.get()>
            {notices}
            {move || failed().map(|problem| view! {
                <Notice tone=Tone::Bad title="The store could not be looked at"><p>{problem.detail}</p></Notice>
            })}
            <p class="look-again"><LookAgain/></p>
        </div>
    }
}
