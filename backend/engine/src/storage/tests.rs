use super::*;
use crate::testing::conformance;
use crate::testing::fault::{Effect, Fault, FaultStorage, Op};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

fn body(content: &'static str) -> BytesBody {
    BytesBody(Bytes::from_static(content.as_bytes()))
}

#[tokio::test]
async fn a_directory_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(dir.path().join("not/there/yet"));
    conformance::verify(&storage, "conformance/run").await;
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    conformance::verify(&MemoryStorage::new(StorageKind::AmazonS3), "conformance").await;
}

#[tokio::test]
async fn retries_and_fault_plans_without_faults_keep_the_contract() {
    let memory = Arc::new(MemoryStorage::new(StorageKind::Dropbox));
    let storage = Retry::new(Arc::new(FaultStorage::new(memory, vec![])), RetryPolicy::default());
    assert_eq!(storage.kind(), StorageKind::Dropbox);
    conformance::verify(&storage, "conformance").await;
}

fn modes(dir: &Path) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        all.push((name, entry.metadata().unwrap().permissions().mode() & 0o7777));
        if entry.file_type().unwrap().is_dir() {
            all.extend(modes(&entry.path()));
        }
    }
    all.sort();
    all
}

#[tokio::test]
async fn only_the_server_can_read_what_a_directory_keeps() {
    let dir = tempfile::tempdir().unwrap();
    LocalStorage::new(dir.path()).put("a/b/c.txt", &body("x")).await.unwrap();
    let expected = [("a", 0o700), ("b", 0o700), ("c.txt", 0o600)].map(|(n, m)| (n.to_string(), m));
    assert_eq!(modes(dir.path()), expected);
}

#[tokio::test]
async fn a_failed_put_leaves_no_temporary_file() {
    let dir = tempfile::tempdir().unwrap();
    let inner = Arc::new(LocalStorage::new(dir.path()));
    let faults = vec![Fault::once(Op::Put, Effect::FailAfter(0, ErrorKind::Unavailable))];
    let storage = FaultStorage::new(inner, faults);
    assert_eq!(storage.put("a/x", &body("content")).await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(modes(&dir.path().join("a")), []);
    storage.put("a/x", &body("content")).await.unwrap();
    assert_eq!(modes(&dir.path().join("a")), [("x".to_string(), 0o600)]);
}

#[tokio::test]
async fn links_in_a_directory_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "x").unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.path().join("link")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), dir.path().join("file")).unwrap();
    let storage = LocalStorage::new(dir.path());
    assert_eq!(storage.list("").await.unwrap(), Listing { entries: vec![], complete: true });
    assert_eq!(storage.stat("file").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_directory_in_place_of_the_object_is_an_error_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("x")).unwrap();
    std::fs::write(dir.path().join("x/notes.txt"), "mine").unwrap();
    let storage = LocalStorage::new(dir.path());
    storage.put("x", &body("content")).await.unwrap_err();
    storage.delete("x").await.unwrap_err();
    assert_eq!(std::fs::read(dir.path().join("x/notes.txt")).unwrap(), b"mine");
    assert_eq!(modes(dir.path()).len(), 2);
}

const QUICK: RetryPolicy = RetryPolicy {
    attempts: 4,
    first_wait: Duration::from_millis(2),
    longest_wait: Duration::from_millis(200),
};

#[tokio::test]
async fn a_put_that_breaks_off_is_repeated_from_the_start() {
    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    let faults = vec![
        Fault::once(Op::Put, Effect::FailAfter(3, ErrorKind::Unavailable)),
        Fault::once(
            Op::Put,
            Effect::Fail(ErrorKind::RateLimited { retry_after: Some(Duration::from_millis(60)) }),
        ),
    ];
    let faulty = Arc::new(FaultStorage::new(memory.clone(), faults));
    let storage = Retry::new(faulty.clone(), QUICK);
    let started = std::time::Instant::now();
    storage.put("x", &body("whole content")).await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(60), "the wait that was asked for is kept");
    assert_eq!(memory.get("x").unwrap(), "whole content");
    assert_eq!(faulty.keys(Op::Put).len(), 3);
}

#[tokio::test]
async fn errors_that_time_does_not_mend_are_not_repeated() {
    let kinds = [
        ErrorKind::NotFound,
        ErrorKind::NeedsRelink,
        ErrorKind::PermissionDenied,
        ErrorKind::QuotaExceeded,
        ErrorKind::InvalidConfig,
        ErrorKind::Integrity,
        ErrorKind::Cancelled,
        ErrorKind::Unreadable,
        ErrorKind::Other,
        ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(3600)) },
    ];
    for kind in kinds {
        let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
        let faulty =
            Arc::new(FaultStorage::new(memory, vec![Fault::always(Op::List, Effect::Fail(kind.clone()))]));
        let error = Retry::new(faulty.clone(), QUICK).list("x").await.unwrap_err();
        assert_eq!(error.kind, kind);
        assert_eq!(faulty.calls().len(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_destination_that_stays_away_is_given_up_on() {
    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    let faults = vec![Fault::always(Op::Stat, Effect::Fail(ErrorKind::Unavailable))];
    let faulty = Arc::new(FaultStorage::new(memory, faults));
    let error = Retry::new(faulty.clone(), QUICK).stat("x").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(faulty.calls().len(), 4);
}

#[tokio::test]
async fn small_objects_are_read_up_to_a_limit() {
    let memory = MemoryStorage::new(StorageKind::AmazonS3);
    memory.put("x", &body("0123456789")).await.unwrap();
    assert_eq!(read_small(&memory, "x", 10).await.unwrap(), b"0123456789");
    assert_eq!(read_small(&memory, "x", 9).await.unwrap_err().kind, ErrorKind::Integrity);
}

#[tokio::test]
async fn what_a_write_cut_short_has_left_goes_with_its_directory_and_a_foreign_file_keeps_it() {
    let dir = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(dir.path());
    let copy = dir.path().join("set/copy");
    std::fs::create_dir_all(&copy).unwrap();
    std::fs::write(copy.join(".storekeep-0123"), "half").unwrap();
    std::fs::write(copy.join("precious"), "mine").unwrap();
    storage.remove_empty_dir("set/copy").await.unwrap();
    assert_eq!(std::fs::read_dir(&copy).unwrap().count(), 2);
    std::fs::remove_file(copy.join("precious")).unwrap();
    storage.remove_empty_dir("set/copy").await.unwrap();
    assert!(!copy.exists());
}

#[tokio::test]
async fn a_batch_is_one_call_through_every_decorator_and_is_repeated_whole() {
    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    let faults = vec![
        Fault::once(Op::DeleteAll, Effect::Fail(ErrorKind::Unavailable)),
        Fault::once(Op::Delete, Effect::Fail(ErrorKind::Unavailable)).on("b"),
    ];
    let faulty = Arc::new(FaultStorage::new(memory.clone(), faults));
    let bandwidth = Bandwidth::new(std::num::NonZeroU64::MAX, Arc::new(time::SystemTime));
    let storage = Retry::new(Arc::new(Throttle::new(faulty.clone(), bandwidth)), QUICK);
    for key in ["a", "b", "c"] {
        storage.put(key, &body("x")).await.unwrap();
    }
    storage.delete_all(&["a", "b"].map(str::to_owned)).await.unwrap();
    assert_eq!(memory.keys(), ["c"]);
    assert_eq!(faulty.keys(Op::DeleteAll), ["a\nb"; 3]);
}

/// A block that was damaged on its way from a destination tells of that object, not of the destination.
#[test]
fn what_a_download_broke_off_with_is_told_apart() {
    for (cause, told) in [
        (Error::new(ErrorKind::Integrity, "as planned").into(), ErrorKind::Integrity),
        (Error::new(ErrorKind::Unavailable, "as planned").into(), ErrorKind::Unavailable),
        (std::io::Error::other("as planned"), ErrorKind::Unavailable),
        (std::io::ErrorKind::UnexpectedEof.into(), ErrorKind::Unavailable),
    ] {
        assert_eq!(broke_off("x", cause).kind, told);
    }
}
