//! What is told, when, and how it gets there.

use super::{change, events, failing, inbox, outbox, run, saved, to_mail, to_webhook};
use crate::runs::{request, storage};
use crate::support::{MailServer, Receiver, TestApp, config_with_store, files_only};
use chrono::TimeDelta;
use contract::{BackupSetInput, BackupType, OverallStatus, Severity, StorageRow};
use serde_json::Value;
use std::time::Duration;
use storekeep::clock::Clock;

#[actix_web::test]
async fn failed_and_recovered_are_told_and_a_success_is_not() {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    saved(&app, to_webhook(&receiver)).await;
    let _work = app.work();
    let set = app.set(&files_only("Nightly")).await.id;
    run(&app, set).await;
    assert!(outbox(&app).await.is_empty() && inbox(&app).await.is_empty());

    change(&app, set, &failing("Nightly")).await;
    let log = run(&app, set).await;
    assert_eq!(log.overall_status, OverallStatus::Failed);
    assert_eq!(events(&app).await, ["failed"]);
    let notices = inbox(&app).await;
    assert_eq!((notices.len(), notices[0].severity), (1, Severity::Error));
    assert_eq!(notices[0].title, "Backup failed: Nightly");
    assert!(notices[0].message.contains("127.0.0.1"), "{notices:?}");
    let done = app.app.alerts.deliver().await.unwrap();
    assert_eq!((done.sent, done.failed), (1, 0));
    assert!(outbox(&app).await.is_empty());
    let request = receiver.received().remove(0);
    assert_eq!(request.headers["x-storekeep-event"], "failed");
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!((&body["backup"]["id"], &body["backup"]["title"]), (&set.into(), &"Nightly".into()));
    assert_eq!((&body["log"]["id"], &body["log"]["status"]), (&log.id.into(), &"failed".into()));
    assert_eq!(body["log"]["url"], format!("https://storekeep.example.org/logs/{}", log.id));
    assert!(body["message"].as_str().unwrap().contains(log.error_message.as_deref().unwrap()), "{body}");

    // Another failure is told again, and the inbox keeps one notice.
    run(&app, set).await;
    assert_eq!((events(&app).await.len(), inbox(&app).await.len()), (1, 1));
    change(&app, set, &files_only("Nightly")).await;
    run(&app, set).await;
    assert_eq!(events(&app).await, ["failed", "recovered"]);
    assert!(inbox(&app).await.is_empty());
    run(&app, set).await;
    assert_eq!(events(&app).await.len(), 2);
    assert_eq!(app.app.alerts.deliver().await.unwrap().sent, 2);
    assert!(receiver.received()[2].body.contains("Backup works again"));
}

#[actix_web::test]
async fn a_mail_says_what_failed_where_and_what_to_do() {
    let app = TestApp::with_store().await;
    let server = MailServer::start().await;
    saved(&app, to_mail(&server)).await;
    let _work = app.work();
    let offsite = storage(&app, "Offsite", true).await;
    let row = StorageRow { storage_id: Some(offsite), enabled: true, keep_copies: 1, path: "x".into() };
    let mut input = files_only("Nightly");
    input.storages.push(row);
    let set = app.set(&input).await.id;
    let log = run(&app, set).await;
    assert_eq!(app.app.alerts.deliver().await.unwrap().sent, 1);
    let mail = server.mails().remove(0);
    // Long lines are folded by their encoding.
    let text = mail.data.replace("=\r\n", "");
    assert!(text.contains("Subject: [Storekeep] Backup failed: Nightly\r\n"), "{text}");
    assert!(
        text.contains("Destination 'Offsite'") && text.contains("try the failed destinations again"),
        "{text}"
    );
    assert!(!text.contains("Destination 'Local'"), "{text}");
    assert!(text.contains(&format!("https://storekeep.example.org/logs/{}", log.id)), "{text}");
}

#[actix_web::test]
async fn an_incomplete_copy_is_told_as_such() {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    saved(&app, to_webhook(&receiver)).await;
    let _work = app.work();
    let both = vec![BackupType::Files, BackupType::Database];
    let set = app.set(&BackupSetInput { backup_types: both, ..files_only("Nightly") }).await.id;
    assert_eq!(run(&app, set).await.overall_status, OverallStatus::Partial);
    assert_eq!(events(&app).await, ["partial"]);
    assert_eq!(inbox(&app).await[0].severity, Severity::Warning);
}

#[actix_web::test]
async fn what_somebody_cancelled_is_not_told() {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    saved(&app, to_webhook(&receiver)).await;
    let set = app.set(&files_only("Nightly")).await.id;
    // One that waits.
    let log = app.app.runs.start(request(set), Duration::ZERO).await.unwrap();
    app.app.runs.cancel(log.id, "ada").await.unwrap();
    assert_eq!(app.ended(log.id).await.overall_status, OverallStatus::Failed);
    // One that runs.
    let _work = app.work();
    app.clock.advance(TimeDelta::seconds(1));
    let running = app.long_pass(&app.app.backups.get(set).await.unwrap()).await;
    app.app.runs.cancel(running, "ada").await.unwrap();
    assert_eq!(app.ended(running).await.overall_status, OverallStatus::Failed);
    assert!(outbox(&app).await.is_empty() && inbox(&app).await.is_empty());
    // Nothing was told, so there is nothing to recover from.
    std::fs::remove_file(app.dir.path().join("store/pub/large.bin")).unwrap();
    assert_eq!(run(&app, set).await.overall_status, OverallStatus::Success);
    assert!(outbox(&app).await.is_empty());
}

#[actix_web::test]
async fn a_failure_that_is_tried_again_is_told_when_nothing_is_left_to_try() {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    saved(&app, to_webhook(&receiver)).await;
    let _work = app.work();
    app.set(&BackupSetInput { retry_attempts: 1, retry_delay_min: 5, ..failing("Hourly") }).await;
    let tick = async || {
        app.app.scheduler.tick(app.clock.now()).await;
        let newest = app.app.logs.list(&Default::default()).await.unwrap().items.remove(0);
        app.ended(newest.id).await
    };
    assert!(tick().await.retry_at.is_some());
    assert!(outbox(&app).await.is_empty() && inbox(&app).await.is_empty());
    app.clock.advance(TimeDelta::minutes(5));
    assert_eq!(tick().await.retry_at, None);
    assert_eq!(events(&app).await, ["failed"]);
}

#[actix_web::test]
async fn messages_survive_a_restart() {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    saved(&app, to_webhook(&receiver)).await;
    let work = app.work();
    let set = app.set(&failing("Nightly")).await.id;
    run(&app, set).await;
    drop(work);
    let dir = app.crash();
    let config = config_with_store(&dir, |_| {});
    let app = TestApp::on(dir, config).await;
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(app.app.alerts.deliver().await.unwrap().sent, 1);
    assert!(receiver.received()[0].headers["x-storekeep-signature"].contains("v1="));
}

#[actix_web::test]
async fn of_two_servers_one_sends() {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    saved(&app, to_webhook(&receiver)).await;
    let _work = app.work();
    let set = app.set(&failing("Nightly")).await.id;
    for _ in 0..3 {
        run(&app, set).await;
    }
    let database = app.app.config.data.database_url();
    let key = app.dir.path().join("data/key");
    let other = TestApp::with(|config| {
        config.data.database_url = Some(database);
        config.keys.encryption_key_file = Some(key);
    })
    .await;
    other.clock.set(app.clock.now());
    let (one, two) = tokio::join!(app.app.alerts.deliver(), other.app.alerts.deliver());
    assert_eq!(one.unwrap().sent + two.unwrap().sent, 3);
    assert_eq!(receiver.received().len(), 3);
    let mut ids: Vec<_> =
        receiver.received().into_iter().map(|r| r.headers["x-storekeep-delivery"].clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[actix_web::test]
async fn the_loop_sends_at_once_and_ends_when_it_is_told_to() {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    saved(&app, to_webhook(&receiver)).await;
    let _work = app.work();
    let stop = tokio_util::sync::CancellationToken::new();
    let sending = tokio::spawn(app.app.alerts.clone().keep_delivering(stop.clone()));
    let set = app.set(&failing("Nightly")).await.id;
    run(&app, set).await;
    receiver.wait_for(1).await;
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(10), sending).await.unwrap().unwrap();
}

#[actix_web::test]
async fn what_is_over_does_not_wait_for_a_channel_that_was_switched_off() {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    saved(&app, to_webhook(&receiver)).await;
    let _work = app.work();
    let set = app.set(&failing("Nightly")).await.id;
    run(&app, set).await;
    let mut off = to_webhook(&receiver);
    off["webhook"]["enabled"] = false.into();
    saved(&app, off).await;
    assert_eq!(app.app.alerts.deliver().await.unwrap().sent, 0);
    assert!(outbox(&app).await.is_empty() && receiver.received().is_empty());
}
