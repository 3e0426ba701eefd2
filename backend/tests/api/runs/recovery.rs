//! What a server does about the passes of the one before it.

use super::{request, storage};
use crate::support::{TestApp, config_with_store, files_only};
use chrono::TimeDelta;
use contract::{BackupSetInput, OverallStatus, RowStatus, StorageRow, StorageType};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel};
use std::time::Duration;
use storekeep::entity::logs;

/// Queues a pass and makes it look as if `owner` was running it when it died.
pub async fn left_behind(app: &TestApp, title: &str, owner: &str, lease: TimeDelta) -> i64 {
    left_behind_of(app, &files_only(title), owner, lease).await
}

pub async fn left_behind_of(app: &TestApp, input: &BackupSetInput, owner: &str, lease: TimeDelta) -> i64 {
    let set = app.set(input).await;
    let log = app.app.runs.start(request(set.id), Duration::ZERO).await.unwrap();
    let row = logs::Entity::find_by_id(log.id).one(&app.app.db).await.unwrap().unwrap();
    let mut row = row.into_active_model();
    row.owner = Set(Some(owner.into()));
    row.lease_until = Set(Some(log.started_at + lease));
    row.attempt = Set(1);
    row.update(&app.app.db).await.unwrap();
    log.id
}

pub fn owner_of(app: &TestApp) -> String {
    std::fs::read_to_string(app.dir.path().join("data/server.lock")).unwrap()
}

#[actix_web::test]
async fn the_next_start_ends_what_the_server_left_and_removes_what_is_half_made() {
    let app = TestApp::with_store().await;
    let log = left_behind(&app, "Nightly", &owner_of(&app), TimeDelta::seconds(60)).await;
    let folder = app.archive_dir().join("nightly");
    std::fs::create_dir_all(folder.join("2026-03-02T10-00-00Z.partial/files")).unwrap();
    std::fs::write(folder.join("2026-03-02T10-00-00Z.partial/files/files.tgz"), "half").unwrap();
    std::fs::create_dir_all(folder.join("notes")).unwrap();
    // A crash: nothing of the first server runs any more.
    let dir = app.crash();
    let config = config_with_store(&dir, |_| {});
    let app = TestApp::on(dir, config).await;
    app.app.runs.recover().await.unwrap();
    let log = app.app.logs.get(log).await.unwrap();
    assert_eq!(log.overall_status, OverallStatus::Failed);
    let message = log.error_message.unwrap();
    assert!(message.starts_with("interrupted") && message.contains("Run the Backup Set again"), "{message}");
    assert!(!folder.join("2026-03-02T10-00-00Z.partial").exists());
    assert!(folder.join("notes").exists());
    let set = app.app.backups.get(log.backup_id.unwrap()).await.unwrap();
    assert_eq!((set.last_status, set.running_log_id), (Some(OverallStatus::Failed), None));
    // It can run again.
    let _work = app.work();
    let next = app.app.runs.start(request(set.id), Duration::from_secs(60)).await.unwrap();
    assert_eq!(next.overall_status, OverallStatus::Success, "{next:?}");
}

#[actix_web::test]
async fn a_copy_that_was_sealed_before_the_crash_is_kept_and_known() {
    let app = TestApp::with_store().await;
    let work = app.work();
    let set = app.set(&files_only("Nightly")).await;
    let done = app.app.runs.start(request(set.id), Duration::from_secs(60)).await.unwrap();
    drop(work);
    // As if the server had died between sealing the copy and closing the log.
    use storekeep::entity::copies;
    copies::Entity::delete_many().exec(&app.app.db).await.unwrap();
    let row = logs::Entity::find_by_id(done.id).one(&app.app.db).await.unwrap().unwrap();
    let mut row = row.into_active_model();
    row.overall_status = Set("pending".into());
    row.active_key = Set(Some(set.id));
    row.lease_until = Set(Some(done.started_at));
    row.files = Set("[]".into());
    row.copy_path = Set(None);
    row.finished_at = Set(None);
    row.update(&app.app.db).await.unwrap();
    app.app.runs.recover().await.unwrap();
    let log = app.app.logs.get(done.id).await.unwrap();
    assert_eq!(log.overall_status, OverallStatus::Failed);
    assert_eq!((&log.files, &log.copy_path, log.downloadable), (&done.files, &done.copy_path, true));
    assert!(log.error_message.as_ref().unwrap().contains("The archives are kept"), "{log:?}");
    // The local destination has it; the pass as a whole was interrupted all the same.
    assert_eq!(log.storages.len(), 1);
    let (row, was) = (&log.storages[0], &done.storages[0]);
    assert_eq!((row.status, &row.storage_id, &row.title), (RowStatus::Success, &was.storage_id, &was.title));
    assert_eq!(row.bytes, was.bytes);
    assert!(row.message.contains(done.copy_path.as_ref().unwrap()), "{}", row.message);
}

#[actix_web::test]
async fn every_enabled_row_of_an_interrupted_pass_has_a_result() {
    let app = TestApp::with_store().await;
    let storage = storage(&app, "Offsite", true).await;
    let mut input = files_only("Nightly");
    let row = |enabled, path: &str| StorageRow {
        storage_id: Some(storage),
        enabled,
        keep_copies: 1,
        path: path.into(),
    };
    input.storages.extend([row(true, "x"), row(false, "y")]);
    let log = left_behind_of(&app, &input, &owner_of(&app), TimeDelta::seconds(60)).await;
    app.app.runs.recover().await.unwrap();
    let log = app.app.logs.get(log).await.unwrap();
    let rows: Vec<_> = log.storages.iter().map(|r| (r.title.as_str(), r.kind, r.status)).collect();
    let expected = [
        ("Local", StorageType::Local, RowStatus::Failed),
        ("Offsite", StorageType::Dropbox, RowStatus::Failed),
    ];
    assert_eq!(rows, expected);
    assert!(log.storages[0].message.contains("interrupted"), "{:?}", log.storages);
    // It is not linked, and could not have taken anything.
    assert!(log.storages[1].message.contains("Offsite"), "{:?}", log.storages);
}

#[actix_web::test]
async fn one_set_that_cannot_be_read_keeps_no_other_from_being_recovered() {
    let app = TestApp::with_store().await;
    let owner = owner_of(&app);
    let mut logs = Vec::new();
    for title in ["One", "Two", "Three"] {
        logs.push(left_behind(&app, title, &owner, TimeDelta::seconds(60)).await);
    }
    let set = app.app.logs.get(logs[0]).await.unwrap().backup_id.unwrap();
    let broken = format!("UPDATE backups SET backup_types = 'nonsense' WHERE id = {set}");
    app.app.db.execute_unprepared(&broken).await.unwrap();
    app.app.runs.recover().await.unwrap();
    for log in logs {
        let log = app.app.logs.get(log).await.unwrap();
        assert_eq!(log.overall_status, OverallStatus::Failed, "{log:?}");
        assert!(log.error_message.unwrap().starts_with("interrupted"));
    }
}

#[actix_web::test]
async fn the_pass_of_another_server_is_left_alone_until_its_lease_is_over() {
    let app = TestApp::with_store().await;
    let log = left_behind(&app, "Nightly", "another server", TimeDelta::seconds(60)).await;
    app.app.runs.recover().await.unwrap();
    assert_eq!(app.app.logs.get(log).await.unwrap().overall_status, OverallStatus::Pending);
    app.clock.advance(TimeDelta::seconds(61));
    app.app.scheduler.tick(storekeep::clock::Clock::now(&app.clock)).await;
    let log = app.app.logs.get(log).await.unwrap();
    assert_eq!(log.overall_status, OverallStatus::Failed);
    assert!(log.error_message.unwrap().starts_with("interrupted"));
}

#[actix_web::test]
async fn a_queued_pass_survives_the_restart() {
    let app = TestApp::with_store().await;
    let set = app.set(&files_only("Nightly")).await;
    let log = app.app.runs.start(request(set.id), Duration::ZERO).await.unwrap();
    app.app.runs.recover().await.unwrap();
    let _work = app.work();
    assert_eq!(app.ended(log.id).await.overall_status, OverallStatus::Success);
}
