//! The pages of a new and of an existing Storage Set.

use super::form::{Editing, Editor};
use super::icon;
use super::known::Known;
use super::trial::{TestDialog, Tested};
use crate::api::{self, session};
use crate::models::storage_form::StorageForm;
use crate::models::{storage_words, words};
use crate::ui::*;
use contract::{Problem, StorageSet, StorageType, endpoints as ep};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

const CRUMBS: [(&str, &str); 1] = [("/storages", "Storage Sets")];

/// First the type, then what that type needs.
#[component]
pub fn NewStorage() -> impl IntoView {
    expect_context::<Known>().want();
    let kind = RwSignal::new(None::<StorageType>);
    let typed = RwSignal::new(StorageForm::new(StorageType::GoogleDrive));
    let choose = move |chosen: StorageType| {
        typed.update(|t| t.set_kind(chosen));
        kind.set(Some(chosen));
    };
    view! {
        <PageHeader title="Add Storage Set" crumbs=CRUMBS.to_vec()/>
        <Card title="Where to" hint="It cannot be changed later.">
            <div class="choices four" role="radiogroup" aria-label="Type">
                {StorageType::CLOUDS.map(|one| view! {
                    <ChoiceCard
                        kind="radio"
                        name="type"
                        icon=icon(one)
                        label=words::storage_type(one)
                        hint=storage_words::about(one)
                        checked=Signal::derive(move || kind.get() == Some(one))
                        on_change=move |_| choose(one)
                    />
                }).collect_view()}
            </div>
        </Card>
        {move || kind.get().map(|kind| view! {
            <Editor kind typed editing=Editing::new(None) reload=|()| ()/>
        })}
    }
}

#[derive(Clone, PartialEq)]
enum Phase {
    Loading,
    Failed(Problem),
    /// Counts the loads: each builds the form anew.
    Ready(u32),
}

#[component]
pub fn EditStorage() -> impl IntoView {
    let known = expect_context::<Known>();
    let params = use_params_map();
    let phase = RwSignal::new(Phase::Loading);
    let set = RwSignal::new(None::<StorageSet>);
    let loads = StoredValue::new(0_u32);
    let load = move || {
        let id = params.with_untracked(|p| p.get("id").unwrap_or_default());
        let number = loads.get_value() + 1;
        loads.set_value(number);
        phase.set(Phase::Loading);
        known.want();
        leptos::task::spawn_local(async move {
            let result = api::bare(&ep::GET_STORAGE, &[&id]).await;
            if loads.try_get_value() != Some(number) {
                return;
            }
            match result {
                Ok(found) => {
                    set.try_set(Some(found));
                    phase.try_set(Phase::Ready(number));
                }
                Err(problem) => {
                    phase.try_set(Phase::Failed(problem));
                }
            }
        });
    };
    Effect::new(move |_| {
        params.track();
        load();
    });
    let shown = move || phase.with(|p| matches!(p, Phase::Ready(_)));
    let title = Signal::derive(move || match set.with(|s| s.as_ref().map(|s| s.title.clone())) {
        Some(title) if shown() => title,
        _ => "Storage Set".into(),
    });
    let kind = Signal::derive(move || {
        let kind = set.with(|s| s.as_ref().map(|s| words::storage_type(s.kind)));
        kind.filter(|_| shown()).unwrap_or_default().to_string()
    });
    let dirty = RwSignal::new(false);
    let tested = RwSignal::new(None::<Tested>);
    // What is tested is what is stored.
    let held = move || dirty.get().then_some("Save your changes first.");
    let actions = move || {
        (shown() && session::allows(&ep::TEST_STORAGE)).then(|| {
            view! {
                {move || held().map(|why| view! { <p class="hint" role="status">{why}</p> })}
                <button
                    type="button"
                    class="btn"
                    disabled=move || held().is_some()
                    title=held
                    on:click=move |_| tested.set(set.with_untracked(|s| s.as_ref().map(Tested::of)))
                >
                    <Icon icon=lu::LuPlugZap/>"Test connection"
                </button>
            }
        })
    };
    view! {
        <PageHeader title text=kind crumbs=CRUMBS.to_vec()>{actions}</PageHeader>
        {move || match phase.get() {
            Phase::Loading => view! { <div class="card"><Skeleton lines=8/></div> }.into_any(),
            Phase::Failed(problem) => view! { <div class="card"><ErrorState problem retry=move |()| load()/></div> }.into_any(),
            Phase::Ready(_) => set.get_untracked().map(|now| {
                let typed = RwSignal::new(StorageForm::of(&now));
                let editing = Editing::of(set, dirty, now.revision);
                view! { <Editor kind=now.kind typed editing reload=move |()| load()/> }
            }).into_any(),
        }}
        <TestDialog tested/>
    }
}
