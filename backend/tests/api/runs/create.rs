use super::runner;
use crate::support::{TestApp, files_only};
use contract::{OverallStatus, ProblemCode, RunInput, Trigger, endpoints as ep};
use serde_json::json;
use std::collections::HashSet;

#[actix_web::test]
async fn a_pass_is_queued_with_its_log() {
    let app = TestApp::with_store().await;
    let someone = runner(&app).await;
    let set = app.set(&files_only("Nightly")).await;
    let input = RunInput { label: Some(" release 7 ".into()) };
    let answer = app.call(&ep::RUN_BACKUP, &[&set.id.to_string()]).by(&someone).body(&input).send().await;
    assert_eq!(answer.status, 202);
    let log = answer.ok();
    assert_eq!(answer.header("location"), Some(format!("/api/v1/logs/{}", log.id).as_str()));
    assert_eq!(
        (log.overall_status, log.queued, log.trigger),
        (OverallStatus::Pending, true, Trigger::Manual)
    );
    assert_eq!((log.backup_id, log.backup_title.as_str()), (Some(set.id), "Nightly"));
    assert_eq!(log.label.as_deref(), Some("release 7"));
    let set = app.app.backups.get(set.id).await.unwrap();
    assert_eq!((set.running_log_id, set.last_log_id, set.last_status), (Some(log.id), None, None));
}

#[actix_web::test]
async fn of_ten_requests_at_once_one_starts_a_pass() {
    let app = TestApp::with_store().await;
    let someone = runner(&app).await;
    let id = app.set(&files_only("Nightly")).await.id.to_string();
    let calls = (0..10).map(|_| app.call(&ep::RUN_BACKUP, &[&id]).by(&someone).send());
    let answers = futures_util::future::join_all(calls).await;
    let started: Vec<i64> = answers.iter().filter(|a| a.status == 202).map(|a| a.ok().id).collect();
    assert_eq!(started.len(), 1);
    let refused = answers.iter().filter(|a| a.status == 409);
    let named: Vec<_> = refused.map(|a| a.refused(ProblemCode::AlreadyRunning).log_id.unwrap()).collect();
    assert_eq!(named, [started[0]; 9]);
}

#[actix_web::test]
async fn one_idempotency_key_is_one_pass() {
    let app = TestApp::with_store().await;
    let someone = runner(&app).await;
    let id = app.set(&files_only("Nightly")).await.id.to_string();
    let keyed =
        |key: &'static str| app.call(&ep::RUN_BACKUP, &[&id]).by(&someone).header("idempotency-key", key);
    let answers = futures_util::future::join_all((0..5).map(|_| keyed("deploy-1").send())).await;
    let logs: HashSet<i64> = answers.iter().map(|a| a.is(202).ok().id).collect();
    assert_eq!(logs.len(), 1);
    keyed("deploy-2").send().await.refused(ProblemCode::AlreadyRunning);
    let _work = app.work();
    let log = app.ended(*logs.iter().next().unwrap()).await;
    // Afterwards, too, and whatever has changed since.
    let off =
        json!({"enabled": false, "time_zone": "UTC", "log_retention_days": 10, "max_parallel_passes": 1});
    let admin = app.administrator().await;
    app.call(&ep::SAVE_CONFIG, &[]).by(&admin).json(off).send().await.ok();
    assert_eq!(keyed("deploy-1").send().await.is(200).ok(), log);
    keyed("deploy-2").send().await.refused(ProblemCode::SwitchedOff);
    assert_eq!(keyed("white space").send().await.fields(), ["Idempotency-Key"]);
}

#[actix_web::test]
async fn a_request_may_wait_for_the_end() {
    let app = TestApp::with_store().await;
    let someone = runner(&app).await;
    let id = app.set(&files_only("Nightly")).await.id.to_string();
    let _work = app.work();
    let uri = format!("/api/v1/backups/{id}/runs?wait=60");
    let log = app.call(&ep::RUN_BACKUP, &[&id]).query(&uri).by(&someone).send().await.is(200).ok();
    assert_eq!(log.overall_status, OverallStatus::Success, "{log:?}");
    let uri = format!("/api/v1/backups/{id}/runs?wait=301");
    app.clock.advance(chrono::TimeDelta::minutes(1));
    app.call(&ep::RUN_BACKUP, &[&id]).query(&uri).by(&someone).send().await.is(200);
}

#[actix_web::test]
async fn what_cannot_run_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let someone = runner(&app).await;
    let id = app.set(&files_only("Nightly")).await.id.to_string();
    let run = |id: &str| app.call(&ep::RUN_BACKUP, &[id]).by(&someone);
    run(&id).send().await.refused(ProblemCode::NoSource);
    run("99").send().await.refused(ProblemCode::NotFound);
    assert_eq!(run(&id).json(json!({"lable": "x"})).send().await.fields(), ["lable"]);
    let long = RunInput { label: Some("x".repeat(201)) };
    assert_eq!(run(&id).body(&long).send().await.fields(), ["label"]);
}

#[actix_web::test]
async fn a_set_that_is_off_can_be_run_by_hand() {
    let app = TestApp::with_store().await;
    let someone = runner(&app).await;
    let mut input = files_only("Nightly");
    input.enabled = false;
    let id = app.set(&input).await.id.to_string();
    app.call(&ep::RUN_BACKUP, &[&id]).by(&someone).send().await.is(202);
}

#[actix_web::test]
async fn a_set_whose_pass_is_queued_cannot_be_deleted() {
    let app = TestApp::with_store().await;
    let someone = runner(&app).await;
    let id = app.set(&files_only("Nightly")).await.id.to_string();
    let log = app.call(&ep::RUN_BACKUP, &[&id]).by(&someone).send().await.ok();
    let delete = || app.call(&ep::DELETE_BACKUP, &[&id]).by(&someone);
    assert_eq!(delete().send().await.refused(ProblemCode::AlreadyRunning).log_id, Some(log.id));
    let _work = app.work();
    let log = app.ended(log.id).await;
    assert_eq!(delete().send().await.status, 204);
    // The record and the copy stay.
    let left = app.call(&ep::GET_LOG, &[&log.id.to_string()]).by(&someone).send().await.ok();
    assert_eq!((left.backup_id, left.backup_title.as_str(), left.downloadable), (None, "Nightly", true));
    assert!(app.archive_dir().join(left.copy_path.unwrap()).join("manifest.json").is_file());
}
