//! What a pass came to: its error, archives, destinations, warnings, and how to bring it back.

use super::warnings::Warnings;
use crate::api::{self, session};
use crate::models::words::{self, Tone};
use crate::models::{again, format, restore};
use crate::pages::storages;
use crate::ui::*;
use chrono::{DateTime, Utc};
use contract::{ArchiveFile, BackupLog, OverallStatus, RowResult, RowStatus, endpoints as ep};
use leptos::prelude::*;

#[component]
pub fn Results(
    log: BackupLog,
    /// Gets the log that goes on.
    #[prop(into)]
    on_retry: Callback<BackupLog>,
) -> impl IntoView {
    let steps = restore::steps(&log.files);
    let (attempts, warnings) = again::attempts(&log.warnings);
    let title = again::error_title(&log);
    // Somebody wanted it so.
    let (tone, role) = if again::is_cancelled(&log) { (Tone::Warn, "status") } else { (Tone::Bad, "alert") };
    view! {
        {log.error_message.clone().map(|message| view! {
            <Notice tone title role><p class="pre">{message}</p></Notice>
        })}
        {log.retry_at.map(|at| view! { <NextAttempt at rows=log.retryable/> })}
        {(log.overall_status == OverallStatus::Partial).then(|| view! {
            <Notice tone=Tone::Warn title="This copy is not complete">
                <p>"What could be read is there and was stored. The warnings below say what is missing."</p>
            </Notice>
        })}
        {(!log.files.is_empty()).then(|| view! { <Archives log=log.clone()/> })}
        {(!log.storages.is_empty()).then(|| view! { <Destinations log=log.clone() on_retry/> })}
        {(!attempts.is_empty()).then(|| view! { <Attempts attempts/> })}
        {(!warnings.is_empty()).then(|| view! { <Warnings warnings/> })}
        {(!steps.is_empty()).then(|| view! { <Restore steps copy_path=log.copy_path.clone()/> })}
    }
}

/// What the Set does about it by itself.
#[component]
fn NextAttempt(at: DateTime<Utc>, rows: bool) -> impl IntoView {
    let what = if rows {
        "Only the destinations that failed are tried, from the archives that are kept on this server."
    } else {
        "No archives are kept, so the whole pass is made anew, with a log of its own."
    };
    view! {
        <Notice tone=Tone::Info title="Tried again by itself">
            <p>"At "<strong><When at exact=true/></strong>" ("<When at/>"). "{what}</p>
        </Notice>
    }
}

/// What came before the result that is shown.
#[component]
fn Attempts(attempts: Vec<again::Attempt>) -> impl IntoView {
    view! {
        <Card title="Earlier attempts" hint="This pass was tried again. What it came to in the end stands above.">
            <ol class="attempts">
                {attempts.into_iter().map(|attempt| view! {
                    <li>
                        <p>
                            <strong>{format!("Attempt {} failed", attempt.number)}</strong>
                            {attempt.ended_at.map(|at| view! { <span class="mute">" · "<When at exact=true/></span> })}
                        </p>
                        {(!attempt.reason.is_empty()).then(|| view! { <p class="pre">{attempt.reason}</p> })}
                    </li>
                }).collect_view()}
            </ol>
        </Card>
    }
}

/// Tries the destinations that lack the copy; says which.
#[component]
fn RetryButton(log: BackupLog, on_retry: Callback<BackupLog>) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let busy = RwSignal::new(false);
    let (words, whole) = again::retry_label(&log.storages);
    let hidden = (whole != words).then_some(whole);
    let id = log.id;
    let retry = move |()| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            match api::bare(&ep::RETRY_LOG, &[&id.to_string()]).await {
                Ok(log) => {
                    on_retry.try_run(log);
                }
                Err(problem) => toaster.problem(&problem),
            }
            busy.try_set(false);
        });
    };
    view! {
        <BusyButton busy kind="button" class="btn" on_press=retry>
            <Icon icon=lu::LuRotateCw/>
            {match hidden {
                Some(whole) => view! { <span aria-hidden="true">{words}</span><span class="hidden">{whole}</span> }.into_any(),
                None => words.into_any(),
            }}
        </BusyButton>
    }
}

#[component]
fn Archives(log: BackupLog) -> impl IntoView {
    let offered = log.downloadable && session::allows(&ep::DOWNLOAD_ARCHIVE);
    let prefix = log.copy_path.clone().unwrap_or_default().replace('/', "-");
    let id = log.id;
    let hint =
        if log.downloadable { "" } else { "The local copy is gone, so nothing can be downloaded here." };
    view! {
        <Card title="Archives" hint=hint>
            <div class="table-scroll">
                <table role="table" aria-label="Archives">
                    <thead role="rowgroup">
                        <tr role="row">
                            <th role="columnheader" scope="col">"Archive"</th>
                            <th role="columnheader" scope="col" class="num">"Size"</th>
                            <th role="columnheader" scope="col">"SHA-256"</th>
                            <th role="columnheader" scope="col" class="actions"><span class="hidden">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody role="rowgroup">
                        {log.files.into_iter().map(|file| view! { <Archive file id prefix=prefix.clone() offered/> }).collect_view()}
                    </tbody>
                </table>
            </div>
        </Card>
    }
}

#[component]
fn Archive(file: ArchiveFile, id: i64, prefix: String, offered: bool) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let busy = RwSignal::new(false);
    let name = StoredValue::new(file.name.clone());
    let base = file.name.rsplit('/').next().unwrap_or(&file.name);
    let save_as =
        StoredValue::new(if prefix.is_empty() { base.to_string() } else { format!("{prefix}-{base}") });
    let fetch = move |()| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            let (name, save_as) = (name.get_value(), save_as.get_value());
            if let Err(problem) = api::download(id, &name, &save_as).await {
                toaster.problem(&problem);
            }
            busy.try_set(false);
        });
    };
    let icon = if file.name.starts_with("db/") { lu::LuDatabase } else { lu::LuFileArchive };
    view! {
        <tr role="row">
            <td role="cell" class="lead" data-label="Archive"><span class="with-icon"><Icon icon/><code>{file.name.clone()}</code></span></td>
            <td role="cell" class="num" data-label="Size">{format::bytes(file.size_bytes)}</td>
            <td role="cell" data-label="SHA-256">
                <span class="digest">
                    <code title=file.sha256.clone()>{format::short_digest(&file.sha256)}</code>
                    <CopyButton text=file.sha256.clone() label=format!("Copy the SHA-256 of {}", file.name)/>
                </span>
            </td>
            <td role="cell" class="actions" data-label="Actions">
                {offered.then(|| view! {
                    <BusyButton busy kind="button" class="btn small" on_press=fetch>
                        <Icon icon=lu::LuDownload/>"Download"<span class="hidden">{format!(" {}", name.get_value())}</span>
                    </BusyButton>
                })}
            </td>
        </tr>
    }
}

#[component]
fn Destinations(log: BackupLog, on_retry: Callback<BackupLog>) -> impl IntoView {
    let rows: Vec<RowResult> = log.storages.clone();
    let offered = log.retryable && session::allows(&ep::RETRY_LOG);
    let hint = if log.retryable {
        "The archives are kept on this server: what failed can be tried again without making them anew."
    } else {
        ""
    };
    let aside = move || offered.then(|| view! { <RetryButton log=log.clone() on_retry/> });
    view! {
        <Card title="Destinations" hint aside>
            <ul class="rows" aria-label="Destinations">
                {rows.into_iter().map(|row| {
                    let (tone, text) = match row.status {
                        RowStatus::Success => (Tone::Good, "Success"),
                        RowStatus::Failed => (Tone::Bad, "Failed"),
                    };
                    let local = row.storage_id == "local";
                    let icon = storages::icon(row.kind);
                    let amount = format!("{} in {}", format::bytes(row.bytes), format::duration(row.seconds));
                    // Of what never began there is nothing to count.
                    let counted = row.bytes > 0 || row.status == RowStatus::Success;
                    view! {
                        <li class="result-row">
                            <span class="choice-icon"><Icon icon/></span>
                            <div class="grow">
                                <p><strong>{row.title}</strong>{(!local).then(|| view! { " "<span class="mute">{words::storage_type(row.kind)}</span> })}</p>
                                {(!row.message.is_empty()).then(|| view! { <p class="pre">{row.message}</p> })}
                                {counted.then(|| view! { <p class="mute small">{amount}</p> })}
                            </div>
                            <Badge tone text/>
                        </li>
                    }
                }).collect_view()}
            </ul>
        </Card>
    }
}

#[component]
fn Restore(steps: Vec<restore::Step>, copy_path: Option<String>) -> impl IntoView {
    view! {
        <Card title="Restore" hint="Standard tools are enough. Run these inside the folder of the copy.">
            {copy_path.map(|path| view! { <p class="mute small">"The folder: "<code>{path}</code></p> })}
            <ol class="commands">
                {steps.into_iter().map(|step| view! {
                    <li>
                        <p>{step.title.clone()}</p>
                        <div class="command">
                            <code>{step.command.clone()}</code>
                            <CopyButton text=step.command label=format!("Copy the command: {}", step.title)/>
                        </div>
                    </li>
                }).collect_view()}
            </ol>
        </Card>
    }
}
