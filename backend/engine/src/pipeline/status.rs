//! What a pass came to, as pure functions.

use super::{MAX_WARNINGS, Status};
use crate::event::Warning;

/// - `Success`: every requested type was archived completely, and every enabled row reports success.
/// - `Partial`: every enabled row took what was made, but that is not complete.
/// - `Failed`: anything else: no archive, a row that did not succeed, no row at all, a pass that was cancelled.
pub(super) fn overall(archives: usize, complete: bool, rows: &[bool], cancelled: bool) -> Status {
    if cancelled || archives == 0 || rows.is_empty() || rows.contains(&false) {
        Status::Failed
    } else if complete {
        Status::Success
    } else {
        Status::Partial
    }
}

/// At most [`MAX_WARNINGS`]: what is missing from the archive comes first, and the last one then counts the rest.
pub(super) fn cap(mut warnings: Vec<Warning>) -> Vec<Warning> {
    if warnings.len() <= MAX_WARNINGS {
        return warnings;
    }
    warnings.sort_by_key(|w| !w.incomplete);
    let rest = warnings.split_off(MAX_WARNINGS - 1);
    let missing = rest.iter().any(|w| w.incomplete);
    let text = format!("{} more warnings are not listed.", rest.len());
    warnings.push(Warning {
        code: "more_warnings".into(),
        subject: None,
        message: text,
        incomplete: missing,
    });
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::all_is_well(2, true, &[true], false, Status::Success)]
    #[case::all_rows(1, true, &[true, true, true], false, Status::Success)]
    #[case::something_is_missing(2, false, &[true, true], false, Status::Partial)]
    #[case::one_type_failed(1, false, &[true], false, Status::Partial)]
    #[case::a_row_failed(2, true, &[true, false], false, Status::Failed)]
    #[case::a_row_failed_and_something_is_missing(2, false, &[false, true], false, Status::Failed)]
    #[case::no_archive(0, false, &[true], false, Status::Failed)]
    #[case::no_archive_but_said_to_be_complete(0, true, &[true], false, Status::Failed)]
    #[case::no_row(2, true, &[], false, Status::Failed)]
    #[case::cancelled(2, true, &[true], true, Status::Failed)]
    #[case::cancelled_with_nothing(0, false, &[], true, Status::Failed)]
    fn the_status_follows_the_table(
        #[case] archives: usize,
        #[case] complete: bool,
        #[case] rows: &[bool],
        #[case] cancelled: bool,
        #[case] expected: Status,
    ) {
        assert_eq!(overall(archives, complete, rows, cancelled), expected);
    }

    proptest! {
        #[test]
        fn success_needs_everything(
            archives in 0usize..3, complete: bool, rows in proptest::collection::vec(any::<bool>(), 0..4), cancelled: bool,
        ) {
            let status = overall(archives, complete, &rows, cancelled);
            let stored = archives > 0 && !rows.is_empty() && rows.iter().all(|ok| *ok) && !cancelled;
            prop_assert_eq!(status == Status::Success, stored && complete);
            prop_assert_eq!(status == Status::Partial, stored && !complete);
        }

        #[test]
        fn the_list_of_warnings_is_short_and_tells_how_many_are_left_out(
            notes in 0usize..2500, missing in 0usize..2500,
        ) {
            let mut all = vec![Warning::note("changed", None, "x"); notes];
            all.extend(vec![Warning::missing("unreadable", None, "x"); missing]);
            let total = all.len();
            let capped = cap(all);
            prop_assert!(capped.len() <= MAX_WARNINGS);
            prop_assert_eq!(capped.iter().any(|w| w.incomplete), missing > 0);
            if total > MAX_WARNINGS {
                prop_assert_eq!(capped.len(), MAX_WARNINGS);
                let last = capped.last().unwrap();
                let more = format!("{} more", total - MAX_WARNINGS + 1);
                prop_assert!(last.message.starts_with(&more), "{}", last.message);
                let listed = capped.iter().take(MAX_WARNINGS - 1).filter(|w| w.incomplete).count();
                prop_assert_eq!(listed, missing.min(MAX_WARNINGS - 1));
            } else {
                prop_assert_eq!(capped.len(), total);
            }
        }
    }
}
