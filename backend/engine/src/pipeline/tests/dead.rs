//! Destinations whose other side is dead, with the real drivers over real sockets.

use super::support::*;
use crate::pipeline::{Job, Status, run_tuned};
use crate::storage::oauth::{App, Grant};
use crate::storage::time::{SystemTime, Time};
use crate::storage::{MemorySessions, MemoryStorage, Secret, SharedStorage, StorageKind};
use crate::testing::clouds::Place;
use chrono::TimeDelta;
use rstest::rstest;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The four drivers, with this address instead of their providers'.
fn destinations(address: &str) -> Vec<(StorageKind, SharedStorage)> {
    use StorageKind::{AmazonS3, Dropbox, GoogleDrive, OneDrive};
    let storage = |kind| {
        let grant = Grant {
            access_token: Secret::new("access"),
            access_expires_at: SystemTime.now() + TimeDelta::hours(1),
            refresh_token: Secret::new("refresh"),
            generation: 1,
        };
        let app = App { client_id: "id".into(), client_secret: Secret::new("secret") };
        let place = Place { kind, url: address.into(), app, grant: Some(grant), region: "us-east-1".into() };
        let sessions = Arc::new(MemorySessions::default());
        (kind, place.cloud().unwrap().storage("shop-backups/x", sessions).unwrap())
    };
    [AmazonS3, GoogleDrive, OneDrive, Dropbox].map(storage).into()
}

#[rstest]
#[case::nobody_listens(false)]
#[case::somebody_listens_and_says_nothing(true)]
#[tokio::test]
async fn a_dead_provider_fails_its_row_in_time_and_delays_no_other(#[case] listens: bool) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let silence = if listens {
        // Whoever comes is let in, and held.
        Some(tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                held.push(stream);
            }
        }))
    } else {
        drop(listener);
        None
    };
    let good = Arc::new(MemoryStorage::new(StorageKind::Dropbox));
    let dead = destinations(&address);
    let mut rows: Vec<_> =
        dead.iter().map(|(kind, storage)| remote_row(&format!("{kind:?}"), 1, Arc::clone(storage))).collect();
    rows.push(remote_row("good", 1, good.clone()));
    rows.push(local_row(1));
    let began = Instant::now();
    let outcome =
        run_tuned(Job { rows, ..bench.job(&day(1)) }, record(|_| {}).0, CancellationToken::new(), QUICK)
            .await;
    let took = began.elapsed();
    if let Some(silence) = silence {
        silence.abort();
    }
    assert_eq!(outcome.status, Status::Failed);
    for row in &outcome.rows {
        let fine = matches!(row.storage_id.as_str(), "good" | "local");
        assert_eq!(row.ok, fine, "{}: {}", row.storage_id, row.message);
        if fine {
            assert!(row.seconds < QUICK.stall.as_secs_f64(), "{} took {} s", row.storage_id, row.seconds);
        } else {
            let why = if listens { "has not answered" } else { "reached" };
            assert!(row.message.contains(why), "{}: {}", row.storage_id, row.message);
        }
    }
    assert_eq!(good.keys().len(), 2);
    // Patience, what clearing up may take, and a machine that has other things to do.
    let bound = QUICK.stall + QUICK.clear_up + QUICK.grace + Duration::from_secs(3);
    assert!(took < bound, "the pass took {took:?}");
}
