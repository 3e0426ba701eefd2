//! The form of a Backup Set, as a page of its own.

use super::after::AfterFailure;
use super::destinations::Destinations;
use super::excludes::Excludes;
use super::schedule::SchedulePicker;
use super::{RunButton, RunDialog};
use crate::api::{self, Options, session};
use crate::models::set_form::SetForm;
use crate::models::words::Tone;
use crate::pages::source::{Source, SourceProblems};
use crate::pages::storages::known::Known;
use crate::ui::*;
use contract::{BackupSet, Problem, ProblemCode, endpoints as ep};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_router::hooks::{use_navigate, use_params_map};

const CRUMBS: [(&str, &str); 1] = [("/backups", "Backup Sets")];

#[component]
pub fn NewSet() -> impl IntoView {
    view! {
        <PageHeader title="Add Backup Set" crumbs=CRUMBS.to_vec()/>
        <SetPage set=None unsaved=RwSignal::new(false) reload=|()| ()/>
    }
}

#[component]
pub fn EditSet() -> impl IntoView {
    let params = use_params_map();
    let loaded = RwSignal::new(None::<Result<BackupSet, Problem>>);
    let load = move || {
        let id = params.with_untracked(|p| p.get("id").unwrap_or_default());
        loaded.set(None);
        leptos::task::spawn_local(async move {
            let result = api::bare(&ep::GET_BACKUP, &[&id]).await;
            loaded.try_set(Some(result));
        });
    };
    Effect::new(move |_| {
        params.track();
        load();
    });
    let title = Signal::derive(move || match loaded.get() {
        Some(Ok(set)) => set.title,
        _ => "Backup Set".into(),
    });
    let to_run = RwSignal::new(None::<(i64, String)>);
    let unsaved = RwSignal::new(false);
    // A pass would not know what was typed, and to follow it one leaves the form.
    let held = Signal::derive(move || unsaved.get().then(|| "Save your changes first.".to_string()));
    let actions = move || {
        let Some(Ok(set)) = loaded.get() else { return None };
        session::allows(&ep::RUN_BACKUP).then(|| {
            view! {
                {move || held.get().map(|why| view! { <p class="hint" role="status">{why}</p> })}
                <RunButton set=to_run id=set.id title=set.title.clone() held/>
            }
        })
    };
    view! {
        <PageHeader title crumbs=CRUMBS.to_vec()>{actions}</PageHeader>
        {move || match loaded.get() {
            None => view! { <div class="card"><Skeleton lines=8/></div> }.into_any(),
            Some(Err(problem)) => view! { <div class="card"><ErrorState problem retry=move |()| load()/></div> }.into_any(),
            Some(Ok(set)) => view! { <SetPage set=Some(set) unsaved reload=move |()| load()/> }.into_any(),
        }}
        <RunDialog set=to_run on_start=|()| ()/>
    }
}

#[component]
fn SetPage(
    set: Option<BackupSet>,
    /// Told whether something is.
    unsaved: RwSignal<bool>,
    #[prop(into)] reload: Callback<()>,
) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    expect_context::<Source>().want();
    let navigate = use_navigate();
    let id = set.as_ref().map(|s| s.id);
    let revision = set.as_ref().map(|s| s.revision);
    let start = set.as_ref().map_or_else(SetForm::new, SetForm::of);
    let typed = RwSignal::new(start.clone());
    let saved = RwSignal::new(start);
    let dirty = Signal::derive(move || typed.with(|t| saved.with(|s| t != s)));
    Effect::new(move |_| unsaved.set(dirty.get()));
    let known = expect_context::<Known>();
    let form = Form::new(move || {
        let mut errors = typed.with(SetForm::mistakes);
        errors.extend(typed.with(|t| t.path_mistakes(&known.all())));
        errors
    });
    provide_context(form);
    let busy = RwSignal::new(false);
    let conflict = RwSignal::new(false);
    let may_save = match id {
        Some(_) => session::allows(&ep::UPDATE_BACKUP),
        None => session::allows(&ep::CREATE_BACKUP),
    };
    let save = move |force: bool| {
        busy.set(true);
        // The page may be gone when the answer comes.
        let (sent, navigate) = (typed.get_untracked(), navigate.clone());
        let input = sent.input();
        let based_on = revision.filter(|_| !force);
        leptos::task::spawn_local(async move {
            let result = match id {
                Some(id) => {
                    api::call(&ep::UPDATE_BACKUP, &[&id.to_string()], Options::if_match(based_on), &input)
                        .await
                }
                None => api::call(&ep::CREATE_BACKUP, &[], Options::none(), &input).await,
            };
            match result {
                Ok(set) => {
                    // Nothing is unsaved any more, so leaving asks nothing.
                    let left = saved.try_set(sent).is_some();
                    toaster.good(format!("“{}” was saved.", set.title));
                    if !left {
                        navigate("/backups", Default::default());
                    }
                }
                Err(problem) if problem.code == ProblemCode::Changed => {
                    conflict.try_set(true);
                }
                Err(problem) => form.refuse(problem),
            }
            busy.try_set(false);
        });
    };
    let overwrite = save.clone();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        typed.update(SetForm::add_pending);
        if may_save && !busy.get_untracked() && form.submit() {
            save(false);
        }
    };
    let what = set.map_or_else(|| "The Backup Set".into(), |s| format!("“{}”", s.title));
    view! {
        <LeaveGuard dirty/>
        <Conflict open=conflict what on_reload=reload on_overwrite=move |()| overwrite(true) busy/>
        <SourceProblems/>
        <form novalidate on:submit=submit>
            {(!may_save).then(|| view! {
                <Notice tone=Tone::Info><p>"Your role may look at Backup Sets, but not change them."</p></Notice>
            })}
            <FormProblem/>
            <fieldset class="bare" disabled=!may_save>
                <General typed/>
                <Types typed/>
                <SchedulePicker typed id/>
                <AfterFailure typed/>
            </fieldset>
            // Whoever may only look can still look for a table.
            <Excludes typed read_only=!may_save/>
            <fieldset class="bare" disabled=!may_save>
                <Destinations typed read_only=!may_save/>
                <Advanced typed/>
            </fieldset>
            {may_save.then(|| view! { <FormActions busy dirty label="Save Backup Set" cancel="/backups"/> })}
        </form>
    }
}

#[component]
fn General(typed: RwSignal<SetForm>) -> impl IntoView {
    let (enabled, set_enabled) = create_slice(typed, |t| t.enabled, |t, v| t.enabled = v);
    let (title, set_title) = create_slice(typed, |t| t.title.clone(), |t, v| t.set_title(v));
    let (folder, set_folder) = create_slice(typed, |t| t.folder_name.clone(), |t, v| t.set_folder_name(v));
    view! {
        <Card title="General">
            <div class="fields two">
                <TextField name="title" label="Title" value=title set=set_title required=true autocomplete="off"/>
                <TextField
                    name="folder_name"
                    label="Folder name"
                    hint="The folder of its copies, here and at every destination."
                    value=folder
                    set=set_folder
                    required=true
                    autocomplete="off"
                />
            </div>
            <Switch
                label="Scheduled"
                hint="While this is off the schedule rests; a backup can still be created by hand."
                value=enabled
                set=set_enabled
            />
        </Card>
    }
}

#[component]
fn Types(typed: RwSignal<SetForm>) -> impl IntoView {
    let form = expect_context::<Form>();
    let invalid = Signal::derive(move || form.error("backup_types").is_some());
    let change = move |apply: fn(&mut SetForm, bool)| {
        move |on: bool| {
            form.touch("backup_types");
            form.edited("backup_types");
            typed.update(|t| apply(t, on));
        }
    };
    view! {
        <Card title="What to back up">
            <div class="choices" role="group" aria-label="Types">
                <ChoiceCard
                    name="backup_types"
                    icon=lu::LuDatabase
                    label="Database"
                    hint="One consistent snapshot, with views, triggers, routines and events."
                    checked=Signal::derive(move || typed.with(|t| t.database))
                    on_change=change(|t, on| t.database = on)
                    invalid
                />
                <ChoiceCard
                    name="backup_types"
                    icon=lu::LuFolder
                    label="Files"
                    hint="The Magento root with media, code and configuration."
                    checked=Signal::derive(move || typed.with(|t| t.files))
                    on_change=change(|t, on| t.files = on)
                    invalid
                />
            </div>
            <FieldMessage name="backup_types"/>
        </Card>
    }
}

#[component]
fn Advanced(typed: RwSignal<SetForm>) -> impl IntoView {
    let follow = Signal::derive(move || typed.with(|t| t.symlinks == contract::Symlinks::FollowShared));
    let set = SignalSetter::map(move |on: bool| {
        typed.update(|t| {
            t.symlinks = if on { contract::Symlinks::FollowShared } else { contract::Symlinks::Keep }
        });
    });
    let full = Signal::derive(move || typed.with(|t| t.verify == contract::Verify::Full));
    let set_full = SignalSetter::map(move |on: bool| {
        typed.update(|t| t.verify = if on { contract::Verify::Full } else { contract::Verify::Copied });
    });
    view! {
        <details class="card advanced">
            <summary><h2>"Advanced"</h2><Icon icon=lu::LuChevronDown/></summary>
            <Switch
                label="Follow the shared directories of deploy layouts"
                hint="pub/media and app/etc/env.php are archived with their content when they are links out of the root. Other links stay links."
                value=follow
                set=set
            />
            <Switch
                label="Read and compress everything in every pass"
                hint="Otherwise what is unchanged is copied from the copy before, each piece checked: much quicker, and the archive is as complete. Now and then a pass makes everything anew by itself (Configuration)."
                value=full
                set=set_full
            />
        </details>
    }
}
