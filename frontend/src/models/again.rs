//! A pass that is ended early, or tried again: what that costs, and how its log tells of it.

use chrono::{DateTime, NaiveDateTime, Utc};
use contract::{BackupLog, LogProgress, Phase, PhaseState, RowResult, RowStatus, Warning};

/// What cancelling a pass leaves, and what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    pub stays: Vec<String>,
    pub goes: Vec<String>,
}

const EARLIER: &str = "The copies of earlier passes, here and at every destination";

/// Of a pass of which no more is known than that it runs.
pub fn cost() -> Cost {
    Cost {
        stays: vec![EARLIER.into(), "A copy of this pass that a destination has in full".into()],
        goes: vec!["What this pass has not finished: archives, and uploads that are under way".into()],
    }
}

/// As far as the pass is by now.
pub fn cost_of(log: &BackupLog, progress: Option<&LogProgress>) -> Cost {
    let waits = super::progress::is_queued(log.queued, progress);
    let made = log.copy_path.is_some() || progress.is_some_and(is_sealed);
    let mut cost = Cost { stays: vec![EARLIER.into()], goes: Vec::new() };
    if made {
        cost.stays.push("The archives of this pass on this server".into());
        let (there, under_way) = destinations(progress);
        cost.stays.extend(there.into_iter().map(|title| format!("The copy at {title}")));
        cost.goes
            .extend(under_way.into_iter().map(|title| format!("The upload to {title}, as far as it is")));
    }
    match (waits, made) {
        (true, _) => cost.goes = vec!["Nothing: it has not begun".into()],
        (false, false) => cost.goes.push("What this pass has made so far".into()),
        (false, true) if cost.goes.is_empty() => cost.goes.push("Uploads that are not complete".into()),
        (false, true) => {}
    }
    cost
}

/// The archives are whole and in their place. A pass that goes on has no such step: they were made before.
fn is_sealed(progress: &LogProgress) -> bool {
    progress.phases.iter().any(|p| p.phase == Phase::Seal && p.state == PhaseState::Done)
}

/// Those that have the copy, and those that are getting it.
fn destinations(progress: Option<&LogProgress>) -> (Vec<String>, Vec<String>) {
    let titles = |state: PhaseState| {
        let all = progress.map(|p| p.destinations.as_slice()).unwrap_or_default();
        all.iter().filter(|d| d.state == state).map(|d| format!("“{}”", d.title)).collect()
    };
    (titles(PhaseState::Done), titles(PhaseState::Running))
}

/// The destinations that lack the copy, by title, each once.
pub fn failed(rows: &[RowResult]) -> Vec<&str> {
    let mut titles: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|r| r.status == RowStatus::Failed) {
        if !titles.contains(&row.title.as_str()) {
            titles.push(&row.title);
        }
    }
    titles
}

/// The button that tries them again, and the same with every name for those who do not see the list beside it.
pub fn retry_label(rows: &[RowResult]) -> (String, String) {
    let titles = failed(rows);
    match titles.as_slice() {
        [one] => (format!("Try {one} again"), format!("Try {one} again")),
        [one, two] => (format!("Try {one} and {two} again"), format!("Try {one} and {two} again")),
        [most @ .., last] => (
            format!("Try {} destinations again", titles.len()),
            format!("Try {} and {last} again", most.join(", ")),
        ),
        [] => ("Try again".into(), "Try again".into()),
    }
}

pub fn is_cancelled(log: &BackupLog) -> bool {
    log.error_message.as_deref().is_some_and(|m| m.starts_with("The pass was cancelled"))
}

/// The heading of what ended a pass as a whole.
pub fn error_title(log: &BackupLog) -> &'static str {
    if is_cancelled(log) {
        "The pass was cancelled"
    } else if log.files.is_empty() && log.storages.iter().all(|r| r.status == RowStatus::Failed) {
        "The pass failed before anything could be stored"
    } else {
        "The pass was cut off"
    }
}

/// One of the attempts before the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub number: u32,
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it was not enough.
    pub reason: String,
}

/// The attempts that a log tells of among its warnings, and the warnings that are left. One in another form than this console knows is
/// left as it is.
pub fn attempts(warnings: &[Warning]) -> (Vec<Attempt>, Vec<Warning>) {
    let mut attempts = Vec::new();
    let mut rest = Vec::new();
    for warning in warnings {
        match attempt(warning) {
            Some(attempt) => attempts.push(attempt),
            None => rest.push(warning.clone()),
        }
    }
    (attempts, rest)
}

/// `Attempt 1 ended as failed at 2026-05-01 10:00:00 UTC. Offsite: no space left.`
fn attempt(warning: &Warning) -> Option<Attempt> {
    if warning.code != "tried_again" {
        return None;
    }
    let (number, rest) = warning.message.strip_prefix("Attempt ")?.split_once(' ')?;
    let (ended, reason) = rest.strip_prefix("ended as failed at ")?.split_once('.')?;
    let ended_at = NaiveDateTime::parse_from_str(ended.trim_end_matches(" UTC"), "%Y-%m-%d %H:%M:%S").ok();
    Some(Attempt {
        number: number.parse().ok()?,
        ended_at: ended_at.map(|at| at.and_utc()),
        reason: reason.trim().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use contract::{DestinationProgress, OverallStatus, PhaseProgress, StorageType, Trigger};

    fn row(title: &str, status: RowStatus) -> RowResult {
        let (storage_id, message) = ("1".into(), String::new());
        let kind = StorageType::Dropbox;
        RowResult { storage_id, title: title.into(), kind, status, message, bytes: 0, seconds: 0.0 }
    }

    fn log() -> BackupLog {
        BackupLog {
            id: 1,
            backup_id: Some(1),
            backup_title: "Nightly".into(),
            trigger: Trigger::Manual,
            label: None,
            overall_status: OverallStatus::Pending,
            queued: false,
            started_at: Utc.with_ymd_and_hms(2026, 5, 1, 10, 0, 0).unwrap(),
            finished_at: None,
            duration_sec: None,
            files: vec![],
            storages: vec![],
            error_message: None,
            warnings: vec![],
            copy_path: None,
            downloadable: false,
            cancelling: false,
            retryable: false,
            retry_at: None,
            retry_of: None,
        }
    }

    fn progress(seal: Option<PhaseState>, destinations: &[(&str, PhaseState)]) -> LogProgress {
        let phase = |state| PhaseProgress {
            phase: Phase::Seal,
            state,
            bytes_done: 0,
            bytes_total: None,
            bytes_written: 0,
            items_done: 0,
            items_total: None,
            rate_bytes_per_sec: None,
        };
        let destination = |(title, state): &(&str, PhaseState)| DestinationProgress {
            storage_id: "1".into(),
            title: (*title).into(),
            kind: StorageType::Dropbox,
            state: *state,
            bytes_done: 0,
            bytes_total: None,
            rate_bytes_per_sec: None,
        };
        LogProgress {
            log_id: 1,
            overall_status: OverallStatus::Pending,
            phases: seal.map(phase).into_iter().collect(),
            destinations: destinations.iter().map(destination).collect(),
            elapsed_sec: 1.0,
            remaining_sec: None,
        }
    }

    #[test]
    fn cancelling_says_what_stays_and_what_goes_as_far_as_the_pass_is() {
        use PhaseState::*;
        let waiting = cost_of(&BackupLog { queued: true, ..log() }, None);
        assert_eq!(waiting.goes, ["Nothing: it has not begun"]);
        let making = cost_of(&log(), Some(&progress(Some(Waiting), &[("Cellar", Waiting)])));
        assert_eq!((making.stays.len(), making.goes), (1, vec!["What this pass has made so far".to_owned()]));
        let uploads = [("Cellar", Done), ("Attic", Running), ("Shed", Waiting), ("Barn", Failed)];
        let uploading = cost_of(&log(), Some(&progress(Some(Done), &uploads)));
        assert_eq!(
            uploading.stays[1..],
            ["The archives of this pass on this server", "The copy at “Cellar”"]
        );
        assert_eq!(uploading.goes, ["The upload to “Attic”, as far as it is"]);
        let again = BackupLog { copy_path: Some("nightly/1".into()), ..log() };
        assert_eq!(cost_of(&again, None).goes, ["Uploads that are not complete"]);
    }

    #[test]
    fn the_button_says_which_destinations_it_tries() {
        use RowStatus::*;
        let rows = [row("Local", Success), row("Cellar", Failed), row("Attic", Failed), row("Shed", Failed)];
        assert_eq!(retry_label(&rows[..2]).0, "Try Cellar again");
        assert_eq!(retry_label(&rows[..3]).0, "Try Cellar and Attic again");
        let (short, whole) = retry_label(&rows);
        assert_eq!(
            (short.as_str(), whole.as_str()),
            ("Try 3 destinations again", "Try Cellar, Attic and Shed again")
        );
        assert_eq!(failed(&[row("Cellar", Failed), row("Cellar", Failed)]), ["Cellar"]);
    }

    #[test]
    fn what_ended_a_pass_has_a_heading_that_fits() {
        let ended = |message: &str| BackupLog { error_message: Some(message.into()), ..log() };
        let cancelled = ended("The pass was cancelled by ada. What was half-made has been removed.");
        assert!(is_cancelled(&cancelled) && error_title(&cancelled) == "The pass was cancelled");
        let nothing = ended("The database does not answer.");
        assert_eq!(error_title(&nothing), "The pass failed before anything could be stored");
        let stored =
            BackupLog { storages: vec![row("Cellar", RowStatus::Success)], ..ended("interrupted: …") };
        assert_eq!(error_title(&stored), "The pass was cut off");
        assert!(!is_cancelled(&log()));
    }

    #[test]
    fn the_attempts_before_are_told_apart_from_what_else_there_is_to_know() {
        let warning =
            |code: &str, message: &str| Warning { code: code.into(), subject: None, message: message.into() };
        let all = [
            warning(
                "tried_again",
                "Attempt 1 ended as failed at 2026-05-01 10:00:00 UTC. Cellar: no space. Free some.",
            ),
            warning("vanished", "It is gone."),
            warning("tried_again", "In words of a later version."),
            warning("tried_again", "Attempt 2 ended as failed at . "),
        ];
        let (attempts, rest) = attempts(&all);
        assert_eq!(attempts.iter().map(|a| a.number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(attempts[0].ended_at, Utc.with_ymd_and_hms(2026, 5, 1, 10, 0, 0).single());
        assert_eq!(attempts[0].reason, "Cellar: no space. Free some.");
        assert_eq!((attempts[1].ended_at, attempts[1].reason.as_str()), (None, ""));
        assert_eq!(rest.iter().map(|w| w.code.as_str()).collect::<Vec<_>>(), ["vanished", "tried_again"]);
    }
}
