//! Requests that last: they end with the permission they were made with, and with the server.

use super::request;
use crate::support::{Answer, Someone, TestApp, files_only};
use chrono::TimeDelta;
use contract::{Grants, OverallStatus, ProblemCode, Resource, UserInput, endpoints as ep};
use futures_util::future::{Either, select};
use rstest::rstest;
use serde_json::Value;
use std::pin::pin;
use std::time::{Duration, Instant};

/// Far less than the requests ask for, and more than two looks at the permission.
const SOON: Duration = Duration::from_secs(20);

async fn watcher(app: &TestApp) -> Someone {
    app.someone_with(&[Resource::Logs, Resource::Backups, Resource::BackupsRun]).await
}

/// A pass that stays in the queue.
async fn queued(app: &TestApp) -> (i64, i64) {
    let set = app.set(&files_only("Nightly")).await.id;
    (set, app.app.runs.start(request(set), Duration::ZERO).await.unwrap().id)
}

/// The answer of a lasting request, during which something happens.
async fn during(app: &TestApp, someone: &Someone, uri: &str, event: impl AsyncFnOnce()) -> Answer<Value> {
    let method = if uri.contains("/runs") { "POST" } else { "GET" };
    let asked = pin!(app.raw(method, uri).by(someone).send());
    let happens = pin!(async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        event().await;
    });
    let asked = match select(asked, happens).await {
        Either::Left((answer, _)) => panic!("it was answered before: {} {}", answer.status, answer.text()),
        Either::Right(((), asked)) => asked,
    };
    tokio::time::timeout(SOON, asked).await.expect("it goes on")
}

async fn sign_out(app: &TestApp, someone: &Someone) {
    app.call(&ep::LOGOUT, &[]).by(someone).send().await.is(204);
}

async fn take_logs_away(app: &TestApp, someone: &Someone) {
    let role = app.app.users.get(someone.id).await.unwrap().role_id;
    let less = contract::RoleInput { name: format!("less{role}"), resources: vec![] };
    app.app.roles.update(&Grants::all(), role, &less, None).await.unwrap();
}

async fn disable(app: &TestApp, someone: &Someone) {
    let user = app.app.users.get(someone.id).await.unwrap();
    let input = UserInput { username: user.username, password: None, role_id: user.role_id, enabled: false };
    app.app.users.update(&Grants::all(), someone.id, &input, None).await.unwrap();
}

#[rstest]
#[case("/api/v1/logs/{log}?wait=120")]
#[case("/api/v1/backups/{other}/runs?wait=120")]
#[actix_web::test]
async fn who_waits_is_refused_once_the_permission_is_gone(#[case] uri: &str) {
    let app = TestApp::with_store().await;
    let (_, log) = queued(&app).await;
    for (title, code) in [
        ("A", ProblemCode::SessionEnded),
        ("B", ProblemCode::SessionEnded),
        ("C", ProblemCode::MissingResource),
    ] {
        let someone = watcher(&app).await;
        let other = app.set(&files_only(title)).await.id;
        let uri = uri.replace("{log}", &log.to_string()).replace("{other}", &other.to_string());
        let answer = during(&app, &someone, &uri, async || match title {
            "A" => sign_out(&app, &someone).await,
            "B" => disable(&app, &someone).await,
            _ => take_logs_away(&app, &someone).await,
        });
        answer.await.refused(code);
    }
}

#[actix_web::test]
async fn events_end_once_the_permission_is_gone() {
    let app = TestApp::with_store().await;
    let (_, log) = queued(&app).await;
    let uri = format!("/api/v1/logs/{log}/events");
    let someone = watcher(&app).await;
    let answer = during(&app, &someone, &uri, async || sign_out(&app, &someone).await).await;
    assert!(answer.text().starts_with("event: progress") && !answer.text().contains("event: log"));
    let someone = watcher(&app).await;
    let answer = during(&app, &someone, &uri, async || take_logs_away(&app, &someone).await).await;
    assert!(!answer.text().contains("event: log"));
    assert_eq!(app.app.logs.get(log).await.unwrap().overall_status, OverallStatus::Pending);
}

#[actix_web::test]
async fn all_of_them_end_at_once_when_the_server_stops() {
    let app = TestApp::with_store().await;
    let (_, log) = queued(&app).await;
    let someone = watcher(&app).await;
    let set = app.set(&files_only("Other")).await.id;
    let uris = [
        format!("/api/v1/logs/{log}?wait=120"),
        format!("/api/v1/backups/{set}/runs?wait=120"),
        format!("/api/v1/logs/{log}/events"),
    ];
    let method = |uri: &str| if uri.contains("/runs") { "POST" } else { "GET" };
    let asked = uris.iter().map(|uri| async {
        let answer = app.raw(method(uri), uri).by(&someone).send().await;
        assert!(app.stopping.is_cancelled(), "it was answered before: {}", answer.text());
        answer
    });
    let stop = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.stopping.cancel();
        Instant::now()
    };
    let (answers, stopped) = futures_util::future::join(futures_util::future::join_all(asked), stop).await;
    assert!(stopped.elapsed() < Duration::from_secs(2), "{:?}", stopped.elapsed());
    assert_eq!(answers.iter().map(|a| a.status).collect::<Vec<_>>(), [200, 202, 200]);
    for answer in &answers[..2] {
        assert_eq!(answer.ok()["overall_status"], "pending");
    }
}

/// Nobody is sent away in the middle because the access token is only good for a quarter of an hour.
#[actix_web::test]
async fn a_token_that_runs_out_meanwhile_ends_nothing() {
    let app = TestApp::with_store().await;
    let (_, log) = queued(&app).await;
    let someone = watcher(&app).await;
    let uri = format!("/api/v1/logs/{log}?wait=120");
    let asked = app.raw("GET", &uri).by(&someone).send();
    let happens = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.clock.advance(TimeDelta::minutes(16));
        // More than one look at the permission later.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let _work = app.work();
        app.ended(log).await;
    };
    let (answer, ()) = futures_util::future::join(asked, happens).await;
    assert_eq!(answer.is(200).ok()["overall_status"], "success");
    app.call(&ep::GET_ME, &[]).by(&someone).send().await.refused(ProblemCode::NotSignedIn);
}
