//! Which rows of a pass are tried again, and what its log says afterwards.

use crate::db;
use crate::redact::Redactor;
use crate::runs::catalogue::Copy;
use crate::runs::outcome::{self, Ending};
use crate::runs::repo::{Again, Final, Held};
use crate::wire;
use chrono::{DateTime, Utc};
use contract::{OverallStatus, RowResult, RowStatus, Warning, root_of};
use engine::pipeline::{self, Outcome, Row};
use std::collections::HashSet;

const NOBODY_LEFT: &str = "None of the destinations of this pass is among those of the Backup Set any more. Its archives stay on this server until the \
    next good pass.";

/// The rows of a pass in order: what is known of them, or their place among those that are tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Kept(RowResult),
    /// With its folder at the destination.
    Again(String),
}

/// The results that stay and the rows that are tried again. A row that the Set has no more (or that is switched off) drops out; one that was
/// added since is not part of this pass. Of several rows of one Storage Set all are tried.
pub fn earlier(results: Vec<RowResult>, rows: Vec<Row>) -> (Earlier, Vec<Row>) {
    let shared: HashSet<String> = results
        .iter()
        .map(|result| &result.storage_id)
        .filter(|id| results.iter().filter(|r| r.storage_id == **id).count() > 1)
        .cloned()
        .collect();
    let mut rows: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
    let mut parts = Vec::new();
    let mut again = Vec::new();
    for result in results {
        let same = |row: &&mut Option<Row>| row.as_ref().is_some_and(|r| r.storage_id == result.storage_id);
        let Some(row) = rows.iter_mut().find(same).and_then(Option::take) else { continue };
        // Which of several it was of, nobody knows for sure once the Set was edited: the engine leaves alone what is whole.
        if result.status == RowStatus::Success && !shared.contains(&result.storage_id) {
            parts.push(Part::Kept(result));
        } else {
            parts.push(Part::Again(row.path.clone()));
            again.push(row);
        }
    }
    (Earlier(parts), again)
}

/// The end of a pass that went on: `outcome` is that of the rows that were tried again.
pub fn resumed(
    held: &Held,
    again: &Again,
    title: &str,
    earlier: &Earlier,
    outcome: &Outcome,
    redactor: &Redactor,
    finished_at: DateTime<Utc>,
) -> Result<Ending, db::Error> {
    let mut results = outcome.rows.iter();
    let (mut rows, mut copies, mut swept) = (Vec::new(), Vec::new(), Vec::new());
    for part in &earlier.0 {
        match part {
            Part::Kept(result) => rows.push(result.clone()),
            Part::Again(root) => {
                let Some(row) = results.next() else { continue };
                rows.push(outcome::row_result(row, redactor));
                if row.storage_id == outcome::LOCAL_ROW {
                    continue;
                }
                if row.ok {
                    copies.push(copy(held, again, title, root, outcome, row));
                }
                let gone = row
                    .swept
                    .iter()
                    .map(|path| (row.storage_id.clone(), root_of(root).to_owned(), path.clone()));
                swept.extend(gone);
            }
        }
    }
    swept.extend(
        outcome.swept.iter().map(|path| (outcome::LOCAL_ROW.to_owned(), String::new(), path.clone())),
    );
    let whole = outcome.error.is_none() && rows.iter().all(|row| row.status == RowStatus::Success);
    let status = match outcome.status {
        // Nothing was left to try: the rows that failed are gone from the Set.
        _ if rows.is_empty() || !whole => OverallStatus::Failed,
        _ if outcome.complete => OverallStatus::Success,
        _ => OverallStatus::Partial,
    };
    let mut warnings: Vec<Warning> = db::from_json(&again.warnings)?;
    warnings.extend(outcome.warnings.iter().map(|warning| outcome::warning(warning, redactor)));
    let error = match &outcome.error {
        Some(text) => Some(redactor.redact(text)),
        None if rows.is_empty() => Some(NOBODY_LEFT.to_owned()),
        None => None,
    };
    let good = outcome.complete && copies.iter().any(|copy: &Copy| copy.complete);
    let log = Final {
        overall_status: wire::name(status),
        finished_at,
        duration_sec: again.duration_sec + outcome::seconds(finished_at - again.resumed_at),
        files: again.files.clone(),
        storages: db::to_json(&rows)?,
        warnings: db::to_json(&warnings)?,
        error_message: error,
        copy_path: Some(again.copy_path.clone()),
        retry_at: None,
        good,
    };
    Ok(Ending { status, log, copies, swept })
}

fn copy(
    held: &Held,
    again: &Again,
    title: &str,
    root: &str,
    outcome: &Outcome,
    row: &pipeline::RowResult,
) -> Copy {
    let size: u64 = outcome.archives.iter().map(|archive| archive.size_bytes).sum();
    Copy {
        backup_id: held.backup_id,
        log_id: Some(held.log_id),
        backup_title: title.to_owned(),
        destination: row.storage_id.clone(),
        root: root_of(root).to_owned(),
        copy_path: again.copy_path.clone(),
        complete: outcome.complete,
        staging: false,
        size_bytes: i64::try_from(size).unwrap_or(i64::MAX),
        files: again.files.clone(),
        created_at: held.started_at,
    }
}
