//! The schedule of a Backup Set's form.

use super::preview::NextRuns;
use crate::models::schedule;
use crate::models::set_form::SetForm;
use crate::ui::*;
use contract::FREQUENCIES;
use leptos::prelude::*;

#[component]
pub fn SchedulePicker(
    typed: RwSignal<SetForm>,
    /// Of a Set that is there.
    id: Option<i64>,
) -> impl IntoView {
    let form = expect_context::<Form>();
    let (frequency, set_frequency) = create_slice(
        typed,
        |t| t.frequency.to_string(),
        |t, v: String| t.frequency = v.parse().unwrap_or(t.frequency),
    );
    let (time, set_time) = create_slice(typed, |t| t.time_of_day.clone(), |t, v| t.time_of_day = v);
    let (cron, set_cron) = create_slice(typed, |t| t.cron.clone(), |t, v| t.cron = v);
    let (jitter, set_jitter) = create_slice(typed, |t| t.jitter_min.clone(), |t, v| t.jitter_min = v);
    let by_cron = Memo::new(move |_| typed.with(|t| t.by_cron));
    let daily = Memo::new(move |_| typed.with(|t| schedule::is_daily(t.frequency)));
    let frequencies = FREQUENCIES.map(|f| (f.to_string(), schedule::frequency_label(f))).to_vec();
    let choose = move |cron: bool| {
        for field in ["frequency", "time_of_day", "cron", "jitter_min"] {
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
                    <div class="fields two">
                        <TextField name="cron" label="Cron expression" value=cron set=set_cron hint=cron_hint autocomplete="off" class="mono"/>
                        <TextField
                            name="jitter_min"
                            label="Delay by chance, up to"
                            hint="So that many Backup Sets do not start in the same second. 0 for none, at most 60."
                            value=jitter
                            set=set_jitter
                            suffix="minutes"
                            inputmode="numeric"
                            autocomplete="off"
                            class="short"
                        />
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
            <NextRuns typed id/>
        </Card>
    }
}
