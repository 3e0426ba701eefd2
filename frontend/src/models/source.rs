//! What the report on the store means for the pages.

use contract::SourceReport;

/// A report older than this is asked for again when a page that shows it is opened.
const GOOD_FOR_MS: f64 = 60_000.0;

/// `fetched_ms` and `now_ms` by the same clock. A clock that was set back makes a report old.
pub fn is_old(fetched_ms: f64, now_ms: f64) -> bool {
    !(0.0..GOOD_FOR_MS).contains(&(now_ms - fetched_ms))
}

/// Why no pass can be started, when the report names a reason that concerns every Set: the master switch is off.
pub fn refusal(report: &SourceReport) -> Option<String> {
    let off = report.problems.iter().find(|p| p.code == "switched_off")?;
    Some(format!("{} {}", off.message, off.remedy).trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::SourceProblem;

    #[test]
    fn a_report_is_good_for_a_minute() {
        assert!(!is_old(1000.0, 1000.0));
        assert!(!is_old(1000.0, 60_999.0));
        assert!(is_old(1000.0, 61_000.0));
        assert!(is_old(1000.0, 999.0));
    }

    #[test]
    fn only_the_master_switch_refuses_every_pass() {
        let problem = |code: &str| SourceProblem {
            severity: "warning".into(),
            code: code.into(),
            message: "Backups are switched off.".into(),
            remedy: "Switch them on.".into(),
        };
        let report = |codes: &[&str]| SourceReport {
            root: None,
            resolved_root: None,
            version: None,
            table_prefix: String::new(),
            directories: vec![],
            suggested_excludes: vec![],
            databases: vec![],
            table_groups: vec![],
            problems: codes.iter().map(|c| problem(c)).collect(),
        };
        assert_eq!(refusal(&report(&["missing_grant"])), None);
        let reason = refusal(&report(&["missing_grant", "switched_off"]));
        assert_eq!(reason.as_deref(), Some("Backups are switched off. Switch them on."));
    }
}
