//! The store's databases as SQL that `gunzip -c db.sql.gz | mysql …` restores, on MySQL and MariaDB, as another user.
//!
//! One consistent snapshot per database, no locks that a store would notice. Definitions are the server's own, without definers.
//! What changes its shape while it is read starts the dump again from a new snapshot: a dump is complete, says what it lacks, or fails.

mod blocks;
mod calls;
mod ddl;
mod header;
mod objects;
mod output;
mod rows;
mod snapshot;
mod tables;
mod values;
mod views;

#[cfg(test)]
mod tests;

use super::ArchiveFile;
use super::reuse::Reuse;
use crate::event::{Event, Events, Phase, Warning};
use crate::source::magento::connection::Connection;
use crate::source::magento::{Source, SourceError};
pub use output::POLICY;
use serde::{Deserialize, Serialize};
use snapshot::Snapshot;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a dump is begun before tables that change under it make it fail.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The settings cannot be read, or the server refuses.
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(
        "{what} changed while the database was read, three times in a row. Back up when no deployment or reindexing runs, or exclude the table."
    )]
    Changed { what: String },
    /// The archive cannot be written; the kind tells a full disk.
    #[error("{0}")]
    Write(io::Error),
    #[error("the pass was cancelled")]
    Cancelled,
}

/// What a dump came to.
#[derive(Debug)]
pub struct Dumped {
    /// `db/db.sql.gz`, further databases as `db/db-<connection>.sql.gz`; on the disk.
    pub archives: Vec<ArchiveFile>,
    pub databases: Vec<DumpedDatabase>,
    /// Bytes of the archives that were copied from earlier ones.
    pub reused_bytes: u64,
    /// All of them: those of [`Snapshots::warnings`] first, then what happened during the dump.
    pub warnings: Vec<Warning>,
}

/// One database in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpedDatabase {
    pub name: String,
    /// Relative to the copy.
    pub archive: String,
    /// The connections of `env.php` that mean it.
    pub connections: Vec<String>,
    /// Of the database itself: what tables that are made later get. Empty in manifests that were made before this was recorded.
    #[serde(default)]
    pub character_set: String,
    #[serde(default)]
    pub collation: String,
    /// `MariaDB 10.11.19`: the restoring server should be of the same kind and not older.
    pub server: String,
    pub tables: Vec<DumpedTable>,
    pub views: Vec<String>,
    pub triggers: Vec<String>,
    pub routines: Vec<String>,
    pub events: Vec<String>,
    /// The longest statement: the restoring server's `max_allowed_packet` has to be above it.
    pub max_statement_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpedTable {
    pub name: String,
    /// Rows in the archive.
    pub rows: u64,
    /// Why the rows were left out: the pattern that names the table, or what kept them from being read. Its structure is there.
    pub left_out: Option<String>,
}

/// Why a dump stops before its end.
enum Stop {
    /// Worth another try from a new snapshot.
    Changed(String),
    Fail(DumpError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Fail(match super::gzip::is_cancelled(&error) {
            true => DumpError::Cancelled,
            false => DumpError::Write(error),
        })
    }
}

/// Open snapshots of all the store's databases.
pub struct Snapshots {
    open: Vec<Snapshot>,
    plan: Plan,
    warnings: Vec<Warning>,
    reuse: Option<Reuse>,
}

/// What is needed to open a snapshot again.
struct Plan {
    table_prefix: String,
    exclude_tables: Vec<String>,
}

/// Opens a snapshot of every active database of the store, and checks what the user may read.
///
/// From here on the rows are those of this moment: open them before the first file is read.
///
/// # Errors
/// When the settings cannot be read, the first database (`default`) cannot be reached or refuses, or nothing of it may be read. What
/// would only be missing is in [`Snapshots::warnings`], a further database included.
pub async fn open_snapshots(source: &Source, exclude_tables: &[String]) -> Result<Snapshots, DumpError> {
    let reader = source.clone();
    let databases = tokio::task::spawn_blocking(move || reader.databases())
        .await
        .map_err(|error| DumpError::Write(io::Error::other(error)))??;
    let plan = Plan { table_prefix: databases.table_prefix, exclude_tables: exclude_tables.to_vec() };
    let mut open: Vec<Snapshot> = Vec::new();
    let missing = |names: String, text: String| Warning::missing("database_missing", Some(names), text);
    let mut unopened: Vec<Warning> = databases
        .unresolved
        .into_iter()
        .map(|(name, error)| {
            let text = format!("The database of the connection '{name}' is missing: {error}");
            missing(name, text)
        })
        .collect();
    for connection in databases.connections {
        let snapshot = match again(|| Snapshot::open(&connection, &plan)).await {
            Ok(snapshot) => snapshot,
            // Magento opens further connections when it needs them: a stale one must not cost the store its backup.
            Err(error) if !open.is_empty() => {
                let text = format!("The database '{}' is missing: {error}", connection.database);
                unopened.push(missing(connection.names.join(", "), text));
                continue;
            }
            Err(error) => return Err(error),
        };
        // `localhost` and `127.0.0.1` may be one server after all.
        match open.iter_mut().find(|known| known.is_same_database(&snapshot)) {
            Some(known) => {
                known.connection.names.extend(connection.names);
                snapshot.session.close().await;
            }
            None => open.push(snapshot),
        }
    }
    unopened.extend(snapshot::warnings(&open));
    Ok(Snapshots { open, plan, warnings: unopened, reuse: None })
}

/// Tries until nothing changes in between, a bounded number of times.
async fn again<T, F: Future<Output = Result<T, Stop>>>(
    mut attempt: impl FnMut() -> F,
) -> Result<T, DumpError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(Stop::Fail(error)) => return Err(error),
            Err(Stop::Changed(what)) if tries >= ATTEMPTS => return Err(DumpError::Changed { what }),
            Err(Stop::Changed(_)) => tokio::time::sleep(PAUSE * tries).await,
        }
    }
}

impl Snapshots {
    /// Bytes of the rows that will be read, by the servers' estimates.
    pub fn estimated_bytes(&self) -> u64 {
        self.open.iter().map(Snapshot::estimated_bytes).sum()
    }

    /// Lets the dumps copy blocks from those of an earlier pass, and leave an index for the next.
    #[must_use]
    pub fn reusing(self, reuse: Reuse) -> Snapshots {
        Snapshots { reuse: Some(reuse), ..self }
    }

    /// What is known before the first row is read: missing privileges, tables that a snapshot does not cover, patterns without a table.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Dumps every database below `out_dir` (`db/db.sql.gz` …) and emits the events of [`Phase::Database`], its warnings among them.
    ///
    /// # Errors
    /// When a server ends the connection, tables keep changing, the archive cannot be written, or the pass is cancelled. What was
    /// written until then stays in `out_dir`; no thread uses it any more.
    pub async fn dump(
        self,
        out_dir: &Path,
        events: Events,
        cancel: CancellationToken,
    ) -> Result<Dumped, DumpError> {
        let tables = self.open.iter().map(|snapshot| snapshot.tables.len() as u64).sum();
        events.emit(Event::Started {
            phase: Phase::Database,
            total_bytes: Some(self.estimated_bytes()),
            total_items: Some(tables),
        });
        for warning in &self.warnings {
            events.emit(Event::Warned(warning.clone()));
        }
        let dumped = self.dump_all(out_dir, &events, &cancel).await;
        events.emit(Event::Ended { phase: Phase::Database, ok: dumped.is_ok() });
        dumped
    }

    async fn dump_all(
        self,
        out_dir: &Path,
        events: &Events,
        cancel: &CancellationToken,
    ) -> Result<Dumped, DumpError> {
        let mut dumped =
            Dumped { archives: Vec::new(), databases: Vec::new(), reused_bytes: 0, warnings: self.warnings };
        let known = dumped.warnings.clone();
        let mut progress = tables::Progress::new(events.clone());
        for snapshot in self.open {
            let name = archive_name(&snapshot.connection, dumped.databases.is_empty());
            let reuse = self.reuse.as_ref();
            let job = Job { out_dir, name: &name, plan: &self.plan, known: &known, reuse, cancel };
            let finished = job.run(snapshot, &mut progress).await?;
            let Finished { archives, reused_bytes, database, mut warnings } = finished;
            if let Some(text) = reuse.and_then(|reuse| reuse.bases.get(&name)?.damage()) {
                let damage = Warning::note("earlier_damaged", Some(name), text);
                progress.warn(&damage);
                warnings.push(damage);
            }
            dumped.archives.extend(archives);
            dumped.databases.push(database);
            dumped.reused_bytes += reused_bytes;
            dumped.warnings.extend(warnings);
        }
        Ok(dumped)
    }
}

fn archive_name(connection: &Connection, first: bool) -> String {
    if first {
        return "db/db.sql.gz".into();
    }
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    format!("db/db-{}.sql.gz", connection.name().chars().map(safe).collect::<String>())
}

/// The dump of one database.
struct Job<'a> {
    out_dir: &'a Path,
    name: &'a str,
    plan: &'a Plan,
    /// What was told when the snapshots were opened.
    known: &'a [Warning],
    reuse: Option<&'a Reuse>,
    cancel: &'a CancellationToken,
}

/// One database, dumped.
struct Finished {
    archives: Vec<ArchiveFile>,
    reused_bytes: u64,
    database: DumpedDatabase,
    warnings: Vec<Warning>,
}

impl Job<'_> {
    async fn run(&self, snapshot: Snapshot, progress: &mut tables::Progress) -> Result<Finished, DumpError> {
        let connection = snapshot.connection.clone();
        let mut next = Some(snapshot);
        let mut restarts = Vec::new();
        let mut tries = 0;
        loop {
            tries += 1;
            let stop = match self.attempt(&connection, next.take(), progress).await {
                Ok(finished) => {
                    restarts.extend(finished.warnings);
                    return Ok(Finished { warnings: restarts, ..finished });
                }
                Err(stop) => stop,
            };
            match stop {
                Stop::Fail(error) => return Err(error),
                Stop::Changed(what) if tries >= ATTEMPTS => return Err(DumpError::Changed { what }),
                Stop::Changed(what) => {
                    let warning = Warning::note(
                        "dump_restarted",
                        Some(what.clone()),
                        format!(
                            "{what} changed while the database was read: the dump was begun again from a new snapshot. Its rows are younger than the files that the same pass archives: they may name images and other files that came later and are not in this copy."
                        ),
                    );
                    progress.restart();
                    progress.warn(&warning);
                    restarts.push(warning);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE * tries) => {}
                () = self.cancel.cancelled() => return Err(DumpError::Cancelled),
            }
        }
    }

    /// One dump of one snapshot; opens a new one when there is none.
    async fn attempt(
        &self,
        connection: &Connection,
        snapshot: Option<Snapshot>,
        progress: &mut tables::Progress,
    ) -> Result<Finished, Stop> {
        let mut fresh = Vec::new();
        let mut snapshot = match snapshot {
            Some(snapshot) => snapshot,
            None => {
                let snapshot = Snapshot::open(connection, self.plan).await?;
                // Meanwhile a privilege may have gone, or a table have broken.
                fresh = snapshot::warnings(std::slice::from_ref(&snapshot));
                fresh.retain(|warning| warning.code != "exclude_unmatched" && !self.known.contains(warning));
                fresh.iter().for_each(|warning| progress.warn(warning));
                snapshot
            }
        };
        let file = self.out_dir.join(self.name);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let output = output::Output::create(self.out_dir, self.name, self.reuse, self.cancel.clone())?;
        let result = tokio::select! {
            result = tables::dump(&mut snapshot, self.name, output, progress) => result,
            () = self.cancel.cancelled() => Err(Stop::Fail(DumpError::Cancelled)),
        };
        let Snapshot { session, .. } = snapshot;
        match &result {
            Ok(_) => session.close().await,
            Err(_) => session.abort(connection).await,
        }
        let finished = result?;
        fresh.extend(finished.warnings);
        Ok(Finished { warnings: fresh, ..finished })
    }
}
