//! The storage phase: every row on its own.

use super::space::human;
use super::sweep::{Swept, sweep};
use super::unchanged::Unchanged;
use super::upload::{Destination, Progress, Sealed};
use super::{Row, RowResult, Target, Tuning, panic_text};
use crate::event::{Event, Events, Phase, Warning};
use crate::storage::{LocalStorage, Storage};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// What the rows have in common.
pub(super) struct Storing<'a> {
    pub copy: &'a Sealed,
    pub archive_dir: &'a Path,
    pub folder: &'a str,
    /// The copy's name.
    pub name: &'a str,
    /// What messages add: the part that is missing from this copy.
    pub missing: Option<&'a str>,
    /// Bytes of this copy that came from the copy before, where that is known.
    pub reused_bytes: u64,
    pub events: &'a Events,
    pub cancel: &'a CancellationToken,
    /// Cancelled uploads keep what arrived.
    pub suspend: &'a CancellationToken,
    /// The copy may be there already, or a part of it.
    pub again: bool,
    pub tuning: Tuning,
    /// Seconds that making the local copy took.
    pub made_in: f64,
}

/// A row's result, with what its sweep did.
pub(super) struct Stored {
    pub result: RowResult,
    pub warnings: Vec<Warning>,
}

impl Storing<'_> {
    /// The local row first, since its sweep makes room; then the others side by side. Results come in the order of `rows`.
    pub async fn all(&self, rows: &[Row]) -> Vec<Stored> {
        let remote = |row: &&Row| matches!(row.target, Target::Remote(_));
        let uploads = rows.iter().filter(remote).count() as u64;
        let unchanged = self.unchanged(rows).await;
        let mut local = Vec::new();
        for row in rows.iter().filter(|row| matches!(row.target, Target::Local)) {
            local.push(self.local(row).await);
        }
        let progress = (uploads > 0).then(|| {
            let items = self.copy.archives.len() as u64 + 1;
            let bytes = self.copy.size_bytes() + self.copy.manifest.len() as u64;
            Progress::start(self.events.clone(), uploads * bytes, uploads * items, rows.len())
        });
        let started = Instant::now();
        let others = rows.iter().enumerate().filter(|(_, row)| !matches!(row.target, Target::Local));
        let others = others.map(|(at, row)| self.caught((at, row), &unchanged, progress.as_ref(), started));
        let others = futures_util::future::join_all(others).await;
        if let Some(progress) = progress {
            progress.end(others.iter().all(|stored| stored.result.ok));
        }
        let (mut local, mut others) = (local.into_iter(), others.into_iter());
        rows.iter()
            .filter_map(|row| if matches!(row.target, Target::Local) { local.next() } else { others.next() })
            .collect()
    }

    /// What earlier copies share with this one, for the destinations that can make use of it. Before anything is swept: the copy before may
    /// be the one that has to make room here.
    async fn unchanged(&self, rows: &[Row]) -> Unchanged {
        let of_use = |row: &Row| matches!(&row.target, Target::Remote(storage) if storage.copies_ranges());
        if !rows.iter().any(of_use) {
            return Unchanged::default();
        }
        let (archive_dir, folder) = (self.archive_dir.to_owned(), self.folder.to_owned());
        let copy = self.copy.clone();
        let find = move || Unchanged::find(&archive_dir, &folder, &copy);
        tokio::task::spawn_blocking(find).await.unwrap_or_else(|error| {
            tracing::error!(%error, "looking for what is unchanged ended unexpectedly; everything is sent");
            Unchanged::default()
        })
    }

    /// The sealed copy is the local row's copy already.
    async fn local(&self, row: &Row) -> Stored {
        self.events.emit(Event::Started { phase: Phase::Retention, total_bytes: None, total_items: None });
        let storage = LocalStorage::new(self.archive_dir);
        let swept = sweep(&storage, self.folder, self.name, row.keep_copies, self.cancel).await;
        self.events.emit(Event::Ended { phase: Phase::Retention, ok: swept.problem.is_none() });
        let dir = self.copy.dir.display();
        let mut done = format!("Stored in {dir}.");
        if self.reused_bytes > 0 {
            let (reused, all) = (human(self.reused_bytes), human(self.copy.size_bytes()));
            done.push_str(&format!(
                " Unchanged since the copy before, and copied from it: {reused} of {all}."
            ));
        }
        self.stored(row, done, swept, self.made_in)
    }

    /// An upload that panics fails alone.
    async fn caught(
        &self,
        (at, row): (usize, &Row),
        unchanged: &Unchanged,
        progress: Option<&Arc<Progress>>,
        started: Instant,
    ) -> Stored {
        let total_bytes = self.copy.size_bytes() + self.copy.manifest.len() as u64;
        self.events.emit(Event::RowStarted { row: at, total_bytes });
        let caught = AssertUnwindSafe(self.remote((at, row), unchanged, progress)).catch_unwind().await;
        let stored = caught.unwrap_or_else(|panic| {
            let text = panic_text(panic.as_ref());
            tracing::error!(storage.id = row.storage_id, panic = text, "an upload panicked");
            let message = format!("The upload ended unexpectedly: {text}. This is a fault of the program.");
            plain(row.result(false, message, 0, started.elapsed().as_secs_f64()))
        });
        self.events.emit(Event::RowEnded { row: at, ok: stored.result.ok });
        stored
    }

    async fn remote(
        &self,
        (at, row): (usize, &Row),
        unchanged: &Unchanged,
        progress: Option<&Arc<Progress>>,
    ) -> Stored {
        let started = Instant::now();
        let seconds = || started.elapsed().as_secs_f64();
        let (storage, progress) = match (&row.target, progress) {
            (Target::Remote(storage), Some(progress)) => (storage, progress),
            (Target::Unusable(message), _) => return plain(row.result(false, message.clone(), 0, seconds())),
            // Local rows are not given to this function, and with a remote one there is progress.
            _ => return plain(row.result(false, "There is no destination.".into(), 0, seconds())),
        };
        let (copy, cancel, suspend, again, tuning) =
            (self.copy, self.cancel, self.suspend, self.again, self.tuning);
        let storage = Arc::clone(storage);
        let destination = Destination {
            storage,
            copy,
            unchanged,
            progress,
            row: at,
            cancel,
            suspend,
            again,
            tuning,
            spared: AtomicU64::new(0),
        };
        if let Err(error) = destination.upload().await {
            tracing::warn!(storage.id = row.storage_id, storage.kind = ?row.kind, copy = copy.copy_path, error = %error, "an upload failed");
            return plain(row.result(false, error.message, 0, seconds()));
        }
        let swept = self.sweep_remote(row, &destination).await;
        let files = copy.archives.len();
        let uploaded = format!(
            "Uploaded {files} {} and the manifest, {}{}.",
            if files == 1 { "archive" } else { "archives" },
            human(copy.size_bytes()),
            match destination.spared.load(Ordering::Relaxed) {
                0 => String::new(),
                bytes => format!("; {} of it was there already", human(bytes)),
            }
        );
        self.stored(row, uploaded, swept, seconds())
    }

    async fn sweep_remote(&self, row: &Row, destination: &Destination<'_>) -> Swept {
        let storage = destination.retrying();
        // Deleting is many short calls, each of which the driver ends in time: the limit is for all of them.
        let active = Mutex::new(Instant::now());
        let storage: &dyn Storage = &storage;
        let call = async { Ok(sweep(storage, self.folder, self.name, row.keep_copies, self.cancel).await) };
        match destination.patiently(&active, call).await {
            Ok(swept) => swept,
            Err(error) => Swept { deleted: Vec::new(), problem: Some(error.message) },
        }
    }

    fn stored(&self, row: &Row, done: String, swept: Swept, seconds: f64) -> Stored {
        let mut message = done;
        if let Some(missing) = self.missing {
            message.push(' ');
            message.push_str(missing);
        }
        match swept.deleted.len() {
            0 => {}
            1 => message.push_str(" 1 older copy was removed."),
            n => message.push_str(&format!(" {n} older copies were removed.")),
        }
        let mut warnings = Vec::new();
        if let Some(problem) = swept.problem {
            let text = format!("Older copies stay at {}: {problem}", row.title);
            let warning = Warning::note("retention_failed", Some(row.title.clone()), text);
            self.events.emit(Event::Warned(warning.clone()));
            warnings.push(warning);
            message.push_str(&format!(" Older copies stay: {problem}"));
        }
        let gone = swept.deleted.iter().map(|name| format!("{}/{name}", self.folder)).collect();
        let result = row.result(true, message, self.copy.size_bytes(), seconds);
        Stored { result: RowResult { swept: gone, ..result }, warnings }
    }
}

fn plain(result: RowResult) -> Stored {
    Stored { result, warnings: Vec::new() }
}
