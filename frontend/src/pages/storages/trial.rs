//! *Test connection*: asks the server to try the destination, and shows what it found step by step.

use crate::api::{self, Options};
use crate::models::format;
use crate::models::storage_words::{self, fullness, test_message, test_step, verdict};
use crate::models::words::Tone;
use crate::ui::*;
use contract::{
    FieldError, StorageSet, StorageTestInput, StorageTestReport, StorageType, endpoints as ep, path_error,
};
use leptos::{ev::SubmitEvent, prelude::*};

/// Which one is tested.
#[derive(Debug, Clone, PartialEq)]
pub struct Tested {
    id: i64,
    title: String,
    kind: StorageType,
}

impl Tested {
    pub fn of(set: &StorageSet) -> Self {
        Tested { id: set.id, title: set.title.clone(), kind: set.kind }
    }
}

/// Open while it holds one.
#[component]
pub fn TestDialog(tested: RwSignal<Option<Tested>>) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move |_| {
        if tested.with(Option::is_some) {
            open.set(true);
        }
    });
    Effect::new(move |_| {
        if !open.get() {
            tested.set(None);
        }
    });
    let title = Signal::derive(move || match tested.get() {
        Some(tested) => format!("Test the connection of “{}”", tested.title),
        None => "Test the connection".into(),
    });
    view! {
        <Dialog open title>
            {move || tested.get().map(|tested| view! { <Trial tested open/> })}
        </Dialog>
    }
}

#[component]
fn Trial(tested: Tested, open: RwSignal<bool>) -> impl IntoView {
    let Tested { id, kind, .. } = tested;
    let path = RwSignal::new(String::new());
    let mistakes = move || {
        let typed = path.get();
        // Left empty, the server takes the path of a Backup Set that uses it.
        let message = path_error(kind, typed.trim()).filter(|_| !typed.trim().is_empty());
        message.map(|m| FieldError::new("path", "format", m)).into_iter().collect::<Vec<_>>()
    };
    let form = Form::new(mistakes);
    provide_context(form);
    let busy = RwSignal::new(false);
    let report = RwSignal::new(None::<StorageTestReport>);
    let test = move || {
        busy.set(true);
        report.set(None);
        let typed = path.with_untracked(|p| p.trim().to_string());
        let input = StorageTestInput { path: Some(typed).filter(|p| !p.is_empty()) };
        leptos::task::spawn_local(async move {
            match api::call(&ep::TEST_STORAGE, &[&id.to_string()], Options::none(), &input).await {
                Ok(found) => {
                    report.try_set(Some(found));
                }
                Err(problem) => form.refuse(problem),
            }
            busy.try_set(false);
        });
    };
    test();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if !busy.get_untracked() && form.submit() {
            test();
        }
    };
    let (label, placeholder, _) = storage_words::path_field(kind);
    let hint = if kind == StorageType::AmazonS3 {
        "Left empty: the bucket of a Backup Set that uses it, else the keys alone are tried."
    } else {
        "Left empty: the folder of a Backup Set that uses it, else the top of the account."
    };
    view! {
        <form novalidate on:submit=submit>
            <FormProblem/>
            <div aria-live="polite" class="trial">
                {move || busy.get().then(|| view! {
                    <p class="mute"><Icon icon=lu::LuLoaderCircle class="turning"/>" Asking the provider, and writing a small file there…"</p>
                    <Skeleton lines=4/>
                })}
                {move || report.get().map(|report| view! { <Report report kind/> })}
            </div>
            <TextField name="path" label=format!("{label} (optional)") hint placeholder value=path set=path autocomplete="off"/>
            <div class="dialog-actions">
                <button type="button" class="btn" on:click=move |_| open.set(false)>"Close"</button>
                <BusyButton busy><Icon icon=lu::LuPlugZap/>"Test again"</BusyButton>
            </div>
        </form>
    }
}

#[component]
fn Report(report: StorageTestReport, kind: StorageType) -> impl IntoView {
    let (tone, title) = verdict(&report, kind);
    let steps = report.steps.iter().map(|step| {
        let message = test_message(step, &report);
        let (class, icon, word) =
            if step.ok { ("good", lu::LuCircleCheck, "done") } else { ("bad", lu::LuCircleX, "failed") };
        view! {
            <li class=class>
                <Icon icon/>
                <span>
                    <strong>{test_step(&step.step)}<span class="hidden">{format!(", {word}:")}</span></strong>
                    <span class="pre">{message}</span>
                </span>
            </li>
        }
    });
    let steps = steps.collect_view();
    let space = fullness(&report).map(|fraction| {
        let (used, total) = (report.used_bytes.unwrap_or(0), report.total_bytes.unwrap_or(0));
        let tone = if fraction > 0.95 { "bad" } else { "" };
        view! {
            <div class="space">
                <p class="small"><strong>"Space"</strong><span class="mute">{format!("{} of {} used", format::bytes(used), format::bytes(total))}</span></p>
                <div class=format!("bar {tone}") role="meter" aria-label="Space used" aria-valuemin="0" aria-valuemax="100" aria-valuenow=crate::models::progress::percent(fraction).to_string()>
                    <span class="fill" style:width=format!("{:.1}%", fraction * 100.0)></span>
                </div>
            </div>
        }
    });
    let notes =
        report.notes.iter().cloned().map(|note| view! { <Notice tone=Tone::Info><p>{note}</p></Notice> });
    let notes = notes.collect_view();
    let path = report.path.clone().filter(|p| !p.is_empty());
    let account = report.account.clone();
    view! {
        <Notice tone title>
            {(tone != Tone::Bad).then(|| account.map(|account| view! { <p>{account}</p> }))}
            {path.map(|path| view! { <p class="mute small">"Tried in "<code>{path}</code></p> })}
        </Notice>
        {space}
        <ol class="trial-steps" aria-label="Steps">{steps}</ol>
        {notes}
    }
}
