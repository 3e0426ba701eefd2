//! The address of a Set that is called at the start and the end of each pass.

use super::{failing, run};
use crate::support::{Receiver, TestApp, files_only};
use contract::{BackupSetInput, OverallStatus};
use std::time::Duration;

async fn targets(receiver: &Receiver, count: usize) -> Vec<String> {
    let received = receiver.wait_for(count).await;
    assert!(received.iter().all(|r| r.method == "GET"));
    received.into_iter().map(|r| r.target).collect()
}

#[actix_web::test]
async fn the_start_is_told_before_the_end_and_the_query_stays() {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    let _work = app.work();
    let url = Some(receiver.url("/ping/abc?rid=7"));
    let set = app.set(&BackupSetInput { ping_url: url.clone(), ..files_only("Good") }).await.id;
    assert_eq!(run(&app, set).await.overall_status, OverallStatus::Success);
    assert_eq!(targets(&receiver, 2).await, ["/ping/abc/start?rid=7", "/ping/abc?rid=7"]);
    let set = app.set(&BackupSetInput { ping_url: url, ..failing("Bad") }).await.id;
    assert_eq!(run(&app, set).await.overall_status, OverallStatus::Failed);
    let expected = ["/ping/abc/start?rid=7", "/ping/abc/fail?rid=7"];
    assert_eq!(targets(&receiver, 4).await[2..], expected);
}

#[actix_web::test]
async fn a_service_that_is_away_or_leads_elsewhere_changes_nothing() {
    let app = TestApp::with_store().await;
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    receiver.answer(302, Some(elsewhere.url("/x")));
    let _work = app.work();
    let input = BackupSetInput { ping_url: Some(receiver.url("/p")), ..files_only("Good") };
    let set = app.set(&input).await.id;
    assert_eq!(run(&app, set).await.overall_status, OverallStatus::Success);
    // Both signs are tried three times, in order.
    let all = ["/p/start", "/p/start", "/p/start", "/p", "/p", "/p"];
    assert_eq!(targets(&receiver, 6).await, all);
    assert!(elsewhere.received().is_empty());
    let away = BackupSetInput { ping_url: Some("http://127.0.0.1:9/p".into()), ..files_only("Away") };
    let set = app.set(&away).await.id;
    assert_eq!(run(&app, set).await.overall_status, OverallStatus::Success);
}

#[actix_web::test]
async fn a_pass_that_a_crash_ended_is_told_by_the_next_server() {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    let input = BackupSetInput { ping_url: Some(receiver.url("/p")), ..files_only("Nightly") };
    crate::runs::left_behind_of(&app, &input, "somebody", chrono::TimeDelta::seconds(60)).await;
    app.clock.advance(chrono::TimeDelta::seconds(61));
    app.app.scheduler.tick(storekeep::clock::Clock::now(&app.clock)).await;
    assert_eq!(targets(&receiver, 1).await, ["/p/fail"]);
    app.app.alerts.finish(Duration::from_secs(5)).await;
}
