//! Schedule and destinations of a Backup Set's form.

use crate::models::schedule;
use crate::models::set_form::{SetForm, StorageFormRow};
use crate::ui::*;
use contract::FREQUENCIES;
use leptos::prelude::*;

#[component]
pub fn SchedulePicker(typed: RwSignal<SetForm>) -> impl IntoView {
    let form = expect_context::<Form>();
    let (frequency, set_frequency) = create_slice(
        typed,
        |t| t.frequency.to_string(),
        |t, v: String| t.frequency = v.parse().unwrap_or(t.frequency),
    );
    let (time, set_time) = create_slice(typed, |t| t.time_of_day.clone(), |t, v| t.time_of_day = v);
    let (cron, set_cron) = create_slice(typed, |t| t.cron.clone(), |t, v| t.cron = v);
    let by_cron = Memo::new(move |_| typed.with(|t| t.by_cron));
    let daily = Memo::new(move |_| typed.with(|t| schedule::is_daily(t.frequency)));
    let frequencies = FREQUENCIES.map(|f| (f.to_string(), schedule::frequency_label(f))).to_vec();
    let choose = move |cron: bool| {
        for field in ["frequency", "time_of_day", "cron"] {
            form.edited(field);
        }
        typed.update(|t| t.by_cron = cron);
    };
    let cron_hint = Signal::derive(move || {
        let words = cron.with(|c| schedule::describe_cron(c));
        words.unwrap_or_else(|| {
            "Minute, hour, day of month, month, day of week. For example 30 2 * * sun.".into()
        })
    });
    view! {
        <Card title="Schedule" hint="In the time zone of the configuration.">
            <div class="segmented" role="radiogroup" aria-label="Kind of schedule">
                {[(false, "Interval"), (true, "Cron expression")].map(|(cron, words)| view! {
                    <label class:checked=move || by_cron.get() == cron>
                        <input type="radio" name="schedule-kind" prop:checked=move || by_cron.get() == cron on:change=move |_| choose(cron)/>
                        {words}
                    </label>
                })}
            </div>
            {move || if by_cron.get() {
                view! {
                    <div class="fields">
                        <TextField name="cron" label="Cron expression" value=cron set=set_cron hint=cron_hint autocomplete="off" class="mono"/>
                    </div>
                }.into_any()
            } else {
                view! {
                    <div class="fields inline">
                        <SelectField name="frequency" label="Frequency" value=frequency set=set_frequency options=frequencies.clone()/>
                        {move || daily.get().then(|| view! {
                            <TextField name="time_of_day" label="Time of day" kind="time" value=time set=set_time class="short"/>
                        })}
                    </div>
                }.into_any()
            }}
        </Card>
    }
}

#[component]
pub fn Destinations(typed: RwSignal<SetForm>) -> impl IntoView {
    let rows =
        Memo::new(move |_| typed.with(|t| t.storages.iter().map(|r| r.storage_id).collect::<Vec<_>>()));
    let has_local = move || rows.with(|r| r.contains(&None));
    let add_local = move |_| {
        let row =
            StorageFormRow { storage_id: None, enabled: true, keep_copies: "7".into(), path: String::new() };
        typed.update(|t| t.storages.insert(0, row));
    };
    view! {
        <Card title="Destinations" hint="Where the copies go, and how many stay there.">
            <ul class="destinations">
                {move || rows.get().into_iter().enumerate().map(|(i, id)| view! { <Destination typed i id/> }).collect_view()}
            </ul>
            <FieldMessage name="storages"/>
            {move || (!has_local()).then(|| view! {
                <button type="button" class="btn" on:click=add_local><Icon icon=lu::LuPlus/>"Add this server"</button>
            })}
        </Card>
    }
}

#[component]
fn Destination(typed: RwSignal<SetForm>, i: usize, id: Option<i64>) -> impl IntoView {
    let row = move |f: fn(&StorageFormRow) -> String| {
        Signal::derive(move || typed.with(|t| t.storages.get(i).map(f).unwrap_or_default()))
    };
    let enabled = Signal::derive(move || typed.with(|t| t.storages.get(i).is_some_and(|r| r.enabled)));
    let change = move |apply: Box<dyn FnOnce(&mut StorageFormRow)>| {
        typed.update(|t| {
            if let Some(row) = t.storages.get_mut(i) {
                apply(row);
            }
        });
    };
    let (name, icon) = match id {
        None => ("This server".to_string(), lu::LuHardDrive),
        Some(id) => (format!("Storage Set #{id}"), lu::LuServer),
    };
    view! {
        <li class="destination" class:off=move || !enabled.get()>
            <span class="choice-icon"><Icon icon/></span>
            <Switch
                label=name
                hint=if id.is_none() { "In the server's archive directory." } else { "" }
                value=enabled
                set=SignalSetter::map(move |on: bool| change(Box::new(move |r| r.enabled = on)))
            />
            <TextField
                name=format!("storages[{i}].keep_copies")
                label="Copies to keep"
                value=row(|r| r.keep_copies.clone())
                set=SignalSetter::map(move |v: String| change(Box::new(move |r| r.keep_copies = v)))
                inputmode="numeric"
                class="short"
            />
            {id.is_some().then(|| view! {
                <TextField
                    name=format!("storages[{i}].path")
                    label="Folder"
                    value=row(|r| r.path.clone())
                    set=SignalSetter::map(move |v: String| change(Box::new(move |r| r.path = v)))
                />
            })}
            <FieldMessage name=format!("storages[{i}].storage_id")/>
        </li>
    }
}
