use super::support::*;
use crate::pipeline::{Job, Outcome, Status};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn assert_failed(outcome: &Outcome, told: &[&str]) {
    assert_eq!(outcome.status, Status::Failed, "{outcome:?}");
    let error = outcome.error.as_deref().unwrap();
    for told in told {
        assert!(error.contains(told), "`{told}` is not in: {error}");
    }
    assert_eq!(outcome.copy_path, None);
    assert!(outcome.archives.is_empty() && !outcome.complete && !outcome.local_copy_kept);
    assert!(!outcome.rows.iter().any(|r| r.ok), "{:?}", outcome.rows);
}

#[tokio::test]
async fn a_missing_root_fails_the_pass_and_leaves_earlier_copies() {
    let bench = Bench::new();
    run(bench.job(&day(1))).await;
    let before = tree(&bench.archive_dir());
    fs::remove_dir_all(bench.root()).unwrap();
    let outcome = run(bench.job(&day(2))).await;
    assert_failed(&outcome, &["The files could not be archived", bench.root().to_str().unwrap()]);
    assert_eq!(outcome.rows.len(), 1);
    assert_eq!(tree(&bench.archive_dir()), before);
    bench.assert_nothing_half_made();
}

#[tokio::test]
async fn an_archive_directory_that_is_a_file_fails_the_pass() {
    let bench = Bench::new();
    fs::write(bench.archive_dir(), "not a directory").unwrap();
    let outcome = run(bench.job(&day(1))).await;
    assert_failed(
        &outcome,
        &["cannot be written", "STOREKEEP_ARCHIVE_DIR", bench.archive_dir().to_str().unwrap()],
    );
    assert_eq!(fs::read(bench.archive_dir()).unwrap(), b"not a directory");
}

#[test]
fn an_archive_directory_without_write_access_fails_the_pass() {
    let bench = Bench::new();
    fs::create_dir(bench.archive_dir()).unwrap();
    fs::set_permissions(bench.archive_dir(), fs::Permissions::from_mode(0o555)).unwrap();
    let outcome = run_unprivileged(bench.job(&day(1)));
    assert_failed(&outcome, &["Permission denied", "STOREKEEP_ARCHIVE_DIR"]);
}

#[tokio::test]
async fn a_copy_that_will_not_fit_is_refused_before_the_first_byte() {
    let bench = Bench::new();
    run(bench.job(&day(1))).await;
    fs::File::create(bench.file("pub/media/huge", "")).unwrap().set_len(1 << 43).unwrap();
    let outcome = run(Job { last_copy_bytes: Some(1 << 42), ..bench.job(&day(2)) }).await;
    assert_failed(&outcome, &["not enough space", "4.0 TiB", "are free", "STOREKEEP_ARCHIVE_DIR"]);
    assert_eq!(bench.copies(), [copy_of(1)]);
}

#[tokio::test]
async fn the_last_copy_does_not_refuse_a_store_that_has_become_small() {
    let bench = Bench::new();
    fs::File::create(bench.file("pub/media/huge", "")).unwrap().set_len(1 << 43).unwrap();
    // Since the last copy the media are left out.
    let exclude_directories = vec!["pub/media".into()];
    let job = Job { last_copy_bytes: Some(1 << 42), exclude_directories, ..bench.job(&day(1)) };
    assert_eq!(run(job).await.status, Status::Success);
}

#[tokio::test]
async fn the_last_copy_does_not_speak_for_a_store_it_cannot_have_been_of() {
    let bench = Bench::new();
    fs::File::create(bench.file("pub/media/huge", "")).unwrap().set_len(1 << 43).unwrap();
    // Until now the media were left out, or the database alone was backed up.
    let outcome = run(Job { last_copy_bytes: Some(1 << 20), ..bench.job(&day(1)) }).await;
    assert_failed(&outcome, &["not enough space", "8.0 TiB"]);
}

#[tokio::test]
async fn jobs_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    assert_failed(&run(Job { rows: vec![], ..bench.job(&day(1)) }).await, &["No destination"]);
    assert_failed(&run(Job { files: false, ..bench.job(&day(1)) }).await, &["nothing to back up"]);
    assert_failed(&run(Job { folder: "../x".into(), ..bench.job(&day(1)) }).await, &["not a plain name"]);
    assert_failed(&run(Job { part_size: 0, ..bench.job(&day(1)) }).await, &["part size"]);
    assert!(names(bench.dir.path()).iter().all(|n| n != "x"));
    bench.assert_nothing_half_made();
}

/// A small disk of its own, while it lives.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, with the reason printed, where mounting is not permitted.
    fn mount(dir: &Path, mib: u32) -> Option<SmallDisk> {
        fs::create_dir_all(dir).unwrap();
        let options = std::ffi::CString::new(format!("size={mib}m,mode=0700")).unwrap();
        match mount("tmpfs", dir, "tmpfs", MountFlags::empty(), Some(options.as_c_str())) {
            Ok(()) => Some(SmallDisk(dir.to_path_buf())),
            Err(error) => {
                eprintln!("skipped: a small disk cannot be mounted here: {error}");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).unwrap();
    }
}

#[tokio::test]
async fn a_disk_without_room_is_found_before_the_first_byte() {
    let bench = Bench::new();
    let Some(_disk) = SmallDisk::mount(&bench.archive_dir(), 8) else { return };
    assert_eq!(run(bench.job(&day(1))).await.status, Status::Success);
    let before = tree(&bench.archive_dir());
    bench.file("pub/media/large.jpg", noise(12 << 20));
    let outcome = run(bench.job(&day(2))).await;
    assert_failed(&outcome, &["There is not enough space", "needs about 13.0 MiB", "STOREKEEP_ARCHIVE_DIR"]);
    assert_eq!(tree(&bench.archive_dir()), before);
    bench.assert_nothing_half_made();
}

#[tokio::test]
async fn a_disk_that_fills_up_fails_the_pass_and_gives_the_space_back() {
    let bench = Bench::new();
    let Some(_disk) = SmallDisk::mount(&bench.archive_dir(), 8) else { return };
    assert_eq!(run(bench.job(&day(1))).await.status, Status::Success);
    let before = tree(&bench.archive_dir());
    bench.file("pub/media/large.jpg", noise(12 << 20));
    // The last copy was smaller, so the estimate sees no danger.
    let outcome = run(Job { last_copy_bytes: Some(1 << 20), ..bench.job(&day(2)) }).await;
    assert_failed(&outcome, &["The files could not be archived", "is full", "STOREKEEP_ARCHIVE_DIR"]);
    assert_eq!(tree(&bench.archive_dir()), before);
    bench.assert_nothing_half_made();
    fs::remove_file(bench.root().join("pub/media/large.jpg")).unwrap();
    assert_eq!(run(bench.job(&day(3))).await.status, Status::Success, "there is room again");
}
