//! One pass, in order.

use super::make::{Made, Maker};
use super::rows::Storing;
use super::sweep::sweep_staging;
use super::{Job, Outcome, Target, Tuning, status};
use crate::event::{Event, Events, Warning};
use crate::storage::LocalStorage;
use std::path::Path;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

pub(super) const CANCELLED: &str = "The pass was cancelled.";

pub(super) async fn run(job: &Job, events: Events, cancel: CancellationToken, tuning: Tuning) -> Outcome {
    let started = Instant::now();
    let maker = Maker { job, events: &events, cancel: &cancel, started };
    let made = match maker.make().await {
        Ok(made) => made,
        Err(error) => {
            let error = if cancel.is_cancelled() { CANCELLED.into() } else { error };
            return Outcome::failed(job, started, error);
        }
    };
    let Made { copy, name, complete, mut warnings, missing, reused_bytes } = made;

    let storing = Storing {
        copy: &copy,
        archive_dir: &job.archive_dir,
        folder: &job.folder,
        name: &name,
        missing: missing.as_deref(),
        reused_bytes,
        events: &events,
        cancel: &cancel,
        suspend: &job.suspend,
        again: false,
        tuning,
        made_in: started.elapsed().as_secs_f64(),
    };
    let stored = storing.all(&job.rows).await;
    let cancelled = cancel.is_cancelled();
    let mut rows = Vec::with_capacity(stored.len());
    let mut swept = Vec::new();
    for row in stored {
        rows.push(row.result);
        warnings.extend(row.warnings);
    }

    let arrived = rows.iter().all(|row| row.ok) && !cancelled;
    let mut local_copy_kept = true;
    if !job.rows.iter().any(|row| matches!(row.target, Target::Local)) {
        let storage = LocalStorage::new(&job.archive_dir);
        // Not the pass's own token: what is obsolete goes also after a cancelled pass.
        let all = CancellationToken::new();
        let gone = sweep_staging(&storage, &job.folder, &name, arrived, &all).await;
        if let Some(problem) = gone.problem {
            let warning = staging_kept(&job.archive_dir, &problem);
            events.emit(Event::Warned(warning.clone()));
            warnings.push(warning);
        }
        local_copy_kept = !gone.deleted.contains(&name);
        swept.extend(gone.deleted.into_iter().map(|name| format!("{}/{name}", job.folder)));
    }

    let oks: Vec<bool> = rows.iter().map(|row| row.ok).collect();
    Outcome {
        status: status::overall(copy.archives.len(), complete, &oks, cancelled),
        copy_path: Some(copy.copy_path),
        archives: copy.archives,
        complete,
        rows,
        warnings: status::cap(warnings),
        error: cancelled.then(|| CANCELLED.into()),
        swept,
        local_copy_kept,
    }
}

pub(super) fn staging_kept(archive_dir: &Path, problem: &str) -> Warning {
    let text = format!("The copies that wait for their upload could not be cleared up: {problem}");
    Warning::note("staging_kept", Some(archive_dir.display().to_string()), text)
}
