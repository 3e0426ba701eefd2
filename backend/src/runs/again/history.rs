//! What a log that goes on says of the attempts before.

use crate::db;
use chrono::{DateTime, Utc};
use contract::{RowResult, RowStatus, Warning};

/// An attempt that ended as failed, as its log has it. `storages` and `warnings` are JSON lists.
pub struct Attempt<'a> {
    pub number: i32,
    pub ended_at: Option<DateTime<Utc>>,
    pub error_message: Option<&'a str>,
    pub storages: &'a str,
    pub warnings: &'a str,
}

/// The warnings of the log with one more, which tells of the attempt; a JSON list.
pub fn with_attempt(attempt: &Attempt<'_>) -> Result<String, db::Error> {
    let mut warnings: Vec<Warning> = db::from_json(attempt.warnings)?;
    let ended =
        attempt.ended_at.map(|at| at.format(" at %Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default();
    let rows: Vec<RowResult> = db::from_json(attempt.storages)?;
    let failed = rows.iter().filter(|row| row.status == RowStatus::Failed);
    let failed = failed.map(|row| format!("{}: {}", row.title, row.message));
    let why: Vec<String> = attempt.error_message.map(str::to_owned).into_iter().chain(failed).collect();
    warnings.push(Warning {
        code: "tried_again".into(),
        subject: None,
        message: format!("Attempt {} ended as failed{ended}. {}", attempt.number, why.join(" ")),
    });
    db::to_json(&warnings)
}
