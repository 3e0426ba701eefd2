//! Room for a copy.

use std::path::Path;

/// What a copy needs besides its archives: the manifest, directories, rounding to blocks.
const RESERVE: u64 = 1024 * 1024;

/// No store is compressed to a smaller part of its size.
const COMPRESSED_AT_MOST: u64 = 50;

/// What a copy will need: as much as the last one, but no more than its sources have (`measured`, before compression). A last copy that is
/// too small to be one of these sources was of something else (before, the Set left out more, or one of its types) and says nothing.
pub(super) fn expected(measured: u64, last_copy: Option<u64>) -> u64 {
    match last_copy {
        Some(last) if last >= measured / COMPRESSED_AT_MOST => last.min(measured),
        _ => measured,
    }
}

/// Refuses when the archive directory's disk has no room for `expected` bytes; the message says what to do.
pub(super) fn check(dir: &Path, expected: u64) -> Result<(), String> {
    let free = free(dir).map_err(|e| {
        format!("The free space of the archive directory {} cannot be told: {e}.", dir.display())
    })?;
    let needed = expected.saturating_add(RESERVE);
    if free >= needed {
        return Ok(());
    }
    Err(format!(
        "There is not enough space in the archive directory {}: this pass needs about {}, and {} are free. Free some space on that \
         disk, keep fewer local copies, or choose another directory (STOREKEEP_ARCHIVE_DIR).",
        dir.display(),
        human(needed),
        human(free)
    ))
}

/// What to say when the disk filled up while the pass wrote.
pub(super) fn full(dir: &Path) -> String {
    let left = free(dir).map(|free| format!(" ({} are free)", human(free))).unwrap_or_default();
    format!(
        "The disk of the archive directory {} is full{left}. Free some space on it, keep fewer local copies, or choose another \
         directory (STOREKEEP_ARCHIVE_DIR).",
        dir.display()
    )
}

/// Bytes that an unprivileged user may still write there.
fn free(dir: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(dir)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Whether an error comes from a disk without room, or a quota that is used up.
pub(super) fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| matches!(io.kind(), StorageFull | QuotaExceeded)) {
            return true;
        }
        next = error.source();
    }
    false
}

/// `1.5 GiB`
pub fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} {}", if bytes == 1 { "byte" } else { "bytes" });
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "0 bytes")]
    #[case(1, "1 byte")]
    #[case(1023, "1023 bytes")]
    #[case(1024, "1.0 KiB")]
    #[case(1536 * 1024, "1.5 MiB")]
    #[case(1024 * 1024 - 1, "1.0 MiB")]
    #[case(4 << 30, "4.0 GiB")]
    #[case(u64::MAX, "16384.0 PiB")]
    fn sizes_are_written_for_people(#[case] bytes: u64, #[case] text: &str) {
        assert_eq!(human(bytes), text);
    }

    #[rstest]
    #[case(100, None, 100)]
    #[case(100, Some(30), 30)]
    #[case(100, Some(2), 2)]
    #[case(100, Some(1), 100)]
    #[case(100, Some(0), 100)]
    #[case(100, Some(500), 100)]
    #[case(0, Some(500), 0)]
    fn the_last_copy_counts_when_it_can_be_of_the_same_sources(
        #[case] measured: u64,
        #[case] last_copy: Option<u64>,
        #[case] expected_bytes: u64,
    ) {
        assert_eq!(expected(measured, last_copy), expected_bytes);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers_and_a_remedy() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(check(dir.path(), 0), Ok(()));
        let message = check(dir.path(), u64::MAX / 2).unwrap_err();
        assert!(message.contains("8192.0 PiB"), "{message}");
        assert!(message.contains("STOREKEEP_ARCHIVE_DIR"), "{message}");
        assert!(check(Path::new("/nonexistent"), 0).is_err());
    }

    #[test]
    fn a_full_disk_is_recognised_at_any_depth() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        assert!(is_full(&Outer(rustix::io::Errno::NOSPC.into())));
        assert!(is_full(&Outer(rustix::io::Errno::DQUOT.into())));
        assert!(!is_full(&Outer(rustix::io::Errno::IO.into())));
    }
}
