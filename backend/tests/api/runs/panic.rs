//! An error of the program itself, outside of the pipeline.

use super::request;
use crate::support::{TestApp, files_only, monday};
use chrono::{DateTime, Utc};
use contract::{OverallStatus, RowStatus};
use engine::testing::until_told;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use storekeep::clock::Clock;

/// Panics once, when it is told to.
#[derive(Default)]
struct Mine(AtomicBool);

impl Clock for Mine {
    fn now(&self) -> DateTime<Utc> {
        assert!(!self.0.swap(false, Ordering::SeqCst), "the clock broke, as it was told to");
        monday()
    }
}

#[actix_web::test]
async fn a_pass_that_panics_ends_and_leaves_room_for_the_next_one() {
    let clock = Arc::new(Mine::default());
    let app = TestApp::with_store_and_clock(clock.clone()).await;
    let file = std::fs::File::create(app.dir.path().join("store/pub/large.bin")).unwrap();
    file.set_len(64 << 20).unwrap();
    let set = app.set(&files_only("Nightly")).await;
    let log = app.app.runs.start(request(set.id), Duration::ZERO).await.unwrap();
    let work = app.work();
    until_told("the pass runs", async || {
        assert!(app.app.logs.get(log.id).await.unwrap().finished_at.is_none(), "it ended too early");
        app.app.logs.watch(log.id).is_some()
    })
    .await;
    // Nobody but the pass asks for the time from here on; it does at its end.
    drop(work);
    clock.0.store(true, Ordering::SeqCst);
    app.app.runs.stop(Duration::from_secs(60)).await;
    assert!(!clock.0.load(Ordering::SeqCst), "nothing panicked");
    let log = app.app.logs.get(log.id).await.unwrap();
    assert_eq!(log.overall_status, OverallStatus::Failed, "{log:?}");
    assert!(log.error_message.unwrap().contains("an error of Storekeep itself"));
    assert_eq!(log.storages[0].status, RowStatus::Failed);
}
