use super::support::*;
use crate::archive::manifest::Manifest;
use crate::event::{Event, Phase};
use crate::pipeline::resume::resume_tuned;
use crate::pipeline::{Again, Job, Outcome, Row, Status, run_tuned};
use crate::policy::layout::MANIFEST;
use crate::storage::{ErrorKind, MemoryStorage, Storage, StorageKind};
use crate::testing::fault::{Effect, Fault, FaultStorage, Op};
use crate::testing::until;
use std::fs;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

fn place() -> (Arc<MemoryStorage>, Arc<FaultStorage>) {
    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    (memory.clone(), Arc::new(FaultStorage::new(memory, Vec::new())))
}

fn again(bench: &Bench, n: u32, rows: Vec<Row>) -> Again {
    let copy_path = format!("nightly/{}", copy_of(n));
    Again { archive_dir: bench.archive_dir(), copy_path, rows, suspend: CancellationToken::new() }
}

async fn resume(again: Again) -> Outcome {
    let (events, _) = record(|_| {});
    resume_tuned(again, events, CancellationToken::new(), QUICK).await
}

#[tokio::test]
async fn what_failed_arrives_from_the_kept_archives_and_the_staging_copy_goes() {
    let bench = Bench::new();
    let (memory, broken) = place();
    broken.plan(Fault::always(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)));
    let row = || remote_row("7", 1, broken.clone());
    let outcome = run(Job { rows: vec![row()], ..bench.job(&day(1)) }).await;
    assert_eq!((outcome.status, outcome.local_copy_kept), (Status::Failed, true));
    let archive = fs::read(bench.folder().join(copy_of(1)).join("files/files.tgz")).unwrap();
    // The store has changed since; what is sent is what was archived.
    bench.file("pub/media/new.jpg", "new");
    broken.heal();
    let outcome = resume(again(&bench, 1, vec![row()])).await;
    assert_eq!((outcome.status, outcome.complete, outcome.local_copy_kept), (Status::Success, true, false));
    assert!(outcome.rows[0].message.contains("Uploaded 1 archive"), "{}", outcome.rows[0].message);
    assert_eq!(outcome.swept, [format!("nightly/{}", copy_of(1))]);
    assert_eq!(bench.copies(), Vec::<String>::new());
    let key = |name: &str| format!("nightly/{}/{name}", copy_of(1));
    assert_eq!(memory.get(&key("files/files.tgz")).unwrap(), archive);
    let manifest = Manifest::read(&memory.get(&key(MANIFEST)).unwrap(), "nightly", &copy_of(1)).unwrap();
    assert!(manifest.complete && !manifest.staging);
}

#[tokio::test]
async fn the_sweep_of_a_row_that_is_tried_again_keeps_newer_copies() {
    let bench = Bench::new();
    let (memory, place) = place();
    place.plan(Fault::always(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)).times(2));
    let rows = || vec![local_row(9), remote_row("7", 2, place.clone())];
    assert_eq!(run(Job { rows: rows(), ..bench.job(&day(1)) }).await.status, Status::Failed);
    place.heal();
    for n in 2..=4 {
        assert_eq!(run(Job { rows: rows(), ..bench.job(&day(n)) }).await.status, Status::Success);
    }
    let outcome = resume(again(&bench, 1, vec![remote_row("7", 2, place.clone())])).await;
    assert_eq!((outcome.status, outcome.local_copy_kept), (Status::Success, true));
    let manifests = memory.keys().into_iter().filter(|key| key.ends_with(MANIFEST));
    let kept: Vec<String> = manifests.map(|key| key.split('/').nth(1).unwrap().to_owned()).collect();
    assert_eq!(kept, [copy_of(1), copy_of(3), copy_of(4)], "the two newest, and the one just made");
    assert_eq!(bench.copies().len(), 4, "the local row keeps its own");
}

#[tokio::test]
async fn without_its_archives_nothing_is_sent() {
    let bench = Bench::new();
    let (memory, place) = place();
    run(Job { rows: vec![local_row(9)], ..bench.job(&day(1)) }).await;
    let row = || remote_row("7", 1, place.clone());
    let outcome = resume(again(&bench, 2, vec![row()])).await;
    assert_eq!((outcome.status, outcome.rows[0].ok), (Status::Failed, false));
    assert!(outcome.error.unwrap().contains("are not in the archive directory of this server"));
    assert_eq!((outcome.swept, outcome.local_copy_kept), (vec![format!("nightly/{}", copy_of(2))], false));
    fs::write(bench.folder().join(copy_of(1)).join("files/files.tgz"), "cut").unwrap();
    let outcome = resume(again(&bench, 1, vec![row()])).await;
    assert!(outcome.rows[0].message.contains("not as it was made any more"), "{:?}", outcome.rows);
    assert_eq!(memory.keys(), Vec::<String>::new());
}

#[tokio::test]
async fn a_pass_that_is_suspended_leaves_what_was_sent_for_the_next_time() {
    let bench = Bench::new();
    bench.file("pub/media/noise.jpg", noise(3_000_000));
    let (memory, place) = place();
    // The first part arrives, the second one hangs.
    place.plan(Fault::always(Op::Put, Effect::Hang).on("files.tgz.002"));
    let (suspend, cancel) = (CancellationToken::new(), CancellationToken::new());
    let row = || remote_row("7", 1, place.clone());
    let job = Job { rows: vec![row()], part_size: 1 << 20, suspend: suspend.clone(), ..bench.job(&day(1)) };
    let (watched, stop) = (place.clone(), cancel.clone());
    let stopping = tokio::spawn(async move {
        until("the second part is sent", || watched.keys(Op::Put).iter().any(|key| key.ends_with(".002")))
            .await;
        suspend.cancel();
        stop.cancel();
    });
    let (events, _) = record(|_| {});
    let outcome = run_tuned(job, events, cancel, QUICK).await;
    stopping.await.unwrap();
    assert_eq!((outcome.status, outcome.local_copy_kept), (Status::Failed, true));
    assert_eq!(memory.keys(), [format!("nightly/{}/files/files.tgz.001", copy_of(1))], "it stays");
    place.heal();
    let outcome = resume(again(&bench, 1, vec![row()])).await;
    assert_eq!(outcome.status, Status::Success);
    assert_eq!(memory.keys().len(), outcome.archives.len() + 1);
}

#[tokio::test]
async fn going_on_can_be_cancelled_and_tells_how_far_it_is() {
    let bench = Bench::new();
    let (_, place) = place();
    place.plan(Fault::always(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)));
    let row = || remote_row("7", 1, place.clone());
    run(Job { rows: vec![row()], ..bench.job(&day(1)) }).await;
    place.heal();
    place.plan(Fault::always(Op::Put, Effect::Hang));
    let cancel = CancellationToken::new();
    let end = cancel.clone();
    let (events, seen) = record(move |event| {
        if matches!(event, Event::RowStarted { row: 0, .. }) {
            end.cancel();
        }
    });
    let outcome = resume_tuned(again(&bench, 1, vec![row()]), events, cancel, QUICK).await;
    assert_eq!((outcome.status, outcome.local_copy_kept), (Status::Failed, true));
    assert_eq!(outcome.error.as_deref(), Some("The pass was cancelled."));
    assert_eq!(phases(&seen.lock().unwrap()), [Phase::Upload]);
}

#[tokio::test]
async fn a_copy_that_had_arrived_is_left_alone_whatever_the_log_says() {
    let bench = Bench::new();
    let (memory, place) = place();
    let row = || remote_row("7", 1, place.clone());
    assert_eq!(
        run(Job { rows: vec![local_row(1), row()], ..bench.job(&day(1)) }).await.status,
        Status::Success
    );
    let (keys, puts) = (memory.keys(), place.keys(Op::Put).len());
    // Nothing could be put there now: it is not tried.
    place.plan(Fault::always(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)));
    let outcome = resume(again(&bench, 1, vec![row()])).await;
    assert_eq!((outcome.status, place.keys(Op::Put).len()), (Status::Success, puts));
    assert_eq!(memory.keys(), keys);
    // Something is missing of it: then it is sent.
    place.heal();
    memory.delete(&format!("nightly/{}/files/files.tgz", copy_of(1))).await.unwrap();
    assert_eq!(resume(again(&bench, 1, vec![row()])).await.status, Status::Success);
    assert_eq!((memory.keys(), place.keys(Op::Put).len()), (keys, puts + 2));
}

#[tokio::test]
async fn the_only_copy_stays_when_no_row_is_left_and_newer_ones_stay_when_an_old_one_arrives() {
    let bench = Bench::new();
    let (_, place) = place();
    place.plan(Fault::always(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)));
    let row = || remote_row("7", 1, place.clone());
    for n in 1..=2 {
        assert_eq!(run(Job { rows: vec![row()], ..bench.job(&day(n)) }).await.status, Status::Failed);
    }
    assert_eq!(bench.copies(), [copy_of(2)], "of complete ones the newest waits");
    let outcome = resume(again(&bench, 2, vec![])).await;
    assert_eq!((bench.copies(), outcome.local_copy_kept), (vec![copy_of(2)], true));
    // An incomplete one that is newer than the one that arrives.
    incomplete_pass(&bench, row()).await;
    let both = bench.copies();
    assert_eq!(both.len(), 2, "{both:?}");
    place.heal();
    assert_eq!(resume(again(&bench, 2, vec![row()])).await.status, Status::Success);
    assert_eq!(bench.copies(), [copy_of(3)]);
}

/// A pass on day 3 whose copy lacks the database.
async fn incomplete_pass(bench: &Bench, row: Row) {
    let outcome = run(Job { rows: vec![row], database: true, ..bench.job(&day(3)) }).await;
    assert_eq!((outcome.status, outcome.complete), (Status::Failed, false), "{outcome:?}");
}
