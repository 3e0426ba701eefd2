//! Making a copy: preflight, files and dump side by side, seal.

use super::database;
use super::local::Making;
use super::pass::CANCELLED;
use super::upload::Sealed;
use super::{Job, Target, earlier, space, status};
use crate::archive::ArchiveFile;
use crate::archive::dump::{Dumped, Snapshots};
use crate::archive::manifest::{ArchiveType, FORMAT, FilesInfo, Manifest, PROGRAM, SourceInfo};
use crate::archive::reuse::Reuse;
use crate::archive::tree::{self, PackError, PackOptions, Packed, Scan};
use crate::event::{Event, Events, Phase, Warning};
use crate::policy::layout;
use crate::source::files::Excludes;
use crate::source::magento::Deployment;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// A sealed copy, and what there is to say about it.
pub(super) struct Made {
    pub copy: Sealed,
    pub name: String,
    pub complete: bool,
    pub warnings: Vec<Warning>,
    /// For the rows' messages: the part that is missing, and why.
    pub missing: Option<String>,
    /// Bytes of its archives that were copied from earlier ones.
    pub reused_bytes: u64,
}

/// Why one part of a copy was not made.
pub(super) enum PartError {
    Cancelled,
    /// The cause and the remedy, as sentences.
    Failed(String),
}

/// An error's text, closed by a full stop.
pub(super) fn sentence(error: &impl std::fmt::Display) -> String {
    format!("{}.", error.to_string().trim_end_matches('.'))
}

/// What one pass makes a copy of, with everything it needs.
pub(super) struct Maker<'a> {
    pub job: &'a Job,
    pub events: &'a Events,
    pub cancel: &'a CancellationToken,
    pub started: Instant,
}

/// What the parts of a copy begin with.
struct Ready {
    making: Arc<Making>,
    reuse: Reuse,
    deployment: Deployment,
    scanned: Option<Result<(PackOptions, Scan), PartError>>,
    database: Option<Result<Snapshots, PartError>>,
}

/// Runs blocking work; a panic in it is an error like any other.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => format!(
            "It ended unexpectedly: {}. This is a fault of the program.",
            super::panic_text(panic.as_ref())
        ),
        Err(error) => format!("It broke off: {error}."),
    })
}

impl Maker<'_> {
    /// Makes the copy. When that fails nothing of it stays.
    pub async fn make(&self) -> Result<Made, String> {
        self.events.emit(Event::Started { phase: Phase::Preflight, total_bytes: None, total_items: None });
        let ready = self.preflight().await;
        self.events.emit(Event::Ended { phase: Phase::Preflight, ok: ready.is_ok() });
        let Ready { making, reuse, deployment, scanned, database } = ready?;

        let files = async {
            match scanned {
                Some(Ok((options, scan))) => Some(self.pack(&making, options, scan).await),
                Some(Err(error)) => {
                    self.not_begun(Phase::Files);
                    Some(Err(error))
                }
                None => None,
            }
        };
        let dump = async {
            match database {
                Some(Ok(snapshots)) => {
                    let (events, cancel) = (self.events.clone(), self.cancel.clone());
                    let snapshots = snapshots.reusing(reuse);
                    Some(database::dump(snapshots, making.path(), events, cancel).await)
                }
                Some(Err(error)) => {
                    self.not_begun(Phase::Database);
                    Some(Err(error))
                }
                None => None,
            }
        };
        let (files, dump) = tokio::join!(files, dump);
        self.check_cancelled()?;
        self.seal(making, deployment, files, dump).await
    }

    /// Tells of a part that failed before it could begin.
    fn not_begun(&self, phase: Phase) {
        self.events.emit(Event::Started { phase, total_bytes: None, total_items: None });
        self.events.emit(Event::Ended { phase, ok: false });
    }

    fn check_cancelled(&self) -> Result<(), String> {
        if self.cancel.is_cancelled() { Err(CANCELLED.into()) } else { Ok(()) }
    }

    /// Everything that can be known before the first byte: whether there is room, and what is going to be missing. The database snapshots are
    /// open when it returns; a part that cannot be made does not keep the other from being made.
    async fn preflight(&self) -> Result<Ready, String> {
        let job = self.job;
        if job.rows.is_empty() {
            return Err("No destination of this Backup Set is enabled: switch one on.".into());
        }
        if !job.files && !job.database {
            return Err("This Backup Set names nothing to back up: choose database, files or both.".into());
        }
        if !layout::is_safe_segment(&job.folder) {
            return Err("The folder name of this Backup Set is not a plain name: change it.".into());
        }
        let (archive_dir, folder, at) = (job.archive_dir.clone(), job.folder.clone(), job.started_at);
        let making = Arc::new(blocking(move || Making::begin(&archive_dir, &folder, at)).await??);
        self.check_cancelled()?;

        let deployment = self.deployment().await?;
        let database = match job.database {
            true => Some(database::open(&job.source, &job.exclude_tables, self.cancel).await),
            false => None,
        };
        self.check_cancelled()?;
        let reuse = self.earlier().await;
        let scanned = match job.files {
            true => Some(self.scan(&making, &reuse).await),
            false => None,
        };
        let rows = database.as_ref().and_then(|d| d.as_ref().ok()).map_or(0, |d| d.estimated_bytes());
        // What cannot be told is not asked for; why not is told by the part itself.
        let files =
            scanned.as_ref().and_then(|s| s.as_ref().ok()).map_or(0, |(_, scan)| scan.content_bytes());
        self.check_cancelled()?;
        space::check(making.path(), space::expected(rows.saturating_add(files), job.last_copy_bytes))?;
        Ok(Ready { making, reuse, deployment, scanned, database })
    }

    /// Walks the tree, and prepares for archiving it.
    async fn scan(&self, making: &Making, reuse: &Reuse) -> Result<(PackOptions, Scan), PartError> {
        let job = self.job;
        let excludes = Excludes::new(&job.exclude_directories).map_err(|e| {
            PartError::Failed(format!("The excluded directory `{}` is not valid: {}.", e.pattern, e.reason))
        })?;
        let mut leave_out = job.leave_out.clone();
        leave_out.push(job.archive_dir.clone());
        let options = PackOptions {
            root: job.source.root.clone(),
            out_dir: making.path().to_path_buf(),
            excludes,
            leave_out,
            symlinks: job.symlinks,
            part_size: job.part_size,
            started_at: job.started_at,
            base: reuse.bases.get(tree::NAME).cloned(),
            workers: super::workers(std::thread::available_parallelism().map_or(2, usize::from)),
            events: self.events.clone(),
            cancel: self.cancel.clone(),
        };
        let scan = move || tree::scan(&options).map(|scan| (options, scan));
        let scanned = blocking(scan).await.map_err(PartError::Failed)?;
        scanned.map_err(|error| self.part_error(error))
    }

    fn part_error(&self, error: PackError) -> PartError {
        match error {
            PackError::Cancelled => PartError::Cancelled,
            PackError::Write(error) if space::is_full(&error) => {
                PartError::Failed(space::full(&self.job.archive_dir))
            }
            error => PartError::Failed(sentence(&error)),
        }
    }

    async fn pack(
        &self,
        making: &Arc<Making>,
        options: PackOptions,
        scan: Scan,
    ) -> Result<Packed, PartError> {
        // Should this pass be dropped, its folder goes when the last thread that writes there has ended.
        let folder = Arc::clone(making);
        let pack = move || {
            let packed = tree::pack_scanned(options, scan);
            drop(folder);
            packed
        };
        let packed = blocking(pack).await.map_err(PartError::Failed)?;
        packed.map_err(|error| self.part_error(error))
    }

    /// What earlier passes left to copy from.
    async fn earlier(&self) -> Reuse {
        let Job { archive_dir, folder, started_at, reuse_limit, .. } = self.job;
        let (archive_dir, folder) = (archive_dir.clone(), folder.clone());
        let (started_at, limit) = (*started_at, *reuse_limit);
        let found = blocking(move || earlier::find(&archive_dir, &folder, started_at, limit)).await;
        // Without it everything is made anew, whatever the reason.
        found.unwrap_or_else(|_| Reuse { started_at, bases: HashMap::new() })
    }

    async fn seal(
        &self,
        making: Arc<Making>,
        deployment: Deployment,
        files: Option<Result<Packed, PartError>>,
        database: Option<Result<Dumped, PartError>>,
    ) -> Result<Made, String> {
        let mut parts = Parts::default();
        let files = files.and_then(|r| parts.take(ArchiveType::Files, r));
        let database = database.and_then(|r| parts.take(ArchiveType::Database, r));
        if parts.done.is_empty() {
            return Err(parts.failures.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" "));
        }
        let mut warnings = Vec::new();
        for (part, text) in &parts.failures {
            let code = if *part == ArchiveType::Files { "files_failed" } else { "database_failed" };
            warnings.push(self.remark(Warning::missing(code, None, text.clone())));
        }
        let mut archives: Vec<ArchiveFile> = Vec::new();
        let mut info = None;
        let source = self.source_info().await?;
        let deployed = deployment.until(&self.deployment().await?);
        warnings.extend(deployed.map(|remark| self.remark(Warning::note(remark.code, None, remark.text))));
        let mut reused_bytes = 0;
        if let Some(packed) = files {
            warnings.extend(source.remote_storage.as_deref().map(|driver| self.remote_media(driver)));
            archives.extend(packed.archives);
            reused_bytes += packed.reused_bytes;
            warnings.extend(packed.warnings);
            info = Some(FilesInfo {
                entries: packed.entries,
                source_bytes: packed.source_bytes,
                excluded: packed.excluded,
                links_out: packed.links_out,
                links_out_more: packed.links_out_more,
            });
        }
        let mut databases = Vec::new();
        if let Some(dumped) = database {
            archives.extend(dumped.archives);
            reused_bytes += dumped.reused_bytes;
            warnings.extend(dumped.warnings);
            databases = dumped.databases;
        }
        let complete = parts.failures.is_empty() && !warnings.iter().any(|w| w.incomplete);
        let missing = (!parts.failures.is_empty())
            .then(|| parts.failures.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" "));

        self.events.emit(Event::Started { phase: Phase::Seal, total_bytes: None, total_items: None });
        let mut manifest = self.manifest(&making, source, complete);
        manifest.done = parts.done;
        manifest.archives.clone_from(&archives);
        manifest.files = info;
        manifest.databases = databases;
        manifest.warnings_total = warnings.len() as u64;
        manifest.warnings = status::cap(warnings.clone());
        let sealed = self.write(making, manifest).await;
        self.events.emit(Event::Ended { phase: Phase::Seal, ok: sealed.is_ok() });
        let (copy, name) = sealed?;
        Ok(Made { copy, name, complete, warnings, missing, reused_bytes })
    }

    async fn source_info(&self) -> Result<SourceInfo, String> {
        let source = self.job.source.clone();
        blocking(move || SourceInfo {
            root: source.root.display().to_string(),
            resolved_root: source.resolve_root().ok().map(|root| root.display().to_string()),
            magento_version: source.version(),
            remote_storage: source.configuration().ok().and_then(|settings| settings.remote_storage()),
        })
        .await
    }

    /// Nothing of this disk is missing, and yet a restore has no pictures.
    fn remote_media(&self, driver: &str) -> Warning {
        let text = format!(
            "The store keeps its media in remote storage ({driver}): they are not in this archive. Back the bucket up by itself, with versioning or a copy."
        );
        self.remark(Warning::note("remote_storage", Some(driver.into()), text))
    }

    fn remark(&self, warning: Warning) -> Warning {
        self.events.emit(Event::Warned(warning.clone()));
        warning
    }

    async fn deployment(&self) -> Result<Deployment, String> {
        let source = self.job.source.clone();
        blocking(move || source.deployment()).await
    }

    fn manifest(&self, making: &Making, source: SourceInfo, complete: bool) -> Manifest {
        let job = self.job;
        let elapsed = chrono::Duration::from_std(self.started.elapsed()).unwrap_or_default();
        let requested = [(job.files, ArchiveType::Files), (job.database, ArchiveType::Database)];
        Manifest {
            format: FORMAT,
            program: PROGRAM.into(),
            program_version: env!("CARGO_PKG_VERSION").into(),
            title: job.title.clone(),
            folder: job.folder.clone(),
            copy: making.name.clone(),
            started_at: job.started_at,
            finished_at: job.started_at + elapsed,
            requested: requested.into_iter().filter_map(|(wanted, part)| wanted.then_some(part)).collect(),
            done: Vec::new(),
            complete,
            staging: false,
            archives: Vec::new(),
            source,
            files: None,
            databases: Vec::new(),
            warnings_total: 0,
            warnings: Vec::new(),
        }
    }

    /// Writes the manifests and gives the copy its name. Destinations get the manifest without the mark of a staging copy.
    async fn write(&self, making: Arc<Making>, manifest: Manifest) -> Result<(Sealed, String), String> {
        let unwritten = |error: &dyn std::fmt::Display| format!("The copy could not be finished: {error}.");
        let name = making.name.clone();
        let remote = manifest.to_json().map_err(|e| unwritten(&e))?;
        let staging = !self.job.rows.iter().any(|row| matches!(row.target, Target::Local));
        let local = match staging {
            true => Manifest { staging, ..manifest.clone() }.to_json().map_err(|e| unwritten(&e))?,
            false => remote.clone(),
        };
        let archives = manifest.archives.clone();
        let full = || space::full(&self.job.archive_dir);
        let making = Arc::into_inner(making).ok_or_else(|| unwritten(&"something still writes to it"))?;
        let dir = match blocking(move || making.seal(&archives, &local)).await? {
            Ok(dir) => dir,
            Err(error) if space::is_full(&error) => return Err(full()),
            Err(error) => return Err(unwritten(&error)),
        };
        let copy_path = format!("{}/{name}", self.job.folder);
        Ok((Sealed { dir, copy_path, archives: manifest.archives, manifest: remote.into() }, name))
    }
}

/// Which parts were made, and why others were not.
#[derive(Default)]
struct Parts {
    done: Vec<ArchiveType>,
    failures: Vec<(ArchiveType, String)>,
}

impl Parts {
    fn take<T>(&mut self, part: ArchiveType, result: Result<T, PartError>) -> Option<T> {
        match result {
            Ok(made) => {
                self.done.push(part);
                return Some(made);
            }
            Err(PartError::Cancelled) => self.failures.push((part, CANCELLED.into())),
            Err(PartError::Failed(cause)) => {
                let what = match part {
                    ArchiveType::Files => "The files could not be archived",
                    ArchiveType::Database => "The database could not be dumped",
                };
                self.failures.push((part, format!("{what}: {cause}")));
            }
        }
        None
    }
}
