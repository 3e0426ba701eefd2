//! Trying again what failed of a pass.

use super::request;
use crate::storages::{create, input, keeper};
use crate::support::{CloudApp, Someone, config_with_store, files_only};
use chrono::TimeDelta;
use contract::{
    BackupLog, BackupSetInput, OverallStatus, ProblemCode, Resource, RowStatus, StorageRow, StorageType,
    Trigger, endpoints as ep,
};
use engine::storage::ErrorKind;
use engine::testing::fault::{Effect, Fault, FaultStorage, Op};
use engine::testing::until;
use sea_orm::EntityTrait;
use std::sync::Arc;
use std::time::Duration;
use storekeep::clock::Clock;
use storekeep::entity::{backups, uploads};
use storekeep::storages::{Pauses, Tidied};

const PATH: &str = "shop-backups/x";

/// A Set with S3 alone, whose first pass fails there.
struct Failed {
    app: CloudApp,
    runner: Someone,
    set: i64,
    log: BackupLog,
    place: Arc<FaultStorage>,
}

async fn failed(local: bool) -> Failed {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let runner = app.someone_with(&[Resource::Logs, Resource::Backups, Resource::BackupsRun]).await;
    let storage = create(&app, &someone, &input("Cold", StorageType::AmazonS3)).await.id;
    let row = StorageRow { storage_id: Some(storage), enabled: true, keep_copies: 2, path: PATH.into() };
    let mut set = BackupSetInput { retry_attempts: 2, ..files_only("Nightly") };
    if !local {
        set.storages.clear();
    }
    set.storages.push(row);
    let set = app.set(&set).await.id;
    let place = app.clouds.place("the-client-id", PATH);
    place.plan(Fault::always(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)));
    let _work = app.work();
    let log = app.app.runs.start(request(set), Duration::from_secs(60)).await.unwrap();
    assert_eq!(log.overall_status, OverallStatus::Failed);
    Failed { app, runner, set, log, place }
}

impl Failed {
    async fn retry(&self) -> BackupLog {
        let id = self.log.id;
        // The clock may have moved on since the other one signed in.
        let runner = self.app.someone_with(&[Resource::Backups, Resource::BackupsRun]).await;
        let ask = self.app.call(&ep::RETRY_LOG, &[&id.to_string()]).by(&runner);
        ask.query(&format!("/api/v1/logs/{id}/retry?wait=60")).send().await.ok()
    }
}

#[actix_web::test]
async fn the_row_that_failed_is_tried_from_the_kept_archives_and_the_log_goes_on() {
    let failed = failed(false).await;
    let (app, first) = (&failed.app, &failed.log);
    assert!(first.retryable && first.downloadable && first.retry_at.is_none(), "{first:?}");
    failed.place.heal();
    let _work = app.work();
    app.clock.advance(TimeDelta::hours(3));
    let log = failed.retry().await;
    assert_eq!((log.id, log.overall_status), (first.id, OverallStatus::Success), "{log:?}");
    assert_eq!(
        (log.started_at, &log.copy_path, &log.files),
        (first.started_at, &first.copy_path, &first.files)
    );
    assert!(log.duration_sec.unwrap() < 3600.0, "the time between the attempts does not count");
    assert!(log.warnings.iter().any(|w| w.code == "tried_again"), "{:?}", log.warnings);
    assert!(!log.downloadable && !log.retryable, "the staging copy has gone");
    let copy = log.copy_path.unwrap();
    let there = app.clouds.keys("the-client-id", PATH).await;
    assert_eq!(there, [format!("{copy}/files/files.tgz"), format!("{copy}/manifest.json")]);
    let set = app.app.backups.get(failed.set).await.unwrap();
    assert_eq!(set.last_status, Some(OverallStatus::Success));
    let runner = app.someone_with(&[Resource::Backups, Resource::BackupsRun]).await;
    let again = app.call(&ep::RETRY_LOG, &[&first.id.to_string()]).by(&runner).send().await;
    again.refused(ProblemCode::NothingToRetry);
    let unknown = app.call(&ep::RETRY_LOG, &["99"]).by(&runner).send().await;
    unknown.refused(ProblemCode::NotFound);
}

#[actix_web::test]
async fn rows_that_had_it_are_left_alone() {
    let failed = failed(true).await;
    let app = &failed.app;
    failed.place.heal();
    let _work = app.work();
    let log = failed.retry().await;
    let rows: Vec<_> = log.storages.iter().map(|row| (row.title.as_str(), row.status)).collect();
    assert_eq!(rows, [("Local", RowStatus::Success), ("Cold", RowStatus::Success)]);
    assert_eq!(log.storages[0], failed.log.storages[0]);
    assert!(log.downloadable);
}

#[actix_web::test]
async fn beside_another_pass_nothing_is_tried_again() {
    let failed = failed(true).await;
    let next = failed.app.app.runs.start(request(failed.set), Duration::ZERO).await.unwrap();
    let ask = failed.app.call(&ep::RETRY_LOG, &[&failed.log.id.to_string()]).by(&failed.runner);
    let problem = ask.send().await.refused(ProblemCode::AlreadyRunning);
    assert!(serde_json::to_string(&problem).unwrap().contains(&next.id.to_string()), "{problem:?}");
}

#[actix_web::test]
async fn a_scheduled_pass_is_tried_again_by_itself_as_often_as_its_set_wants() {
    let failed = failed(false).await;
    let app = &failed.app;
    let _work = app.work();
    let tick = async || app.app.scheduler.tick(app.clock.now()).await;
    // The slot: the manual pass before did not move it.
    tick().await;
    let page = app.call(&ep::LIST_LOGS, &[]).by(&failed.runner).send().await.ok();
    let log = page.items.iter().find(|log| log.trigger == Trigger::Schedule).unwrap().id;
    for attempt in 1..=2i64 {
        let ended = app.ended(log).await;
        let due = app.clock.now() + TimeDelta::minutes(10);
        assert_eq!((ended.overall_status, ended.retry_at), (OverallStatus::Failed, Some(due)), "{attempt}");
        app.clock.advance(TimeDelta::minutes(9));
        tick().await;
        assert_eq!(app.app.logs.get(log).await.unwrap().retry_at, Some(due), "not yet");
        app.clock.advance(TimeDelta::minutes(1));
        tick().await;
    }
    let ended = app.ended(log).await;
    assert_eq!(
        (ended.overall_status, ended.retry_at),
        (OverallStatus::Failed, None),
        "that was the last one"
    );
    assert_eq!(ended.warnings.iter().filter(|w| w.code == "tried_again").count(), 2);
}

/// The only copy there is stays, whatever the Set has become.
#[actix_web::test]
async fn without_its_destination_a_retry_loses_nothing() {
    let failed = failed(false).await;
    let app = &failed.app;
    let local = StorageRow { storage_id: None, enabled: true, keep_copies: 1, path: String::new() };
    let set = app.app.backups.get(failed.set).await.unwrap();
    let changed = BackupSetInput { storages: vec![local], ..files_only("Nightly") };
    app.app.backups.update(set.id, None, &changed).await.unwrap();
    let _work = app.work();
    let log = failed.retry().await;
    assert_eq!(log.overall_status, OverallStatus::Failed, "{log:?}");
    assert!(log.error_message.as_ref().unwrap().starts_with("None of the destinations"), "{log:?}");
    assert!(log.downloadable, "its archives are kept");
    assert!(app.archive_dir().join(log.copy_path.unwrap()).join("files/files.tgz").is_file());
}

/// Where the archives are gone, the next try by itself makes them anew instead of failing for ever.
#[actix_web::test]
async fn archives_that_are_gone_are_not_tried_again() {
    let failed = failed(true).await;
    let app = &failed.app;
    failed.place.heal();
    std::fs::remove_dir_all(app.archive_dir().join(failed.log.copy_path.as_ref().unwrap())).unwrap();
    // Nobody else has them either: the wait for such a server is over.
    app.clock.advance(TimeDelta::minutes(1));
    let id = failed.log.id;
    app.app.runs.retry(id).await.unwrap();
    app.clock.advance(TimeDelta::minutes(10));
    let _work = app.work();
    let log = app.ended(id).await;
    assert_eq!((log.overall_status, log.retryable, log.downloadable), (OverallStatus::Failed, false, false));
    assert!(log.error_message.as_ref().unwrap().contains("are not in the archive directory"), "{log:?}");
}

/// A pass of long ago says nothing of the Set as it is now.
#[actix_web::test]
async fn an_old_log_that_is_tried_again_does_not_turn_the_set_back() {
    let failed = failed(true).await;
    let app = &failed.app;
    failed.place.heal();
    let _work = app.work();
    app.clock.advance(TimeDelta::hours(30));
    let newer = app.app.runs.start(request(failed.set), Duration::from_secs(60)).await.unwrap();
    assert_eq!(newer.overall_status, OverallStatus::Success);
    failed.place.plan(Fault::always(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)));
    let log = failed.retry().await;
    assert_eq!(log.overall_status, OverallStatus::Failed, "{log:?}");
    let last_good = backups::Entity::find_by_id(failed.set).one(&app.app.db).await.unwrap().unwrap();
    assert_eq!(last_good.last_status.as_deref(), Some("success"));
    failed.place.heal();
    assert_eq!(failed.retry().await.overall_status, OverallStatus::Success);
    let last_good = backups::Entity::find_by_id(failed.set).one(&app.app.db).await.unwrap().unwrap();
    assert_eq!(last_good.last_good_at, Some(newer.started_at));
}

/// What an upload had sent when its server died is there for the retry, and nobody tidies it away before.
#[actix_web::test]
async fn after_a_crash_the_retry_goes_on_with_what_was_sent() {
    let Failed { app, set, place, .. } = failed(false).await;
    place.heal();
    // No two passes start at one instant.
    app.clock.advance(TimeDelta::seconds(1));
    // The archive arrives, then the server dies: the manifest never ends.
    place.plan(Fault::always(Op::Put, Effect::Hang).on("manifest.json"));
    let work = app.work();
    app.app.scheduler.tick(app.clock.now()).await;
    until("the manifest is sent", || {
        place.keys(Op::Put).last().is_some_and(|key| key.ends_with("manifest.json"))
    })
    .await;
    let copy = place.keys(Op::Put).pop().unwrap().replace("/manifest.json", "");
    drop(work);
    let CloudApp { server, clouds } = app;
    let dir = server.crash();
    let config = config_with_store(&dir, |_| {});
    let app = CloudApp::on(dir, config, Some(clouds)).await;
    // The pass still hangs in this process, so that only its lease tells that its server is gone.
    app.clock.advance(TimeDelta::seconds(61));
    app.app.runs.reap(app.clock.now()).await.unwrap();
    let log = app.app.backups.get(set).await.unwrap().last_log_id.unwrap();
    let ended = app.app.logs.get(log).await.unwrap();
    let message = ended.error_message.as_ref().unwrap();
    assert!(message.starts_with("interrupted") && message.contains("tried again by itself"), "{message}");
    assert!(!message.contains("removed"), "{message}");
    assert!(ended.retry_at.is_some(), "{ended:?}");
    assert_eq!(app.app.storages.tidy(&mut Pauses::new()).await.unwrap(), Tidied::default());
    let archive = format!("{copy}/files/files.tgz");
    assert_eq!(app.clouds.keys("the-client-id", PATH).await, std::slice::from_ref(&archive));
    place.heal();
    let _work = app.work();
    app.clock.advance(TimeDelta::minutes(10));
    app.app.scheduler.tick(app.clock.now()).await;
    let ended = app.ended(log).await;
    assert_eq!((ended.id, ended.overall_status), (log, OverallStatus::Success), "{ended:?}");
    let sent = place.keys(Op::Put).into_iter().filter(|key| *key == archive).count();
    assert_eq!(sent, 1, "what had arrived is not sent again");
    assert_eq!(app.clouds.keys("the-client-id", PATH).await, [archive, format!("{copy}/manifest.json")]);
    assert_eq!(uploads::Entity::find().all(&app.app.db).await.unwrap(), []);
}
