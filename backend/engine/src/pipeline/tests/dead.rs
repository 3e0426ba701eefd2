//! Destinations whose other side is dead, with the real drivers over real sockets.

use super::support::*;
use crate::pipeline::{Job, Status, run_tuned};
use crate::storage::account::{Account, GrantStore};
use crate::storage::amazon_s3::{AmazonS3, Settings};
use crate::storage::dropbox::{self, Dropbox};
use crate::storage::google_drive::{self, GoogleDrive};
use crate::storage::http::{Http, base_url};
use crate::storage::oauth::{App, Grant, Provider};
use crate::storage::one_drive::{self, OneDrive};
use crate::storage::time::{SystemTime, Time};
use crate::storage::{Cloud, MemorySessions, MemoryStorage, Result, Secret, SharedStorage, StorageKind};
use chrono::TimeDelta;
use rstest::rstest;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

struct Granted;

#[async_trait::async_trait]
impl GrantStore for Granted {
    async fn load(&self) -> Result<Grant> {
        Ok(Grant {
            access_token: Secret::new("access"),
            access_expires_at: SystemTime.now() + TimeDelta::hours(1),
            refresh_token: Secret::new("refresh"),
            generation: 1,
        })
    }

    async fn save(&self, _: &Grant) -> Result<bool> {
        Ok(true)
    }

    async fn lost(&self, _: &str) {}

    async fn works(&self) {}
}

/// The four drivers, with this address instead of their providers'.
fn destinations(address: &str) -> Vec<(StorageKind, SharedStorage)> {
    let base = base_url(address).unwrap();
    let account = |provider: Provider| {
        let app = App { client_id: "id".into(), client_secret: Secret::new("secret") };
        Account::new(Http::new().unwrap(), Arc::new(SystemTime), provider, app, Arc::new(Granted))
    };
    let s3 = Settings {
        access_key_id: "AKIA".into(),
        secret_access_key: Secret::new("secret"),
        region: "us-east-1".into(),
        endpoint: Some(base.clone()),
        path_style: true,
        storage_class: None,
        encryption: None,
    };
    let base = Some(&base);
    let clouds: [Arc<dyn Cloud>; 4] = [
        AmazonS3::new(s3, Arc::new(SystemTime)).unwrap(),
        GoogleDrive::new(account(google_drive::provider(base)), base),
        OneDrive::new(account(one_drive::provider(base, None)), base),
        Dropbox::new(account(dropbox::provider(base)), base),
    ];
    let storage = |cloud: Arc<dyn Cloud>| {
        (cloud.kind(), cloud.storage("shop-backups/x", Arc::new(MemorySessions::default())).unwrap())
    };
    clouds.into_iter().map(storage).collect()
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
