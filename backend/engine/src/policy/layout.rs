//! Names: of copies, of folders that are being made, of keys. (Parts of an archive are named by `archive::parts`.)
//!
//! A copy is `<folder>/<timestamp>/` at every destination, where the timestamp is the start of its pass in UTC to the second,
//! `2026-11-22T02-30-00Z`: sorted as text it is sorted in time, and it is a valid name on every file system and at every provider.

use chrono::{DateTime, Duration, NaiveDateTime, SubsecRound, Utc};

/// The suffix of a copy's folder while the pass writes it.
pub const PARTIAL_SUFFIX: &str = ".partial";
/// What marks a folder as a copy that this program finished.
pub const MANIFEST: &str = "manifest.json";
/// What stands in for the manifest while a copy is being deleted, so that a deletion that was cut short can be taken up again.
pub const TOMBSTONE: &str = "deleting.json";

const FORMAT: &str = "%Y-%m-%dT%H-%M-%SZ";
const LENGTH: usize = "2026-11-22T02-30-00Z".len();

/// The folder name of a copy whose pass started at `at`; fractions of a second are cut off.
pub fn copy_name(at: DateTime<Utc>) -> String {
    at.trunc_subsecs(0).format(FORMAT).to_string()
}

/// The instant that a copy's folder name stands for; `None` unless it is exactly what [`copy_name`] writes.
pub fn parse_copy_name(name: &str) -> Option<DateTime<Utc>> {
    if name.len() != LENGTH {
        return None;
    }
    let at = NaiveDateTime::parse_from_str(name, FORMAT).ok()?.and_utc();
    // A leap second would be a second name for the second after it.
    (at.timestamp_subsec_nanos() == 0 && copy_name(at) == name).then_some(at)
}

/// The name under which a copy is made.
pub fn partial_name(copy: &str) -> String {
    format!("{copy}{PARTIAL_SUFFIX}")
}

/// The instant of a folder that a pass was writing; `None` for every other name.
pub fn parse_partial_name(name: &str) -> Option<DateTime<Utc>> {
    parse_copy_name(name.strip_suffix(PARTIAL_SUFFIX)?)
}

/// The name of the pass that started at `at`: the next second that is free when its own is taken (a copy or a `.partial` has it).
pub fn free_copy_name(at: DateTime<Utc>, taken: impl Fn(&str) -> bool) -> String {
    let mut at = at;
    loop {
        let name = copy_name(at);
        if !taken(&name) {
            return name;
        }
        at += Duration::seconds(1);
    }
}

/// One path segment that is safe on every file system: not empty, not `.` or `..`, at most 255 bytes, without separators and
/// control characters.
pub fn is_safe_segment(segment: &str) -> bool {
    !segment.is_empty()
        && segment.len() <= 255
        && segment != "."
        && segment != ".."
        && !segment.chars().any(|c| c == '/' || c == '\\' || c.is_control())
}

/// A relative path of safe segments.
pub fn is_safe_key(key: &str) -> bool {
    key.len() <= 1024 && key.split('/').all(is_safe_segment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use std::collections::HashSet;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_copy_is_named_after_the_second_its_pass_started() {
        assert_eq!(copy_name(at("2026-11-22T02:30:00Z")), "2026-11-22T02-30-00Z");
        assert_eq!(copy_name(at("2026-11-22T02:30:59.999Z")), "2026-11-22T02-30-59Z");
        assert_eq!(parse_copy_name("2026-11-22T02-30-00Z"), Some(at("2026-11-22T02:30:00Z")));
        assert_eq!(parse_partial_name("2026-11-22T02-30-00Z.partial"), Some(at("2026-11-22T02:30:00Z")));
    }

    #[rstest]
    #[case("")]
    #[case("2026-11-22")]
    #[case("2026-11-22T02-30-00")]
    #[case("2026-11-22T02:30:00Z")]
    #[case("2026-11-22t02-30-00z")]
    #[case("2026-02-30T02-30-00Z")]
    #[case("2026-11-22T24-30-00Z")]
    #[case("2026-11-22T02-30-60Z")]
    #[case("+026-11-22T02-30-00Z")]
    #[case(" 026-11-22T02-30-00Z")]
    #[case("2026-11- 2T02-30-00Z")]
    #[case("2026-11-22T02-30-00Z ")]
    #[case("2026-11-22T02-30-00Z.partial")]
    #[case("2026-11-22T02-30-00Z.bak")]
    fn other_names_are_no_copies(#[case] name: &str) {
        assert_eq!(parse_copy_name(name), None);
    }

    #[rstest]
    #[case("2026-11-22T02-30-00Z")]
    #[case(".partial")]
    #[case("notes.partial")]
    #[case("2026-11-22T02-30-00Z.partial.partial")]
    fn other_names_are_no_partial_folders(#[case] name: &str) {
        assert_eq!(parse_partial_name(name), None);
    }

    #[test]
    fn a_taken_second_gives_way_to_the_next_free_one() {
        let taken: HashSet<_> = ["2026-12-31T23-59-59Z", "2027-01-01T00-00-00Z"].into_iter().collect();
        let free = |t: &str| free_copy_name(at(t), |n| taken.contains(n));
        assert_eq!(free("2026-12-31T23:59:59.5Z"), "2027-01-01T00-00-01Z");
        assert_eq!(free("2026-12-31T23:59:58Z"), "2026-12-31T23-59-58Z");
    }

    #[rstest]
    #[case("files/files.tgz.001", true)]
    #[case("nightly/2026-11-22T02-30-00Z/manifest.json", true)]
    #[case("Ünicode und Leerzeichen/x", true)]
    #[case("", false)]
    #[case("/etc/passwd", false)]
    #[case("a/", false)]
    #[case("a//b", false)]
    #[case("a/../b", false)]
    #[case("./a", false)]
    #[case("a\\b", false)]
    #[case("a\nb", false)]
    #[case("a\0b", false)]
    fn keys_are_relative_paths_of_safe_segments(#[case] key: &str, #[case] safe: bool) {
        assert_eq!(is_safe_key(key), safe);
    }

    proptest! {
        #[test]
        fn names_come_back_as_they_went_and_sort_in_time(a in 0i64..253_402_300_799, b in 0i64..253_402_300_799) {
            let (a, b) = (DateTime::from_timestamp(a, 7).unwrap(), DateTime::from_timestamp(b, 9).unwrap());
            prop_assert_eq!(parse_copy_name(&copy_name(a)), Some(a.trunc_subsecs(0)));
            if a.timestamp() != b.timestamp() {
                prop_assert_eq!(copy_name(a) < copy_name(b), a < b);
            }
            prop_assert!(is_safe_segment(&partial_name(&copy_name(a))));
        }

        #[test]
        fn any_text_that_parses_is_what_would_have_been_written(name in "[0-9+T:Z. -]{18,22}") {
            if let Some(at) = parse_copy_name(&name) {
                prop_assert_eq!(copy_name(at), name);
            }
        }
    }
}
