//! Going on with a pass whose archives are kept: the rows that lack its copy.

use super::local::{LocalCopy, local_copies};
use super::rows::Storing;
use super::sweep::sweep_staging;
use super::upload::Sealed;
use super::{Outcome, Row, Status, Tuning, caught, pass, status};
use crate::archive::manifest::Manifest;
use crate::event::{Events, Warning};
use crate::storage::LocalStorage;
use std::path::PathBuf;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// A copy that is kept, and the rows that are still to have it.
pub struct Again {
    pub archive_dir: PathBuf,
    /// `<folder>/<timestamp>`
    pub copy_path: String,
    /// Every row that lacks the copy: once they have it, all have.
    pub rows: Vec<Row>,
    /// Cancelled together with the pass, it keeps what uploads have sent and their sessions for the next time.
    pub suspend: CancellationToken,
}

/// Brings a kept copy to the rows that lack it, each with its retention, as [`super::run`] would have done. What an interrupted upload had
/// sent is not sent again where the destination still has it.
///
/// The outcome has a result for these rows alone, and no warnings of the copy's making.
pub async fn resume(again: Again, events: Events, cancel: CancellationToken) -> Outcome {
    resume_tuned(again, events, cancel, Tuning::default()).await
}

pub(crate) async fn resume_tuned(
    again: Again,
    events: Events,
    cancel: CancellationToken,
    tuning: Tuning,
) -> Outcome {
    let cancel = cancel.child_token();
    let _end = cancel.clone().drop_guard();
    let started = Instant::now();
    match caught(&again.copy_path, go_on(&again, events, cancel, tuning)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(stop)) => failed(&again, started, stop),
        Err(reason) => failed(&again, started, Stop { reason, gone: false }),
    }
}

async fn go_on(
    again: &Again,
    events: Events,
    cancel: CancellationToken,
    tuning: Tuning,
) -> Result<Outcome, Stop> {
    let copy = find(again).await?;
    let (folder, name) = again.copy_path.split_once('/').unwrap_or_default();
    // Destinations get the manifest without the mark of a staging copy.
    let staging = copy.manifest.staging;
    let manifest = Manifest { staging: false, ..copy.manifest };
    let unwritten = |error| Stop { reason: format!("The manifest cannot be written: {error}."), gone: false };
    let json = manifest.to_json().map_err(unwritten)?;
    let complete = manifest.complete;
    let failures: Vec<&str> =
        manifest.warnings.iter().filter(is_failure).map(|w| w.message.as_str()).collect();
    let missing = (!failures.is_empty()).then(|| failures.join(" "));
    let sealed = Sealed {
        dir: copy.dir,
        copy_path: again.copy_path.clone(),
        archives: manifest.archives.clone(),
        manifest: json.into(),
    };
    let storing = Storing {
        copy: &sealed,
        archive_dir: &again.archive_dir,
        folder,
        name,
        missing: missing.as_deref(),
        reused_bytes: 0,
        events: &events,
        cancel: &cancel,
        suspend: &again.suspend,
        again: true,
        tuning,
        made_in: 0.0,
    };
    let (mut rows, mut warnings, mut swept) = (Vec::new(), Vec::new(), Vec::new());
    for row in storing.all(&again.rows).await {
        rows.push(row.result);
        warnings.extend(row.warnings);
    }
    let cancelled = cancel.is_cancelled();
    let mut local_copy_kept = true;
    // Without a row that took it, this is the only copy there is.
    if staging && !rows.is_empty() && rows.iter().all(|row| row.ok) && !cancelled {
        let storage = LocalStorage::new(&again.archive_dir);
        let gone = sweep_staging(&storage, folder, name, true, &CancellationToken::new()).await;
        if let Some(problem) = gone.problem {
            warnings.push(pass::staging_kept(&again.archive_dir, &problem));
        }
        local_copy_kept = !gone.deleted.iter().any(|deleted| deleted == name);
        swept.extend(gone.deleted.into_iter().map(|name| format!("{folder}/{name}")));
    }
    let oks: Vec<bool> = rows.iter().map(|row| row.ok).collect();
    Ok(Outcome {
        status: status::overall(sealed.archives.len(), complete, &oks, cancelled),
        copy_path: Some(sealed.copy_path),
        archives: sealed.archives,
        complete,
        rows,
        warnings,
        error: cancelled.then(|| pass::CANCELLED.into()),
        swept,
        local_copy_kept,
    })
}

/// One of two types could not be made.
fn is_failure(warning: &&Warning) -> bool {
    warning.incomplete && matches!(warning.code.as_str(), "files_failed" | "database_failed")
}

/// Why nothing could be sent.
struct Stop {
    reason: String,
    /// The archives are not there (any more): trying again would not help.
    gone: bool,
}

async fn find(again: &Again) -> Result<LocalCopy, Stop> {
    let (dir, path) = (again.archive_dir.clone(), again.copy_path.clone());
    let folder = path.split('/').next().unwrap_or_default().to_owned();
    let look = tokio::task::spawn_blocking(move || local_copies(&dir, &folder)).await;
    let copies = look.map_err(std::io::Error::other).flatten().map_err(|error| {
        let reason =
            format!("The archive directory {} cannot be read: {error}.", again.archive_dir.display());
        Stop { reason, gone: false }
    })?;
    let reason = match copies.into_iter().find(|copy| copy.copy_path == path) {
        Some(copy) if copy.intact => return Ok(copy),
        Some(copy) => format!(
            "An archive of this pass is not as it was made any more ({}). Run the Backup Set again.",
            copy.dir.display()
        ),
        None => format!(
            "The archives of this pass ({path}) are not in the archive directory of this server, {}. Run the Backup Set again.",
            again.archive_dir.display()
        ),
    };
    Err(Stop { reason, gone: true })
}

fn failed(again: &Again, started: Instant, Stop { reason, gone }: Stop) -> Outcome {
    let seconds = started.elapsed().as_secs_f64();
    let row = |row: &Row| {
        let message = match &row.target {
            super::Target::Unusable(message) => message.clone(),
            _ => format!("Nothing was stored here: {reason}"),
        };
        row.result(false, message, 0, seconds)
    };
    Outcome {
        status: Status::Failed,
        copy_path: Some(again.copy_path.clone()),
        archives: Vec::new(),
        complete: false,
        rows: again.rows.iter().map(row).collect(),
        warnings: Vec::new(),
        error: Some(reason),
        // So that the next try makes them anew.
        swept: if gone { vec![again.copy_path.clone()] } else { Vec::new() },
        local_copy_kept: !gone,
    }
}
