//! Where word is sent when a backup fails, is missed, or works again.

mod editor;
mod email;
mod part;
mod secret;
mod trial;
mod webhook;

use crate::api;
use crate::models::words::Tone;
use crate::ui::*;
use contract::{Alerts, Problem, endpoints as ep};
use editor::Editor;
use leptos::prelude::*;
use leptos_router::components::A;

/// The pages of the configuration.
#[component]
pub fn Sections() -> impl IntoView {
    view! {
        <nav class="sections" aria-label="Configuration">
            <ul>
                <li><A href="/config" exact=true>"General"</A></li>
                <li><A href="/config/alerts">"Alerts"</A></li>
            </ul>
        </nav>
    }
}

#[component]
pub fn AlertsPage() -> impl IntoView {
    let loaded = RwSignal::new(None::<Result<Alerts, Problem>>);
    let load = move || {
        loaded.set(None);
        leptos::task::spawn_local(async move {
            let result = api::bare(&ep::GET_ALERTS, &[]).await;
            loaded.try_set(Some(result));
        });
    };
    load();
    view! {
        <PageHeader title="Alerts" text="Where word is sent when something is wrong with a backup."/>
        <Sections/>
        {move || match loaded.get() {
            None => view! {
                <div class="card"><Skeleton lines=4/></div>
                <div class="card"><Skeleton lines=7/></div>
            }.into_any(),
            Some(Err(problem)) => view! { <div class="card"><ErrorState problem retry=move |()| load()/></div> }.into_any(),
            Some(Ok(alerts)) => view! { <Editor alerts reload=move |()| load()/> }.into_any(),
        }}
    }
}

const EVENTS: [(Tone, &str, &str); 4] = [
    (Tone::Bad, "Failed", "A pass failed, and is not tried again by itself."),
    (Tone::Warn, "Partial", "Every destination took its copy, but something is missing in it."),
    (
        Tone::Bad,
        "Missed",
        "There is no good copy for longer than the schedule and its grace allow. Also when the server was off.",
    ),
    (Tone::Good, "Recovered", "A good pass after one of these."),
];

/// What is told, and what else there is.
#[component]
fn WhenTold(saved: RwSignal<Alerts>) -> impl IntoView {
    let silent = Memo::new(move |_| saved.with(|s| !s.email.enabled && !s.webhook.enabled));
    view! {
        <Card title="When word is sent" hint="Never on every success. The inbox of this console tells the same.">
            <ul class="told">
                {EVENTS.map(|(tone, name, meaning)| view! {
                    <li><Badge tone text=name/><span>{meaning}</span></li>
                }).collect_view()}
            </ul>
            <p class="hint told-more">
                "To hear of it when Storekeep itself falls silent, give the ping URL of a service such as healthchecks.io to each "
                <A href="/backups">"Backup Set"</A>": its form has a field for it."
            </p>
            {move || silent.get().then(|| view! {
                <Notice tone=Tone::Info title="The inbox alone tells so far">
                    <p>"Set up e-mail, a webhook or both below, and nobody has to look here to know."</p>
                </Notice>
            })}
        </Card>
    }
}
