//! What happens around a pass of a Backup Set: retries, and the call of a service that watches over it.

use crate::models::set_form::SetForm;
use crate::ui::*;
use leptos::prelude::*;

#[component]
pub fn AfterFailure(typed: RwSignal<SetForm>) -> impl IntoView {
    let (attempts, set_attempts) =
        create_slice(typed, |t| t.retry_attempts.clone(), |t, v| t.retry_attempts = v);
    let (delay, set_delay) = create_slice(typed, |t| t.retry_delay_min.clone(), |t, v| t.retry_delay_min = v);
    let (ping, set_ping) = create_slice(typed, |t| t.ping_url.clone(), |t, v| t.ping_url = v);
    view! {
        <Card
            title="When a pass fails"
            hint="A scheduled one is tried again before its next slot. Where its archives are kept on this server, only the destinations that failed are."
        >
            <div class="fields two">
                <TextField
                    name="retry_attempts"
                    label="Try again after a failure"
                    hint="0 for never, at most 10 times."
                    value=attempts
                    set=set_attempts
                    suffix="times"
                    inputmode="numeric"
                    autocomplete="off"
                    class="short"
                />
                <TextField
                    name="retry_delay_min"
                    label="Wait before each attempt"
                    hint="Time for a destination to come back."
                    value=delay
                    set=set_delay
                    suffix="minutes"
                    inputmode="numeric"
                    autocomplete="off"
                    class="short"
                />
            </div>
            <div class="fields">
                <TextField
                    name="ping_url"
                    label="Address to call (optional)"
                    hint="Of a service that notices when nothing comes. It is called with /start added when a pass begins, as it is after a good end, and with /fail after another."
                    value=ping
                    set=set_ping
                    placeholder="https://…"
                    inputmode="url"
                    autocomplete="off"
                />
            </div>
        </Card>
    }
}
