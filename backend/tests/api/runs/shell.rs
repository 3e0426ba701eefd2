//! Passes that are started by a command on the server.

use super::recovery::{left_behind, owner_of};
use crate::support::{TestApp, config_with_store, files_only};
use chrono::TimeDelta;
use contract::{OverallStatus, Trigger};
use std::sync::Arc;
use storekeep::app::App;
use storekeep::runs::{Error, Instance, Where};
use tempfile::TempDir;

/// A command beside, or after, the server of the folder.
async fn command(dir: &TempDir, clock: &storekeep::clock::TestClock) -> App {
    let instance = Instance::of_command(&dir.path().join("data")).unwrap();
    let config = config_with_store(dir, |_| {});
    App::assemble_as(instance, config, Arc::new(clock.clone())).await.unwrap()
}

#[actix_web::test]
async fn a_command_runs_the_pass_itself_when_no_server_does() {
    let app = TestApp::with_store().await;
    let set = app.set(&files_only("Nightly")).await;
    for name in [set.id.to_string(), "NIGHTLY".into(), "nightly".into()] {
        let log = app.app.runs.run_from_shell(&name, Some("v1".into()), Where::Here).await.unwrap();
        assert_eq!((log.overall_status, log.trigger), (OverallStatus::Success, Trigger::Cli), "{log:?}");
        assert_eq!((log.label.as_deref(), log.backup_id), (Some("v1"), Some(set.id)));
    }
}

#[actix_web::test]
async fn a_command_leaves_the_pass_to_the_server() {
    let app = TestApp::with_store().await;
    app.set(&files_only("Nightly")).await;
    let place = Where::Server { wait: false };
    let log = app.app.runs.run_from_shell("Nightly", None, place).await.unwrap();
    assert!(log.queued);
    let place = Where::Server { wait: true };
    let again = app.app.runs.run_from_shell("Nightly", None, place).await;
    assert!(matches!(again, Err(Error::AlreadyRunning { log_id }) if log_id == log.id), "{again:?}");
    let _work = app.work();
    app.ended(log.id).await;
    let log = app.app.runs.run_from_shell("Nightly", None, place).await.unwrap();
    assert_eq!(log.overall_status, OverallStatus::Success);
}

#[actix_web::test]
async fn a_name_that_means_nothing_is_told() {
    let app = TestApp::with_store().await;
    let error = app.app.runs.run_from_shell("Nobody", None, Where::Here).await.unwrap_err();
    assert!(error.to_string().contains("'Nobody'"), "{error}");
}

#[actix_web::test]
async fn a_command_needs_no_store_of_its_own_beside_a_server() {
    let app = TestApp::start().await;
    app.set(&files_only("Nightly")).await;
    let place = Where::Server { wait: false };
    assert!(app.app.runs.run_from_shell("Nightly", None, place).await.unwrap().queued);
    let alone = app.app.runs.run_from_shell("Nightly", None, Where::Here).await;
    assert!(matches!(alone, Err(Error::NoSource)), "{alone:?}");
}

#[actix_web::test]
async fn a_command_without_a_server_first_ends_what_a_dead_one_left() {
    let app = TestApp::with_store().await;
    let log = left_behind(&app, "Nightly", &owner_of(&app), TimeDelta::seconds(60)).await;
    let other = left_behind(&app, "Other", "a server elsewhere", TimeDelta::seconds(60)).await;
    let partial = app.archive_dir().join("nightly/2026-03-02T10-00-00Z.partial/files");
    std::fs::create_dir_all(&partial).unwrap();
    let clock = app.clock.clone();
    let dir = app.crash();
    let app = command(&dir, &clock).await;
    let done = app.runs.run_from_shell("Nightly", None, Where::Here).await.unwrap();
    assert_eq!(done.overall_status, OverallStatus::Success, "{done:?}");
    let log = app.logs.get(log).await.unwrap();
    assert!(log.error_message.unwrap().starts_with("interrupted"));
    assert!(!partial.exists());
    // Its lease is not over.
    assert_eq!(app.logs.get(other).await.unwrap().overall_status, OverallStatus::Pending);
    let busy = app.runs.run_from_shell("Other", None, Where::Here).await;
    assert!(matches!(busy, Err(Error::AlreadyRunning { log_id }) if log_id == other), "{busy:?}");
}

#[actix_web::test]
async fn the_pass_of_a_killed_command_is_ended_by_whoever_comes_next() {
    let app = TestApp::with_store().await;
    let data = app.dir.path().join("data");
    let (killed, living) = (Instance::of_command(&data).unwrap(), Instance::of_command(&data).unwrap());
    let minute = TimeDelta::seconds(60);
    let dead = left_behind(&app, "Nightly", killed.owner(), minute).await;
    let alive = left_behind(&app, "Other", living.owner(), minute).await;
    // What a kill leaves of it.
    let file = data.join("commands").join(killed.owner());
    assert!(file.exists());
    drop(killed);
    assert!(!file.exists());
    std::fs::write(&file, "").unwrap();
    let clock = app.clock.clone();
    let dir = app.crash();
    let app = command(&dir, &clock).await;
    let done = app.runs.run_from_shell("Nightly", None, Where::Here).await.unwrap();
    assert_eq!(done.overall_status, OverallStatus::Success, "{done:?}");
    assert!(app.logs.get(dead).await.unwrap().error_message.unwrap().starts_with("interrupted"));
    assert!(!file.exists());
    let busy = app.runs.run_from_shell("Other", None, Where::Here).await;
    assert!(matches!(busy, Err(Error::AlreadyRunning { log_id }) if log_id == alive), "{busy:?}");
    assert!(data.join("commands").join(living.owner()).exists());
}

#[actix_web::test]
async fn a_server_that_starts_ends_the_pass_of_a_killed_command() {
    let app = TestApp::with_store().await;
    let data = app.dir.path().join("data");
    let killed = uuid::Uuid::new_v4().to_string();
    std::fs::create_dir_all(data.join("commands")).unwrap();
    std::fs::write(data.join("commands").join(&killed), "").unwrap();
    let log = left_behind(&app, "Nightly", &killed, TimeDelta::seconds(60)).await;
    app.app.runs.recover().await.unwrap();
    assert_eq!(app.app.logs.get(log).await.unwrap().overall_status, OverallStatus::Failed);
}
