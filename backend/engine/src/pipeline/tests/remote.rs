use super::support::*;
use crate::archive::manifest::Manifest;
use crate::event::{Event, Phase};
use crate::pipeline::{Job, Row, Status, Target, local_copies, run_tuned};
use crate::policy::layout::MANIFEST;
use crate::storage::{ErrorKind, LocalStorage, MemoryStorage, Storage, StorageKind};
use crate::testing::fault::{Effect, Fault, FaultStorage, Op};
use rstest::rstest;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

fn memory() -> Arc<MemoryStorage> {
    Arc::new(MemoryStorage::new(StorageKind::AmazonS3))
}

fn faulty(inner: &Arc<MemoryStorage>, fault: Fault) -> Arc<FaultStorage> {
    Arc::new(FaultStorage::new(inner.clone(), vec![fault]))
}

fn key(n: u32, name: &str) -> String {
    format!("nightly/{}/{name}", copy_of(n))
}

#[tokio::test]
async fn every_archive_is_uploaded_and_the_manifest_last() {
    let bench = Bench::new();
    let memory = memory();
    let recorder = Arc::new(FaultStorage::new(memory.clone(), vec![]));
    let (events, seen) = record(|_| {});
    let rows = vec![local_row(3), remote_row("7", 3, recorder.clone())];
    let outcome =
        run_tuned(Job { rows, ..bench.job(&day(22)) }, events, CancellationToken::new(), QUICK).await;
    assert_eq!(outcome.status, Status::Success);
    assert_eq!(recorder.keys(Op::Put), [key(22, "files/files.tgz"), key(22, MANIFEST)]);
    let dir = bench.folder().join(copy_of(22));
    for name in ["files/files.tgz", MANIFEST] {
        assert_eq!(memory.get(&key(22, name)).unwrap(), fs::read(dir.join(name)).unwrap());
    }
    let ids: Vec<_> = outcome.rows.iter().map(|r| (r.storage_id.as_str(), r.ok, r.bytes > 0)).collect();
    assert_eq!(ids, [("local", true, true), ("7", true, true)]);
    assert_eq!(outcome.rows[1].kind, StorageKind::AmazonS3);
    assert!(outcome.rows[1].message.contains("Uploaded 1 archive"), "{}", outcome.rows[1].message);

    let seen = seen.lock().unwrap();
    let total = outcome.archives[0].size_bytes + memory.get(&key(22, MANIFEST)).unwrap().len() as u64;
    let upload = |e: &Event| match e {
        Event::Started { phase: Phase::Upload, total_bytes, total_items } => {
            Some((*total_bytes, *total_items))
        }
        Event::Advanced { phase: Phase::Upload, bytes, items, .. } => Some((Some(*bytes), Some(*items))),
        _ => None,
    };
    let told: Vec<_> = seen.iter().filter_map(upload).collect();
    let all = (Some(total), Some(2));
    assert_eq!((told.first(), told.last()), (Some(&all), Some(&all)));
    let row = |e: &Event| match e {
        Event::RowStarted { row, total_bytes } => Some(("started", *row, *total_bytes)),
        Event::RowEnded { row, ok } => Some((if *ok { "ended well" } else { "failed" }, *row, 0)),
        _ => None,
    };
    let told: Vec<_> = seen.iter().filter_map(row).collect();
    assert_eq!(told, [("started", 1, total), ("ended well", 1, 0)], "the local row has nothing to upload");
    let advanced = |e: &Event| match e {
        Event::RowAdvanced { row: 1, bytes } => Some(*bytes),
        _ => None,
    };
    assert_eq!(seen.iter().filter_map(advanced).next_back(), Some(total));
}

#[tokio::test]
async fn without_a_local_row_the_copy_goes_once_it_arrived_everywhere() {
    let bench = Bench::new();
    let (a, b) = (memory(), memory());
    let rows = vec![remote_row("1", 2, a.clone()), remote_row("2", 2, b.clone())];
    let outcome = run(Job { rows, ..bench.job(&day(22)) }).await;
    assert_eq!((outcome.status, outcome.local_copy_kept), (Status::Success, false));
    assert_eq!(bench.copies(), Vec::<String>::new());
    assert_eq!(a.keys(), b.keys());
    let manifest = Manifest::read(&a.get(&key(22, MANIFEST)).unwrap(), "nightly", &copy_of(22)).unwrap();
    assert!(!manifest.staging, "a copy at its destination waits for nothing");
}

#[tokio::test]
async fn without_a_local_row_the_newest_copy_waits_for_a_retry_and_the_disk_does_not_fill() {
    let bench = Bench::new();
    // From a time when there was a local row: not ours to remove.
    run(bench.job(&day(1))).await;
    let (good, dead) = (memory(), memory());
    let broken = faulty(&dead, Fault::always(Op::Put, Effect::Fail(ErrorKind::NeedsRelink)));
    for n in 2..=4 {
        let rows = vec![remote_row("1", 9, good.clone()), remote_row("2", 9, broken.clone())];
        let outcome = run(Job { rows, ..bench.job(&day(n)) }).await;
        assert_eq!((outcome.status, outcome.local_copy_kept), (Status::Failed, true));
        assert_eq!(outcome.error, None);
        assert_eq!(bench.copies(), [1, n].map(copy_of));
    }
    assert!(local_copies(&bench.archive_dir(), "nightly").unwrap()[1].manifest.staging);
    broken.heal();
    let rows = vec![remote_row("1", 9, good.clone()), remote_row("2", 9, broken.clone())];
    let outcome = run(Job { rows, ..bench.job(&day(5)) }).await;
    assert_eq!((outcome.status, outcome.local_copy_kept), (Status::Success, false));
    assert_eq!(outcome.swept, [4, 5].map(|n| format!("nightly/{}", copy_of(n))));
    assert_eq!(bench.copies(), [copy_of(1)]);
}

#[rstest]
#[case::dead(Fault::always(Op::Put, Effect::Fail(ErrorKind::Unavailable)), "files/files.tgz")]
#[case::breaks_off(Fault::always(Op::Put, Effect::FailAfter(5, ErrorKind::Unavailable)), "files/files.tgz")]
#[case::not_linked(Fault::always(Op::Put, Effect::Fail(ErrorKind::NeedsRelink)), "NeedsRelink")]
#[case::full(Fault::always(Op::Put, Effect::Fail(ErrorKind::QuotaExceeded)), "QuotaExceeded")]
#[case::lies_when_storing(Fault::always(Op::Put, Effect::LieAboutSize(-1)), "not what was sent")]
#[case::lies_when_asked(Fault::always(Op::Stat, Effect::LieAboutSize(9)), "not what was sent")]
#[case::damages(Fault::always(Op::Put, Effect::FlipBit).on("files.tgz"), "SHA-256")]
#[case::damages_the_manifest(Fault::always(Op::Put, Effect::FlipBit).on(MANIFEST), MANIFEST)]
#[case::loses(Fault::always(Op::Put, Effect::Lose), "it is not there")]
#[case::takes_no_manifest(Fault::always(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)).on(MANIFEST), MANIFEST)]
#[case::hangs(Fault::always(Op::Put, Effect::Hang), "has not answered")]
#[case::hangs_when_asked(Fault::always(Op::Stat, Effect::Hang), "has not answered")]
#[case::panics(Fault::always(Op::Put, Effect::Panic), "ended unexpectedly")]
#[tokio::test]
async fn a_bad_destination_fails_alone_and_keeps_its_older_copies(#[case] fault: Fault, #[case] told: &str) {
    let bench = Bench::new();
    let (good, bad) = (memory(), memory());
    let first = vec![local_row(1), remote_row("1", 1, good.clone()), remote_row("2", 1, bad.clone())];
    assert_eq!(run(Job { rows: first, ..bench.job(&day(1)) }).await.status, Status::Success);
    let broken = faulty(&bad, fault.clone());
    let rows = vec![remote_row("2", 1, broken.clone()), local_row(1), remote_row("1", 1, good.clone())];
    let outcome = run(Job { rows, ..bench.job(&day(2)) }).await;
    assert_eq!((outcome.status, outcome.error.as_deref()), (Status::Failed, None));
    let oks: Vec<_> = outcome.rows.iter().map(|r| (r.storage_id.as_str(), r.ok)).collect();
    assert_eq!(oks, [("2", false), ("local", true), ("1", true)]);
    assert!(outcome.rows[0].message.contains(told), "{}", outcome.rows[0].message);
    assert_eq!(outcome.rows[0].bytes, 0);
    // The others went on, their sweeps included; the bad one lost nothing.
    assert_eq!(bench.copies(), [copy_of(2)]);
    assert_eq!(good.keys(), [key(2, "files/files.tgz"), key(2, MANIFEST)]);
    for name in ["files/files.tgz", MANIFEST] {
        assert!(bad.get(&key(1, name)).is_some());
    }
    if fault.effect != Effect::Panic {
        assert!(!bad.keys().iter().any(|k| k.contains(&copy_of(2))), "half-made: {:?}", bad.keys());
    }
}

#[tokio::test]
async fn a_destination_that_comes_back_is_tried_again() {
    let bench = Bench::new();
    let memory = memory();
    let shaky = faulty(&memory, Fault::once(Op::Put, Effect::FailAfter(1, ErrorKind::Unavailable)));
    shaky.plan(Fault::once(
        Op::Stat,
        Effect::Fail(ErrorKind::RateLimited { retry_after: Some(Duration::from_millis(20)) }),
    ));
    let outcome = run(Job { rows: vec![remote_row("7", 1, shaky)], ..bench.job(&day(1)) }).await;
    assert_eq!(outcome.status, Status::Success, "{:?}", outcome.rows);
    assert_eq!(memory.keys().len(), 2);
}

#[tokio::test]
async fn a_slow_destination_does_not_delay_the_others() {
    let bench = Bench::new();
    let (slow_inner, quick) = (memory(), memory());
    let slow = faulty(&slow_inner, Fault::always(Op::Put, Effect::Delay(Duration::from_millis(300))));
    let rows = vec![remote_row("slow", 1, slow), remote_row("quick", 1, quick)];
    let started = Instant::now();
    let outcome = run(Job { rows, ..bench.job(&day(1)) }).await;
    assert_eq!(outcome.status, Status::Success);
    let [slow, quick] = &outcome.rows[..] else { panic!("two rows") };
    assert!(slow.seconds >= 0.6 && quick.seconds < 0.3, "{} {}", slow.seconds, quick.seconds);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_upload_that_moves_slowly_is_not_given_up_on() {
    let bench = Bench::new();

    bench.file("pub/media/noise.jpg", noise(3_000_000));
    let memory = memory();
    // Longer in all than the patience with a silent destination.
    let slow = faulty(&memory, Fault::always(Op::Put, Effect::Trickle(Duration::from_millis(60))));
    let outcome = run(Job { rows: vec![remote_row("7", 1, slow)], ..bench.job(&day(1)) }).await;
    assert_eq!(outcome.status, Status::Success, "{:?}", outcome.rows);
    assert!(outcome.rows[0].seconds > QUICK.stall.as_secs_f64(), "{}", outcome.rows[0].seconds);
}

#[tokio::test]
async fn a_row_that_cannot_be_used_fails_alone_with_its_message() {
    let bench = Bench::new();
    let memory = memory();
    let gone = Row {
        target: Target::Unusable("Storage with id '7' does not exist.".into()),
        ..remote_row("7", 1, memory.clone())
    };
    let rows = vec![local_row(1), gone, remote_row("8", 1, memory.clone())];
    let outcome = run(Job { rows, ..bench.job(&day(1)) }).await;
    assert_eq!(outcome.status, Status::Failed);
    let rows: Vec<_> = outcome.rows.iter().map(|r| (r.storage_id.as_str(), r.ok)).collect();
    assert_eq!(rows, [("local", true), ("7", false), ("8", true)]);
    assert_eq!(outcome.rows[1].message, "Storage with id '7' does not exist.");
    assert_eq!(memory.keys().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_cleared_up_at_a_destination_is_told() {
    let bench = Bench::new();
    let memory = memory();
    let broken = faulty(&memory, Fault::always(Op::Put, Effect::Fail(ErrorKind::Other)).on(MANIFEST));
    broken.plan(Fault::always(Op::Delete, Effect::Hang));
    let outcome = run(Job { rows: vec![remote_row("7", 1, broken)], ..bench.job(&day(1)) }).await;
    let message = &outcome.rows[0].message;
    assert!(message.contains("could not be removed there"), "{message}");
    assert!(message.contains(&format!("nightly/{}", copy_of(1))), "{message}");
}

/// A try before may have left a manifest, which would make a copy of archives that are being removed.
#[tokio::test]
async fn clearing_up_begins_with_a_manifest_that_a_try_before_has_left() {
    let bench = Bench::new();
    let memory = memory();
    for name in [MANIFEST, "files/files.tgz", "why-i-kept-this.txt"] {
        memory.put(&key(1, name), &crate::storage::BytesBody("older".into())).await.unwrap();
    }
    let broken =
        faulty(&memory, Fault::always(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)).on("files.tgz"));
    broken.plan(Fault::once(Op::Delete, Effect::Fail(ErrorKind::PermissionDenied)).on(MANIFEST));
    let job = || Job { rows: vec![remote_row("7", 1, broken.clone())], ..bench.job(&day(1)) };
    // It stays: so does what it stands for.
    let outcome = run(job()).await;
    assert!(outcome.rows[0].message.contains("could not be removed there"), "{}", outcome.rows[0].message);
    assert_eq!(broken.keys(Op::Delete), [key(1, MANIFEST)]);
    assert_eq!(memory.keys().len(), 3);
    fs::remove_dir_all(bench.folder()).unwrap();

    assert_eq!(run(job()).await.status, Status::Failed);
    assert_eq!(memory.keys(), [key(1, "why-i-kept-this.txt")]);
    assert_eq!(broken.keys(Op::Delete)[1..], [key(1, MANIFEST), key(1, "files/files.tgz")]);
    assert_eq!(broken.keys(Op::DeleteAll), [key(1, "files/files.tgz")]);
}

#[tokio::test]
async fn an_archive_that_changed_on_the_disk_is_not_uploaded_as_if_it_were_good() {
    let bench = Bench::new();
    let memory = memory();
    let path = bench.folder().join(copy_of(1)).join("files/files.tgz");
    let (events, _) = record(move |event| {
        if matches!(event, Event::Started { phase: Phase::Upload, .. }) {
            let mut bytes = fs::read(&path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(&path, bytes).unwrap();
        }
    });
    let job = Job { rows: vec![remote_row("7", 1, memory.clone())], ..bench.job(&day(1)) };
    let outcome = run_tuned(job, events, CancellationToken::new(), QUICK).await;
    assert_eq!(outcome.status, Status::Failed);
    assert!(outcome.rows[0].message.contains("was changed after it was made"), "{}", outcome.rows[0].message);
    assert_eq!(memory.keys(), Vec::<String>::new());
}

#[tokio::test]
async fn another_directory_can_be_a_destination_too() {
    let bench = Bench::new();
    let there = bench.dir.path().join("mounted disk");
    let job =
        |n| Job { rows: vec![remote_row("7", 1, Arc::new(LocalStorage::new(&there)))], ..bench.job(&day(n)) };
    for n in 1..=2 {
        assert_eq!(run(job(n)).await.status, Status::Success);
    }
    assert_eq!(names(&there.join("nightly")), [copy_of(2)], "swept, with its folders");
    assert_eq!(tree(&there.join("nightly").join(copy_of(2))), ["files/files.tgz", MANIFEST]);
}
