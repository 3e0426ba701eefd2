//! The settings an administrator changes, beside the facts that only the operator can change.

use super::alerts::Sections;
use super::source::{Source, SourceProblems};
use crate::api::{self, Options};
use crate::models::format;
use crate::models::settings_form::SettingsForm;
use crate::models::words::Tone;
use crate::ui::*;
use contract::{Problem, ProblemCode, Settings, endpoints as ep};
use leptos::{ev::SubmitEvent, prelude::*};
use wasm_bindgen::JsCast;

#[component]
pub fn Configuration() -> impl IntoView {
    let loaded = RwSignal::new(None::<Result<Settings, Problem>>);
    let load = move || {
        loaded.set(None);
        leptos::task::spawn_local(async move {
            let result = api::bare(&ep::GET_CONFIG, &[]).await;
            loaded.try_set(Some(result));
        });
    };
    load();
    view! {
        <PageHeader title="Configuration" text="What holds for every Backup Set."/>
        <Sections/>
        {move || match loaded.get() {
            None => view! { <div class="card"><Skeleton lines=6/></div> }.into_any(),
            Some(Err(problem)) => view! { <div class="card"><ErrorState problem retry=move |()| load()/></div> }.into_any(),
            Some(Ok(settings)) => view! { <SettingsEditor settings reload=move |()| load()/> }.into_any(),
        }}
    }
}

#[component]
fn SettingsEditor(settings: Settings, #[prop(into)] reload: Callback<()>) -> impl IntoView {
    let (toaster, source) = (expect_context::<Toaster>(), expect_context::<Source>());
    let typed = RwSignal::new(SettingsForm::of(&settings));
    let saved = RwSignal::new(SettingsForm::of(&settings));
    let revision = StoredValue::new(settings.revision);
    let dirty = Signal::derive(move || typed.get() != saved.get());
    let form = Form::new(move || typed.with(SettingsForm::mistakes));
    provide_context(form);
    let busy = RwSignal::new(false);
    let conflict = RwSignal::new(false);
    let save = move |force: bool| {
        busy.set(true);
        let (input, based_on) =
            (typed.with_untracked(SettingsForm::input), (!force).then_some(revision.get_value()));
        leptos::task::spawn_local(async move {
            match api::call(&ep::SAVE_CONFIG, &[], Options::if_match(based_on), &input).await {
                Ok(now) => {
                    revision.try_set_value(now.revision);
                    // The report says whether the master switch is off.
                    source.reload();
                    saved.try_set(SettingsForm::of(&now));
                    typed.try_set(SettingsForm::of(&now));
                    toaster.good("The configuration was saved.");
                }
                Err(problem) if problem.code == ProblemCode::Changed => {
                    conflict.try_set(true);
                }
                Err(problem) => form.refuse(problem),
            }
            busy.try_set(false);
        });
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if !busy.get_untracked() && form.submit() {
            save(false);
        }
    };
    let (enabled, set_enabled) = create_slice(typed, |t| t.enabled, |t, v| t.enabled = v);
    let (zone, set_zone) = create_slice(typed, |t| t.time_zone.clone(), |t, v| t.time_zone = v);
    let (days, set_days) = create_slice(typed, |t| t.log_days.clone(), |t, v| t.log_days = v);
    let (parallel, set_parallel) = create_slice(typed, |t| t.parallel.clone(), |t, v| t.parallel = v);
    let (limit, set_limit) = create_slice(typed, |t| t.limit_hours.clone(), |t, v| t.limit_hours = v);
    let (full_every, set_full_every) = create_slice(typed, |t| t.full_every.clone(), |t, v| t.full_every = v);
    let (grace, set_grace) = create_slice(typed, |t| t.grace_min.clone(), |t, v| t.grace_min = v);
    let zones = Signal::stored(time_zones());
    view! {
        <LeaveGuard dirty/>
        <Conflict open=conflict what="The configuration" on_reload=reload on_overwrite=move |()| save(true) busy/>
        <form novalidate on:submit=submit>
            <FormProblem/>
            <Fields busy>
                <Card title="Backups">
                    <Switch
                        label="Enabled"
                        hint="The master switch. While it is off no pass starts, neither by schedule nor by hand."
                        value=enabled
                        set=set_enabled
                    />
                    {move || (!enabled.get()).then(|| view! {
                        <Notice tone=Tone::Warn><p>"With this off the store is not backed up."</p></Notice>
                    })}
                </Card>
                <Card title="Schedules and logs">
                    <div class="fields">
                        <Combobox
                            name="time_zone"
                            label="Time zone"
                            hint="What the time of day of a schedule and cron expressions mean."
                            value=zone
                            set=set_zone
                            options=zones
                        />
                        <TextField
                            name="log_retention_days"
                            label="Keep logs for"
                            hint="Copies and their catalogue stay longer than their logs."
                            value=days
                            set=set_days
                            suffix="days"
                            inputmode="numeric"
                            class="short"
                        />
                    </div>
                </Card>
                <Card title="Passes">
                    <div class="fields two">
                        <TextField
                            name="max_parallel_passes"
                            label="Passes at once"
                            hint="One pass already uses every processor core while it compresses."
                            value=parallel
                            set=set_parallel
                            inputmode="numeric"
                            class="short"
                        />
                        <TextField
                            name="pass_time_limit_hours"
                            label="Time limit"
                            hint="A pass that takes longer is ended. What it has finished stays."
                            value=limit
                            set=set_limit
                            suffix="hours"
                            inputmode="numeric"
                            class="short"
                        />
                        <TextField
                            name="missed_grace_min"
                            label="Report a missing backup after"
                            hint="How much longer than its schedule says a Backup Set may be without a good copy."
                            value=grace
                            set=set_grace
                            suffix="minutes"
                            inputmode="numeric"
                            class="short"
                        />
                        <TextField
                            name="full_pass_every"
                            label="Make everything anew every"
                            hint="Other passes copy what is unchanged from the copy before, checked. 1 reads and compresses everything each time."
                            value=full_every
                            set=set_full_every
                            suffix="passes"
                            inputmode="numeric"
                            class="short"
                        />
                    </div>
                </Card>
            </Fields>
            <FormActions busy dirty label="Save configuration"/>
        </form>
        <Operator settings/>
    }
}

#[component]
fn Operator(settings: Settings) -> impl IntoView {
    view! {
        <Card title="Set by the operator" hint="Environment variables of the server; they cannot be changed here.">
            <dl class="facts">
                <Fact term="Magento root (STOREKEEP_MAGENTO_ROOT)">
                    {match settings.magento_root {
                        Some(root) => view! { <code>{root}</code> }.into_any(),
                        None => view! { <Badge tone=Tone::Bad text="Not set"/> }.into_any(),
                    }}
                </Fact>
                <Fact term="Archive directory (STOREKEEP_ARCHIVE_DIR)"><code>{settings.archive_dir}</code></Fact>
                <Fact term="Part size (STOREKEEP_PART_SIZE)">{format::binary_bytes(settings.part_size_bytes)}</Fact>
                <Fact term="Version">{settings.version}</Fact>
            </dl>
            // The form above says it itself.
            <SourceProblems except="switched_off"/>
        </Card>
    }
}

/// The browser's list of IANA zones; UTC is always among them.
fn time_zones() -> Vec<String> {
    let list = || {
        let intl = js_sys::Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
        let function = js_sys::Reflect::get(&intl, &"supportedValuesOf".into()).ok()?;
        let function = function.dyn_into::<js_sys::Function>().ok()?;
        let zones = function.call1(&intl, &"timeZone".into()).ok()?.dyn_into::<js_sys::Array>().ok()?;
        Some(zones.iter().filter_map(|z| z.as_string()).collect::<Vec<_>>())
    };
    let mut zones = list().unwrap_or_default();
    if !zones.iter().any(|z| z == "UTC") {
        zones.insert(0, "UTC".into());
    }
    zones
}
