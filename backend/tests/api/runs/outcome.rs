//! Whole passes, as a client sees them.

use super::{request, runner};
use crate::support::{TestApp, files_only, make_store, monday};
use chrono::TimeDelta;
use contract::{
    BackupLog, BackupSetInput, BackupType, OverallStatus, RowStatus, StorageRow, StorageType, endpoints as ep,
};
use engine::demo::server::PrivateServer;
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use std::process::Command;
use std::time::Duration;
use storekeep::entity::storages;

async fn run(app: &TestApp, input: &BackupSetInput) -> BackupLog {
    let someone = runner(app).await;
    let id = app.set(input).await.id.to_string();
    let uri = format!("/api/v1/backups/{id}/runs?wait=60");
    app.call(&ep::RUN_BACKUP, &[&id]).query(&uri).by(&someone).send().await.is(200).ok()
}

#[actix_web::test]
async fn a_pass_succeeds_and_its_copy_restores() {
    let app = TestApp::with_store().await;
    let _work = app.work();
    let log = run(&app, &files_only("Nightly")).await;
    assert_eq!(log.overall_status, OverallStatus::Success, "{log:?}");
    assert_eq!(log.copy_path.as_deref(), Some("nightly/2026-03-02T10-00-00Z"));
    assert!(log.downloadable && !log.queued && log.error_message.is_none());
    assert_eq!(log.duration_sec, Some(0.0));
    let row = &log.storages[0];
    assert_eq!(
        (row.storage_id.as_str(), row.kind, row.status),
        ("local", StorageType::Local, RowStatus::Success)
    );
    let archive = app.archive_dir().join(log.copy_path.unwrap()).join("files/files.tgz");
    assert_eq!(log.files.len(), 1);
    assert_eq!(std::fs::metadata(&archive).unwrap().len(), log.files[0].size_bytes as u64);
    let restored = tempfile::tempdir().unwrap();
    let tar = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(restored.path()).status().unwrap();
    assert!(tar.success());
    let text = std::fs::read_to_string(restored.path().join("pub/index.php")).unwrap();
    assert_eq!(text, "<?php echo 'hello';\n");
    assert!(restored.path().join("var/cache").is_dir() && !restored.path().join("var/cache/x").exists());
    let set = app.app.backups.get(log.backup_id.unwrap()).await.unwrap();
    assert_eq!((set.last_status, set.last_log_id), (Some(OverallStatus::Success), Some(log.id)));
    assert_eq!((set.running_log_id, set.last_time), (None, Some(log.started_at)));
}

#[actix_web::test]
async fn of_two_types_the_one_that_fails_makes_the_pass_partial() {
    let app = TestApp::with_store().await;
    let _work = app.work();
    let both = vec![BackupType::Files, BackupType::Database];
    let log = run(&app, &BackupSetInput { backup_types: both, ..files_only("Nightly") }).await;
    assert_eq!(log.overall_status, OverallStatus::Partial, "{log:?}");
    assert_eq!(log.files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["files/files.tgz"]);
    assert!(log.warnings.iter().any(|w| w.message.contains("127.0.0.1")), "{:?}", log.warnings);
    assert!(log.downloadable);
}

#[actix_web::test]
async fn a_pass_without_any_archive_fails_and_leaves_nothing() {
    let app = TestApp::with_store().await;
    let _work = app.work();
    let database = vec![BackupType::Database];
    let log = run(&app, &BackupSetInput { backup_types: database, ..files_only("Nightly") }).await;
    assert_eq!(log.overall_status, OverallStatus::Failed);
    assert!(log.error_message.as_deref().unwrap().contains("127.0.0.1"), "{log:?}");
    assert_eq!((log.files.len(), log.copy_path, log.downloadable), (0, None, false));
    let left = std::fs::read_dir(app.archive_dir().join("nightly")).map_or(0, |d| d.count());
    assert_eq!(left, 0);
    let set = app.app.backups.get(log.backup_id.unwrap()).await.unwrap();
    assert_eq!(set.last_status, Some(OverallStatus::Failed));
}

#[actix_web::test]
async fn files_and_database_of_a_real_server_succeed() {
    let dir = tempfile::tempdir().unwrap();
    let server = PrivateServer::start(dir.path()).unwrap();
    let sql = "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, note TEXT); \
               INSERT INTO shop.orders VALUES (1, 'ÄÖÜ 🛒'), (2, NULL)";
    let mysql = Command::new("mysql")
        .args(["--no-defaults", "-uroot", "--default-character-set=utf8mb4", "-S"])
        .arg(server.socket())
        .args(["-e", sql])
        .status();
    assert!(mysql.unwrap().success());
    let app = TestApp::with_store().await;
    let place = format!("{}|shop", server.socket().display());
    make_store(app.dir.path(), Some(&place));
    let _work = app.work();
    let both = vec![BackupType::Files, BackupType::Database];
    let log = run(&app, &BackupSetInput { backup_types: both, ..files_only("Nightly") }).await;
    assert_eq!(log.overall_status, OverallStatus::Success, "{log:?}");
    let mut names: Vec<_> = log.files.iter().map(|f| f.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["db/db.sql.gz", "files/files.tgz"]);
    let dump = app.archive_dir().join(log.copy_path.unwrap()).join("db/db.sql.gz");
    let text = Command::new("gunzip").arg("-c").arg(dump).output().unwrap();
    assert!(text.status.success() && String::from_utf8_lossy(&text.stdout).contains("🛒"));
}

#[actix_web::test]
async fn a_dead_destination_fails_alone_and_names_itself() {
    let app = TestApp::with_store().await;
    let _work = app.work();
    let storage = storages::ActiveModel {
        enabled: Set(false),
        title: Set("Offsite".into()),
        title_key: Set("offsite".into()),
        kind: Set("dropbox".into()),
        client_id: Set("x".into()),
        path_style: Set(false),
        encryption: Set("none".into()),
        link_generation: Set(0),
        link_confirmed: Set(false),
        linked: Set(false),
        created_at: Set(monday()),
        updated_at: Set(monday()),
        revision: Set(1),
        ..Default::default()
    };
    let storage = storage.insert(&app.app.db).await.unwrap();
    let mut input = files_only("Nightly");
    let row = |id| StorageRow { storage_id: Some(id), enabled: true, keep_copies: 1, path: "x".into() };
    input.storages.push(row(storage.id));
    let log = run(&app, &input).await;
    assert_eq!(log.overall_status, OverallStatus::Failed);
    assert_eq!(log.error_message, None);
    let states: Vec<_> = log.storages.iter().map(|r| (r.title.as_str(), r.status)).collect();
    assert_eq!(states[0].1, RowStatus::Success);
    assert_eq!(states[1], ("Offsite", RowStatus::Failed));
    assert!(log.storages[1].message.contains("disabled"), "{}", log.storages[1].message);
    assert!(log.downloadable);
}

#[actix_web::test]
async fn retention_is_seen_in_logs_and_downloads() {
    let app = TestApp::with_store().await;
    let _work = app.work();
    let set = app.set(&files_only("Nightly")).await;
    let mut logs = Vec::new();
    for _ in 0..3 {
        logs.push(app.app.runs.start(request(set.id), Duration::from_secs(60)).await.unwrap());
        app.clock.advance(TimeDelta::hours(1));
    }
    let mut downloadable = Vec::new();
    for log in &logs {
        downloadable.push(app.app.logs.get(log.id).await.unwrap().downloadable);
    }
    assert_eq!(downloadable, [false, true, true]);
    assert!(!app.archive_dir().join(logs[0].copy_path.as_ref().unwrap()).exists());
}

#[actix_web::test]
async fn two_sets_run_one_after_the_other_unless_the_settings_allow_more() {
    let app = TestApp::with_store().await;
    let someone = runner(&app).await;
    let _work = app.work();
    let mut logs = Vec::new();
    for title in ["One", "Two", "Three"] {
        let id = app.set(&files_only(title)).await.id.to_string();
        logs.push(app.call(&ep::RUN_BACKUP, &[&id]).by(&someone).send().await.is(202).ok().id);
    }
    for log in logs {
        assert_eq!(app.ended(log).await.overall_status, OverallStatus::Success);
    }
}
