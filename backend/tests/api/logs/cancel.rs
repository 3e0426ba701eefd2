//! Ending passes early.

use super::request;
use crate::storages::{create, input, keeper};
use crate::support::{CloudApp, Someone, TestApp, files_only};
use contract::{
    BackupLog, BackupSetInput, OverallStatus, ProblemCode, Resource, RowStatus, StorageRow, StorageType,
    endpoints as ep,
};
use engine::testing::fault::{Effect, Fault, Op};
use engine::testing::until;
use sea_orm::EntityTrait;
use std::time::{Duration, Instant};
use storekeep::clock::Clock;
use storekeep::entity::{logs, settings, uploads};

async fn runner(app: &TestApp) -> Someone {
    app.someone_with(&[Resource::Logs, Resource::Backups, Resource::BackupsRun]).await
}

async fn reading(app: &TestApp) -> i64 {
    let set = app.set(&files_only("Nightly")).await;
    app.long_pass(&set).await
}

async fn cancel(app: &TestApp, someone: &Someone, id: i64) -> BackupLog {
    let ask = app.call(&ep::CANCEL_LOG, &[&id.to_string()]).by(someone);
    ask.query(&format!("/api/v1/logs/{id}/cancel?wait=30")).send().await.ok()
}

#[actix_web::test]
async fn a_running_pass_ends_within_seconds_and_says_who_wanted_it() {
    let app = TestApp::with_store().await;
    let someone = runner(&app).await;
    let _work = app.work();
    let id = reading(&app).await;
    let began = Instant::now();
    let log = cancel(&app, &someone, id).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!((log.overall_status, log.cancelling), (OverallStatus::Failed, false));
    let message = log.error_message.unwrap();
    assert!(message.starts_with(&format!("The pass was cancelled by {}.", someone.username)), "{message}");
    assert_eq!(std::fs::read_dir(app.archive_dir().join("nightly")).unwrap().count(), 0);
    // Once it has ended, there is nothing to cancel.
    let again = app.call(&ep::CANCEL_LOG, &[&id.to_string()]).by(&someone).send().await;
    again.refused(ProblemCode::NotRunning);
    let unknown = app.call(&ep::CANCEL_LOG, &["99"]).by(&someone).send().await;
    unknown.refused(ProblemCode::NotFound);
}

#[actix_web::test]
async fn a_pass_that_waits_ends_at_once() {
    let app = TestApp::with_store().await;
    let someone = runner(&app).await;
    let set = app.set(&files_only("Nightly")).await;
    let id = app.app.runs.start(request(set.id), Duration::ZERO).await.unwrap().id;
    let log = app.call(&ep::CANCEL_LOG, &[&id.to_string()]).by(&someone).send().await.ok();
    assert_eq!((log.overall_status, log.queued), (OverallStatus::Failed, false));
    assert_eq!(log.storages.len(), 1);
    assert!(log.storages[0].message.contains("cancelled before it began"), "{:?}", log.storages);
    assert_eq!(app.app.backups.get(set.id).await.unwrap().last_time, None, "it never began");
    // The Set is free.
    let _work = app.work();
    let next = app.app.runs.start(request(set.id), Duration::from_secs(60)).await.unwrap();
    assert_eq!(next.overall_status, OverallStatus::Success);
}

#[actix_web::test]
async fn another_server_that_runs_the_pass_hears_of_it() {
    let app = TestApp::with_store().await;
    let _work = app.work();
    let id = reading(&app).await;
    // As another server would: it knows the database alone.
    let asked = logs::ActiveModel {
        id: sea_orm::ActiveValue::Set(id),
        cancel_requested_at: sea_orm::ActiveValue::Set(Some(crate::support::monday())),
        cancelled_by: sea_orm::ActiveValue::Set(Some("grace".into())),
        ..Default::default()
    };
    sea_orm::ActiveModelTrait::update(asked, &app.app.db).await.unwrap();
    assert!(app.app.logs.get(id).await.unwrap().cancelling);
    let began = Instant::now();
    let log = app.app.logs.wait(id, Duration::from_secs(30)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(log.error_message.unwrap().contains("cancelled by grace"));
}

#[actix_web::test]
async fn an_upload_that_hangs_is_cancelled_and_leaves_nothing() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let runner = runner(&app).await;
    let _work = app.work();
    let storage = create(&app, &someone, &input("Cold", StorageType::AmazonS3)).await.id;
    let row = StorageRow {
        storage_id: Some(storage),
        enabled: true,
        keep_copies: 2,
        path: "shop-backups/x".into(),
    };
    let mut set = files_only("Nightly");
    set.storages.push(row);
    let set = app.set(&BackupSetInput { retry_attempts: 3, ..set }).await;
    let place = app.clouds.place("the-client-id", "shop-backups/x");
    place.plan(Fault::always(Op::Put, Effect::Hang).on("manifest.json"));
    // By schedule: only such a pass would be tried again by itself.
    app.app.scheduler.tick(app.clock.now()).await;
    let id = app.app.backups.get(set.id).await.unwrap().running_log_id.unwrap();
    until("the manifest is sent", || place.keys(Op::Put).iter().any(|key| key.ends_with("manifest.json")))
        .await;
    let began = Instant::now();
    let log = cancel(&app, &runner, id).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let rows: Vec<_> = log.storages.iter().map(|row| (row.storage_id.as_str(), row.status)).collect();
    assert_eq!(rows, [("local", RowStatus::Success), (&*storage.to_string(), RowStatus::Failed)]);
    assert_eq!(log.retry_at, None, "nobody who cancels a pass wants it again");
    assert_eq!(app.clouds.keys("the-client-id", "shop-backups/x").await, Vec::<String>::new());
    assert_eq!(uploads::Entity::find().all(&app.app.db).await.unwrap(), []);
    assert!(log.retryable, "the finished copy is kept");
}

#[actix_web::test]
async fn a_pass_that_takes_too_long_is_ended() {
    let app = TestApp::with_store().await;
    // Less than anybody can save, so that nobody waits for it here.
    let none = settings::ActiveModel {
        id: sea_orm::ActiveValue::Set(1),
        pass_time_limit_hours: sea_orm::ActiveValue::Set(0),
        ..Default::default()
    };
    sea_orm::ActiveModelTrait::update(none, &app.app.db).await.unwrap();
    let _work = app.work();
    let id = reading(&app).await;
    let log = app.app.logs.wait(id, Duration::from_secs(30)).await.unwrap();
    assert_eq!(log.overall_status, OverallStatus::Failed);
    let message = log.error_message.unwrap();
    assert!(message.starts_with("The pass took longer than the 0 hours"), "{message}");
}
