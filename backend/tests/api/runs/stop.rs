//! What happens to passes when the server stops.

use super::request;
use crate::support::{TestApp, files_only};
use contract::OverallStatus;
use engine::testing::until_told;
use std::time::{Duration, Instant};

#[actix_web::test]
async fn a_pass_that_does_not_end_in_time_is_marked_as_interrupted() {
    let app = TestApp::with_store().await;
    let set = app.set(&files_only("Nightly")).await;
    let work = app.work();
    let id = app.long_pass(&set).await;
    drop(work);
    let began = Instant::now();
    app.app.runs.stop(Duration::from_millis(50)).await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let log = app.app.logs.get(id).await.unwrap();
    assert_eq!(log.overall_status, OverallStatus::Failed);
    let message = log.error_message.unwrap();
    assert!(message.starts_with("interrupted: the server was stopped"), "{message}");
    let left = std::fs::read_dir(app.archive_dir().join("nightly")).map_or(0, |d| d.count());
    assert_eq!(left, 0);
}

#[actix_web::test]
async fn a_pass_that_ends_in_time_is_waited_for() {
    let app = TestApp::with_store().await;
    let set = app.set(&files_only("Nightly")).await;
    let log = app.app.runs.start(request(set.id), Duration::ZERO).await.unwrap();
    let work = app.work();
    until_told("the pass begins", async || !app.app.logs.get(log.id).await.unwrap().queued).await;
    drop(work);
    app.app.runs.stop(Duration::from_secs(60)).await;
    assert_eq!(app.app.logs.get(log.id).await.unwrap().overall_status, OverallStatus::Success);
}
