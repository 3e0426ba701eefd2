//! Passes that are started by a command on the server.

use crate::support::{TestApp, files_only};
use contract::{OverallStatus, Trigger};
use storekeep::runs::{Error, Where};

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
