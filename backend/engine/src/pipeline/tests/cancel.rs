use super::support::*;
use crate::event::{Event, Phase};
use crate::pipeline::{Job, Status, run_tuned};
use crate::storage::{MemoryStorage, StorageKind};
use crate::testing::fault::{Effect, Fault, FaultStorage, Op};
use rstest::rstest;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

#[rstest]
#[case(Phase::Preflight, false)]
#[case(Phase::Files, false)]
#[case(Phase::Seal, true)]
#[case(Phase::Retention, true)]
#[case(Phase::Upload, true)]
#[tokio::test]
async fn a_cancelled_pass_fails_and_leaves_nothing_half_made(#[case] phase: Phase, #[case] sealed: bool) {
    let bench = Bench::new();
    bench.file("pub/media/large.bin", vec![7; 20 << 20]);
    run(Job { rows: vec![local_row(1)], ..bench.job(&day(20)) }).await;
    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    let cancel = CancellationToken::new();
    let end = cancel.clone();
    let cancelled = Arc::new(OnceLock::new());
    let when = cancelled.clone();
    let (events, _) = record(move |event| {
        if matches!(event, Event::Started { phase: at, .. } if *at == phase) {
            when.get_or_init(Instant::now);
            end.cancel();
        }
    });
    let rows = vec![local_row(1), remote_row("7", 1, memory.clone())];
    let outcome = run_tuned(Job { rows, ..bench.job(&day(21)) }, events, cancel, QUICK).await;
    let took = cancelled.get().unwrap().elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(outcome.status, Status::Failed);
    assert!(outcome.error.as_ref().unwrap().contains("cancelled"), "{:?}", outcome.error);
    bench.assert_nothing_half_made();
    assert_eq!(memory.keys(), Vec::<String>::new(), "nothing half-made stays at the destination");
    assert_eq!(outcome.rows.len(), 2);
    assert!(!outcome.rows[1].ok);
    if sealed {
        // A finished copy is kept: it is good.
        assert!(bench.copies().contains(&copy_of(21)));
        assert!(outcome.rows[0].ok);
        assert!(outcome.rows[1].message.contains("cancelled"), "{}", outcome.rows[1].message);
        assert_eq!(outcome.copy_path, Some(format!("nightly/{}", copy_of(21))));
    } else {
        assert_eq!(bench.copies(), [copy_of(20)]);
        assert_eq!(outcome.copy_path, None);
        assert!(outcome.archives.is_empty());
    }
}

#[rstest]
#[case(Effect::Hang)]
#[case(Effect::Trickle(Duration::from_millis(50)))]
#[tokio::test]
async fn an_upload_is_cancelled_in_its_middle(#[case] effect: Effect) {
    let bench = Bench::new();
    let memory = Arc::new(MemoryStorage::new(StorageKind::OneDrive));
    let slow = Arc::new(FaultStorage::new(memory.clone(), vec![Fault::always(Op::Put, effect)]));
    let cancel = CancellationToken::new();
    let end = cancel.clone();
    // No local row: what could not be uploaded waits for a retry.

    bench.file("pub/media/noise.jpg", noise(4_000_000));
    let job = Job { rows: vec![remote_row("7", 1, slow)], ..bench.job(&day(21)) };
    let (events, _) = record(move |event| {
        if matches!(event, Event::Started { phase: Phase::Upload, .. }) {
            let end = end.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(120)).await;
                end.cancel();
            });
        }
    });
    let started = Instant::now();
    let outcome = run_tuned(job, events, cancel, QUICK).await;
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!((outcome.status, outcome.local_copy_kept), (Status::Failed, true));
    assert_eq!(outcome.rows[0].message, "The pass was cancelled.");
    assert_eq!(memory.keys(), Vec::<String>::new());
    assert_eq!(bench.copies(), [copy_of(21)]);
}

#[rstest]
#[tokio::test]
async fn a_panic_fails_the_pass_and_leaves_nothing_half_made(
    #[values(Phase::Preflight, Phase::Files, Phase::Seal, Phase::Retention, Phase::Upload)] phase: Phase,
) {
    let bench = Bench::new();
    run(bench.job(&day(20))).await;
    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    let (events, _) = record(move |event| {
        assert!(!matches!(event, Event::Started { phase: at, .. } if *at == phase), "a planned panic");
    });
    let rows = vec![local_row(3), remote_row("7", 1, memory.clone())];
    let outcome =
        run_tuned(Job { rows, ..bench.job(&day(21)) }, events, CancellationToken::new(), QUICK).await;
    assert_eq!(outcome.status, Status::Failed);
    assert!(outcome.error.as_ref().unwrap().contains("a planned panic"), "{:?}", outcome.error);
    bench.assert_nothing_half_made();
    assert!(bench.copies().contains(&copy_of(20)));
}
