//! The words for what the wire abbreviates.

use contract::{BackupType, OverallStatus, Phase, StorageType, Trigger, Warning};
use std::collections::BTreeMap;

/// How a thing is coloured; never the only sign, a word stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Neutral,
    Info,
    Good,
    Warn,
    Bad,
}

impl Tone {
    pub fn class(self) -> &'static str {
        match self {
            Tone::Neutral => "neutral",
            Tone::Info => "info",
            Tone::Good => "good",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
        }
    }
}

/// `cancelling` counts only as long as there is something to cancel.
pub fn status(status: OverallStatus, queued: bool, cancelling: bool) -> (Tone, &'static str) {
    match (status, queued) {
        (OverallStatus::Pending, _) if cancelling => (Tone::Warn, "Cancelling…"),
        (OverallStatus::Pending, true) => (Tone::Neutral, "Queued"),
        (OverallStatus::Pending, false) => (Tone::Info, "Running"),
        (OverallStatus::Success, _) => (Tone::Good, "Success"),
        (OverallStatus::Partial, _) => (Tone::Warn, "Partial"),
        (OverallStatus::Failed, _) => (Tone::Bad, "Failed"),
    }
}

pub fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Schedule => "Schedule",
        Trigger::Manual => "By hand",
        Trigger::Token => "API token",
        Trigger::Cli => "Command line",
    }
}

pub fn backup_type(kind: BackupType) -> &'static str {
    match kind {
        BackupType::Database => "Database",
        BackupType::Files => "Files",
    }
}

pub fn storage_type(kind: StorageType) -> &'static str {
    match kind {
        StorageType::Local => "This server",
        StorageType::GoogleDrive => "Google Drive",
        StorageType::OneDrive => "OneDrive",
        StorageType::Dropbox => "Dropbox",
        StorageType::AmazonS3 => "Amazon S3",
    }
}

pub fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Queued => "Queue",
        Phase::Preflight => "Checks",
        Phase::Files => "Files",
        Phase::Database => "Database",
        Phase::Seal => "Seal",
        Phase::Retention => "Clean-up",
        Phase::Upload => "Upload",
    }
}

/// What a phase is doing, for the line below its name.
pub fn phase_hint(phase: Phase) -> &'static str {
    match phase {
        Phase::Queued => "Waiting until another pass has finished",
        Phase::Preflight => "Settings, free space, database grants",
        Phase::Files => "The Magento root into files.tgz",
        Phase::Database => "One consistent snapshot into db.sql.gz",
        Phase::Seal => "Flushed to disk, manifest written, put in place",
        Phase::Retention => "Older copies beyond the number to keep",
        Phase::Upload => "Archives to the enabled destinations",
    }
}

/// A heading for the warnings of one code; unknown codes are shown as they are.
pub fn warning_title(code: &str) -> String {
    match code {
        "unreadable" => "Could not be read".into(),
        "vanished" => "Vanished while the pass ran".into(),
        "changed" => "Changed while they were read".into(),
        "special_file" => "Special files, skipped".into(),
        "missing_grant" => "Missing database grants".into(),
        "definition_changed" => "Definition changed during the dump".into(),
        "tried_again" => "Earlier attempts".into(),
        "link_out" | "links_out" => "Links that leave the Magento root".into(),
        code => {
            let mut words = code.replace('_', " ");
            if let Some(first) = words.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            words
        }
    }
}

/// What lowers the status of a pass comes before what is only worth knowing.
pub fn is_grave(code: &str) -> bool {
    matches!(code, "unreadable" | "missing_grant" | "definition_changed")
}

/// Warnings by code, grave ones first, then the largest group; narrowed to those that mention `search`.
pub fn grouped_warnings(warnings: &[Warning], search: &str) -> Vec<(String, Vec<Warning>)> {
    let needle = search.trim().to_lowercase();
    let hit = |text: &str| text.to_lowercase().contains(&needle);
    let mut groups: BTreeMap<&str, Vec<Warning>> = BTreeMap::new();
    for warning in warnings {
        if hit(&warning.message) || warning.subject.as_deref().is_some_and(hit) || hit(&warning.code) {
            groups.entry(&warning.code).or_default().push(warning.clone());
        }
    }
    let mut groups: Vec<_> = groups.into_iter().map(|(code, list)| (code.to_string(), list)).collect();
    groups.sort_by_key(|(code, list)| (!is_grave(code), std::cmp::Reverse(list.len())));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(code: &str, subject: &str) -> Warning {
        Warning { code: code.into(), subject: Some(subject.into()), message: format!("{subject} is odd") }
    }

    #[test]
    fn warnings_are_grouped_and_searched() {
        let all = [
            warning("vanished", "a.log"),
            warning("unreadable", "b"),
            warning("vanished", "c"),
            warning("changed", "d"),
        ];
        let groups = grouped_warnings(&all, "");
        assert_eq!(
            groups.iter().map(|(c, l)| (c.as_str(), l.len())).collect::<Vec<_>>(),
            [("unreadable", 1), ("vanished", 2), ("changed", 1)]
        );
        assert_eq!(grouped_warnings(&all, " A.LOG ")[0].1.len(), 1);
        assert!(grouped_warnings(&all, "nothing").is_empty());
    }

    #[test]
    fn unknown_codes_still_have_a_heading() {
        assert_eq!(warning_title("disk_almost_full"), "Disk almost full");
        assert_eq!(warning_title(""), "");
        assert_eq!(warning_title("é"), "é");
    }

    #[test]
    fn a_pending_pass_is_queued_or_running() {
        assert_eq!(status(OverallStatus::Pending, true, false).1, "Queued");
        assert_eq!(status(OverallStatus::Pending, false, false).1, "Running");
        assert_eq!(status(OverallStatus::Pending, false, true).1, "Cancelling…");
        assert_eq!(status(OverallStatus::Failed, false, true).0, Tone::Bad);
    }
}
