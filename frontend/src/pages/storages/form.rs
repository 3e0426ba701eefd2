//! The form of a Storage Set.

use super::fields::{Advanced, Credentials, General, Place};
use super::guide::Guide;
use super::link::LinkCard;
use super::remove::UserList;
use crate::api::{self, Options, session};
use crate::models::storage_form::StorageForm;
use crate::models::storage_words::{for_people, own_warnings, remedy};
use crate::models::words::Tone;
use crate::ui::*;
use contract::{ProblemCode, StorageSet, StorageState, StorageType, endpoints as ep};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_router::hooks::use_navigate;

/// The stored row that is edited, shared by the parts of the page.
#[derive(Clone, Copy)]
pub struct Editing {
    /// `None` for a new one.
    pub set: RwSignal<Option<StorageSet>>,
    /// Told whether something is not saved.
    pub dirty: RwSignal<bool>,
    /// What a change is based on. Linking an account is no change of it.
    pub revision: StoredValue<Option<i64>>,
}

impl Editing {
    pub fn new(set: Option<StorageSet>) -> Self {
        let revision = set.as_ref().map(|s| s.revision);
        Editing { set: RwSignal::new(set), dirty: RwSignal::new(false), revision: StoredValue::new(revision) }
    }

    pub fn of(set: RwSignal<Option<StorageSet>>, dirty: RwSignal<bool>, revision: i64) -> Self {
        Editing { set, dirty, revision: StoredValue::new(Some(revision)) }
    }

    pub fn id(self) -> Option<i64> {
        self.set.with_untracked(|s| s.as_ref().map(|s| s.id))
    }

    /// What a save answered.
    pub fn saved(self, now: StorageSet) {
        self.revision.try_set_value(Some(now.revision));
        self.set.try_set(Some(now));
    }

    pub fn read<R: Default>(self, read: impl FnOnce(&StorageSet) -> R) -> R {
        self.set.with(|s| s.as_ref().map(read).unwrap_or_default())
    }
}

#[component]
pub fn Editor(
    kind: StorageType,
    typed: RwSignal<StorageForm>,
    editing: Editing,
    #[prop(into)] reload: Callback<()>,
) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let navigate = use_navigate();
    let id = editing.id();
    let start = match id {
        Some(_) => typed.get_untracked(),
        None => StorageForm::new(kind),
    };
    let saved = RwSignal::new(start);
    let dirty = Signal::derive(move || typed.with(|t| saved.with(|s| t != s)));
    Effect::new(move |_| editing.dirty.set(dirty.get()));
    // Keys that nobody can read any more have to be entered again.
    let secret_stored = Signal::derive(move || {
        editing.read(|s| s.client_secret_set && s.state != StorageState::CredentialsUnreadable)
    });
    let form = Form::new(move || typed.with(|t| t.mistakes(secret_stored.get())));
    provide_context(form);
    let (busy, conflict, asking) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    // What a change of the account means, and whether it was to be written over somebody else's change.
    let meaning = RwSignal::new(String::new());
    let forced = StoredValue::new(false);
    let may_save = match id {
        Some(_) => session::allows(&ep::UPDATE_STORAGE),
        None => session::allows(&ep::CREATE_STORAGE),
    };
    let save = move |force: bool, confirmed: bool| {
        busy.set(true);
        forced.set_value(force);
        let navigate = navigate.clone();
        let input = contract::StorageSetInput {
            confirm_other_account: confirmed,
            ..typed.with_untracked(StorageForm::input)
        };
        let based_on = editing.revision.get_value().filter(|_| !force);
        leptos::task::spawn_local(async move {
            let result = match id {
                Some(id) => {
                    api::call(&ep::UPDATE_STORAGE, &[&id.to_string()], Options::if_match(based_on), &input)
                        .await
                }
                None => api::call(&ep::CREATE_STORAGE, &[], Options::none(), &input).await,
            };
            asking.try_set(false);
            match result {
                Ok(now) => {
                    let stored = StorageForm::of(&now);
                    let next = next_words(&now);
                    toaster.good(format!("“{}” was saved.{next}", now.title));
                    // Nothing is unsaved any more, so leaving asks nothing.
                    let left = saved.try_set(stored.clone()).is_some();
                    typed.try_set(stored);
                    form.reset();
                    if left {
                        // Whoever is somewhere else by now stays there.
                    } else if id.is_none() {
                        navigate(&format!("/storages/{}", now.id), Default::default());
                    } else {
                        let news = now.state != StorageState::Ready || !now.warnings.is_empty();
                        editing.saved(now);
                        if news {
                            request_animation_frame(show_top);
                        }
                    }
                }
                Err(problem) if problem.code == ProblemCode::Changed => {
                    conflict.try_set(true);
                }
                Err(problem) if problem.code == ProblemCode::OtherAccount => {
                    meaning.try_set(for_people(&problem.detail));
                    asking.try_set(true);
                }
                Err(problem) => form.refuse(problem),
            }
            busy.try_set(false);
        });
    };
    let (overwrite, confirm) = (save.clone(), save.clone());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if may_save && !busy.get_untracked() && form.submit() {
            save(false, false);
        }
    };
    let what = editing.set.with_untracked(|s| s.as_ref().map(|s| format!("“{}”", s.title)));
    let consent = kind.is_linked_by_consent();
    let existing = id.is_some();
    view! {
        <LeaveGuard dirty/>
        <Conflict open=conflict what=what.unwrap_or_default() on_reload=reload on_overwrite=move |()| overwrite(true, false) busy/>
        <Confirm
            open=asking
            title="End the link to this account?"
            text=meaning
            action="Save and end the link"
            busy
            on_confirm=move |()| confirm(forced.get_value(), true)
        />
        {(!may_save).then(|| view! {
            <Notice tone=Tone::Info><p>"Your role may look at Storage Sets, but not change them."</p></Notice>
        })}
        <State editing/>
        {(existing && consent).then(|| view! { <LinkCard kind editing/> })}
        <form novalidate on:submit=submit>
            <FormProblem/>
            <Fields read_only=!may_save busy>
                <General typed/>
                <Credentials typed kind secret_stored>
                    {(!existing || !consent).then(|| view! { <Guide kind open=!existing && consent/> })}
                </Credentials>
                {(kind == StorageType::AmazonS3).then(|| view! { <Place typed/> })}
                <Advanced typed kind/>
            </Fields>
            {may_save.then(|| view! { <FormActions busy dirty label="Save Storage Set" cancel="/storages"/> })}
        </form>
        {existing.then(|| view! { <Users editing/> })}
    }
}

/// What comes after saving, for the message that says it was saved.
fn next_words(set: &StorageSet) -> &'static str {
    match set.state {
        StorageState::NotLinked | StorageState::NeedsRelink => " Now link the account.",
        StorageState::Ready => " Test the connection before you rely on it.",
        StorageState::Incomplete | StorageState::CredentialsUnreadable => "",
    }
}

fn show_top() {
    window().scroll_to_with_x_and_y(0.0, 0.0);
}

/// What is wrong with it, what to do, and what should be known.
#[component]
fn State(editing: Editing) -> impl IntoView {
    let trouble =
        Memo::new(move |_| editing.read(remedy).map(|(tone, title, text)| (Shade(tone), title, text)));
    let warnings = Memo::new(move |_| editing.read(own_warnings));
    view! {
        <div role="status">
            {move || trouble.get().map(|(Shade(tone), title, text)| view! { <Notice tone title><p>{text}</p></Notice> })}
            {move || warnings.get().into_iter().map(|w| view! { <Notice tone=Tone::Warn><p>{w.message}</p></Notice> }).collect_view()}
        </div>
    }
}

#[derive(Clone, Copy, PartialEq)]
struct Shade(Tone);

#[component]
fn Users(editing: Editing) -> impl IntoView {
    let users = Memo::new(move |_| editing.read(|s| s.used_by.clone()));
    view! {
        <Card title="Used by">
            {move || {
                let users = users.get();
                if users.is_empty() {
                    view! { <p class="mute">"No Backup Set sends copies there yet. Add it to the destinations of one."</p> }.into_any()
                } else {
                    view! { <UserList users/> }.into_any()
                }
            }}
        </Card>
    }
}
