//! From what the engine says of a pass to what is stored of it. Every text passes the redactor.

use super::catalogue::Copy;
use super::job::{self, LOCAL};
use super::repo::{Again, Final, Held};
use crate::db;
use crate::redact::Redactor;
use crate::wire;
use chrono::{DateTime, Utc};
use contract::{ArchiveFile, OverallStatus, RowResult, RowStatus, StorageType, Warning, root_of};
use engine::pipeline::{self, LocalCopy, Outcome, Row, Target};

pub use super::job::LOCAL as LOCAL_ROW;

/// What is known of a pass apart from its outcome.
#[derive(Debug, Clone)]
pub struct Facts {
    pub held: Held,
    pub backup_title: String,
    /// The enabled rows: what results call them, and their folders there.
    pub roots: Vec<(String, String)>,
}

/// How a pass is to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    pub status: OverallStatus,
    pub log: Final,
    /// New entries of the catalogue.
    pub copies: Vec<Copy>,
    /// Copies that are gone: the destination, its folder there, and the copy's path below it.
    pub swept: Vec<(String, String, String)>,
}

pub fn ending(
    facts: &Facts,
    outcome: &Outcome,
    redactor: &Redactor,
    finished_at: DateTime<Utc>,
) -> Result<Ending, db::Error> {
    let status = match outcome.status {
        pipeline::Status::Success => OverallStatus::Success,
        pipeline::Status::Partial => OverallStatus::Partial,
        pipeline::Status::Failed => OverallStatus::Failed,
    };
    let files: Vec<ArchiveFile> = outcome.archives.iter().map(archive_file).collect();
    let rows: Vec<RowResult> = outcome.rows.iter().map(|row| row_result(row, redactor)).collect();
    let warnings: Vec<Warning> = outcome.warnings.iter().map(|w| warning(w, redactor)).collect();
    let files = db::to_json(&files)?;
    let log = Final {
        overall_status: wire::name(status),
        finished_at,
        duration_sec: seconds(finished_at - facts.held.started_at),
        storages: db::to_json(&rows)?,
        warnings: db::to_json(&warnings)?,
        error_message: outcome.error.as_deref().map(|e| redactor.redact(e)),
        copy_path: outcome.copy_path.clone(),
        files: files.clone(),
        retry_at: None,
        good: false,
    };
    let copies: Vec<Copy> =
        outcome.copy_path.iter().flat_map(|path| copies(facts, outcome, path, &files)).collect();
    let log = Final { good: copies.iter().any(|copy| copy.complete && !copy.staging), ..log };
    let staging = outcome.swept.iter().map(|path| (LOCAL.to_owned(), String::new(), path.clone()));
    let elsewhere = facts.roots.iter().zip(&outcome.rows).flat_map(|((id, root), row)| {
        row.swept.iter().map(move |path| (id.clone(), root_of(root).to_owned(), path.clone()))
    });
    Ok(Ending { status, log, copies, swept: staging.chain(elsewhere).collect() })
}

/// The end of a pass that was cut off: by a crash, a stop of the server, a bug. Never an error.
pub fn failure(held: &Held, message: &str, rows: &[RowResult], finished_at: DateTime<Utc>) -> Ending {
    let empty = || "[]".to_owned();
    let log = Final {
        overall_status: wire::name(OverallStatus::Failed),
        finished_at,
        duration_sec: seconds(finished_at - held.started_at),
        files: empty(),
        storages: db::to_json(rows).unwrap_or_else(|_| empty()),
        warnings: empty(),
        error_message: Some(message.to_owned()),
        copy_path: None,
        retry_at: None,
        good: false,
    };
    Ending { status: OverallStatus::Failed, log, copies: Vec::new(), swept: Vec::new() }
}

/// The same of a pass that went on: what was known of it stays.
pub fn ended_again(held: &Held, again: &Again, message: &str, finished_at: DateTime<Utc>) -> Ending {
    let mut ending = failure(held, message, &[], finished_at);
    ending.log.duration_sec = again.duration_sec + seconds(finished_at - again.resumed_at);
    ending.log.files.clone_from(&again.files);
    ending.log.storages.clone_from(&again.storages);
    ending.log.warnings.clone_from(&again.warnings);
    ending.log.copy_path = Some(again.copy_path.clone());
    ending
}

pub fn warning(warning: &engine::event::Warning, redactor: &Redactor) -> Warning {
    Warning {
        code: warning.code.clone(),
        subject: warning.subject.as_deref().map(|s| redactor.redact(s)),
        message: redactor.redact(&warning.message),
    }
}

/// One entry for the local copy while it is there, one for every other row that took it. Two rows may share a destination.
fn copies(facts: &Facts, outcome: &Outcome, path: &str, files: &str) -> Vec<Copy> {
    let size: u64 = outcome.archives.iter().map(|a| a.size_bytes).sum();
    let copy = |destination: &str, root: &str, staging: bool| Copy {
        backup_id: facts.held.backup_id,
        log_id: Some(facts.held.log_id),
        backup_title: facts.backup_title.clone(),
        destination: destination.to_owned(),
        root: root.to_owned(),
        copy_path: path.to_owned(),
        complete: outcome.complete,
        staging,
        size_bytes: signed(size),
        files: files.to_owned(),
        created_at: facts.held.started_at,
    };
    let mut copies = Vec::new();
    if outcome.local_copy_kept {
        let asked_for = facts.roots.iter().any(|(destination, _)| destination == LOCAL);
        copies.push(copy(LOCAL, "", !asked_for));
    }
    // Results come in the order of the rows.
    let remote = facts.roots.iter().zip(&outcome.rows).filter(|((id, _), row)| id != LOCAL && row.ok);
    copies.extend(remote.map(|((id, root), _)| copy(id, root_of(root), false)));
    copies
}

fn archive_file(file: &engine::archive::ArchiveFile) -> ArchiveFile {
    ArchiveFile { name: file.name.clone(), size_bytes: signed(file.size_bytes), sha256: file.sha256.clone() }
}

/// Archives of a manifest, as a log keeps them.
pub fn files_json(files: &[engine::archive::ArchiveFile]) -> Result<String, db::Error> {
    db::to_json(&files.iter().map(archive_file).collect::<Vec<_>>())
}

pub fn row_result(row: &pipeline::RowResult, redactor: &Redactor) -> RowResult {
    RowResult {
        storage_id: row.storage_id.clone(),
        title: row.title.clone(),
        kind: job::storage_type(row.kind),
        status: if row.ok { RowStatus::Success } else { RowStatus::Failed },
        message: redactor.redact(&row.message),
        bytes: signed(row.bytes),
        seconds: row.seconds,
    }
}

/// What a row that a pass never got to is told: `message`, unless it could not have been used anyway.
pub fn not_reached(row: &Row, message: &str, redactor: &Redactor) -> RowResult {
    let message = match &row.target {
        Target::Unusable(reason) => reason.as_str(),
        _ => message,
    };
    let result = pipeline::RowResult {
        storage_id: row.storage_id.clone(),
        title: row.title.clone(),
        kind: row.kind,
        ok: false,
        message: message.to_owned(),
        bytes: 0,
        seconds: 0.0,
        swept: Vec::new(),
    };
    row_result(&result, redactor)
}

/// What the local row is told when its copy was whole before the pass was interrupted.
pub fn kept(row: &Row, copy: &LocalCopy) -> RowResult {
    RowResult {
        storage_id: row.storage_id.clone(),
        title: row.title.clone(),
        kind: StorageType::Local,
        status: RowStatus::Success,
        message: format!("Stored in {}. The pass was interrupted afterwards.", copy.dir.display()),
        bytes: signed(copy.manifest.size_bytes()),
        seconds: 0.0,
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub fn seconds(duration: chrono::TimeDelta) -> f64 {
    duration.num_microseconds().unwrap_or(0).max(0) as f64 / 1e6
}
