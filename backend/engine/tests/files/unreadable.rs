//! What cannot be read is missing and told. The tests give up root's privilege to read everything, for their own thread and those
//! it starts.

use crate::support::*;
use engine::archive::tree::{PackError, Packed, pack};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use std::fs;
use std::os::unix::fs::chown;

/// Runs on a thread that has to obey permissions.
fn unprivileged<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let mut sets = capabilities(None).unwrap();
            sets.effective -=
                CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH | CapabilitySet::FOWNER;
            set_capabilities(None, sets).unwrap();
            work()
        });
        thread.join().unwrap()
    })
}

fn pack_unprivileged(bench: &Bench) -> Result<Packed, PackError> {
    unprivileged(|| pack(bench.options()))
}

#[test]
fn unreadable_files_and_directories_are_missing_and_the_rest_is_archived() {
    let bench = Bench::new();
    chmod(&bench.file("app/secret.php", "x"), 0o000);
    chmod(&bench.file("app/large.bin", vec![1; 5 << 20]), 0o000);
    let linked = bench.file("app/twice", "x");
    chmod(&linked, 0o000);
    fs::hard_link(&linked, bench.root().join("app/twice again")).unwrap();
    bench.file("app/open.php", "y");
    bench.file("var/closed/file", "z");
    bench.file("var/names only/file", "z");
    chmod(&bench.root().join("var/closed"), 0o000);
    chmod(&bench.root().join("var/names only"), 0o444);
    let packed = pack_unprivileged(&bench).unwrap();
    let missing =
        ["app/large.bin", "app/secret.php", "app/twice", "app/twice again", "var/closed", "var/names only"];
    assert_eq!(codes(&packed.warnings), missing.map(|path| ("unreadable", path, true)));
    assert!(packed.warnings[0].message.contains("Permission denied"), "{}", packed.warnings[0].message);
    assert_eq!(bench.listing(), ["app/", "app/open.php", "var/", "var/closed/", "var/names only/", "./"]);
    bench.restore();
    assert_eq!(snapshot(&bench.back())[b"var/closed".as_slice()].mode, 0);
}

#[test]
fn files_of_others_are_read_without_the_right_to_spare_their_access_times() {
    let bench = Bench::new();
    let path = bench.file("of another", "readable by all");
    if rustix::process::geteuid().is_root() {
        chown(&path, Some(12_345), Some(12_345)).unwrap();
    }
    assert_eq!(pack_unprivileged(&bench).unwrap().warnings, []);
    bench.assert_same();
}

#[test]
fn a_root_that_cannot_be_read_is_an_error_that_names_it() {
    let bench = Bench::new();
    chmod(&bench.root(), 0o311);
    let error = pack_unprivileged(&bench).unwrap_err();
    assert!(matches!(error, PackError::Source(_)));
    let text = error.to_string();
    assert!(text.contains(bench.root().to_str().unwrap()) && text.contains("Permission denied"), "{text}");
}

#[test]
fn an_archive_directory_that_cannot_be_written_is_an_error_that_names_it() {
    let bench = Bench::new();
    fs::create_dir(bench.path("copies")).unwrap();
    chmod(&bench.path("copies"), 0o555);
    let error = pack_unprivileged(&bench).unwrap_err();
    assert!(
        matches!(&error, PackError::Write(error) if error.kind() == std::io::ErrorKind::PermissionDenied)
    );
    assert!(error.to_string().contains(bench.path("copies").to_str().unwrap()), "{error}");
}
