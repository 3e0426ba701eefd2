//! Every problem of the table comes about, in the one form that problems have, and tells nothing that it should not.

use crate::support::{PASSWORD, SETUP_TOKEN, Someone, TestApp};
use async_trait::async_trait;
use contract::endpoints as ep;
use contract::{LoginInput, ProblemCode, Resource, SetupInput};
use sea_orm::ConnectionTrait;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use storekeep::http::{ApiError, Authenticate, Principal};

/// Codes that need a pass to come about, and the tests in which they do.
const ELSEWHERE: &[(ProblemCode, &str)] = &[
    (ProblemCode::AlreadyRunning, include_str!("runs/create.rs")),
    (ProblemCode::SwitchedOff, include_str!("runs/create.rs")),
    (ProblemCode::NoSource, include_str!("runs/create.rs")),
    (ProblemCode::NotRunning, include_str!("logs/cancel.rs")),
    (ProblemCode::NothingToRetry, include_str!("logs/retry.rs")),
    (ProblemCode::ArchiveGone, include_str!("logs/archives.rs")),
    (ProblemCode::NotFromHere, include_str!("metrics/mod.rs")),
    (ProblemCode::OtherAccount, include_str!("storages/update.rs")),
];

#[actix_web::test]
async fn every_code_of_the_table_comes_about() {
    let app = TestApp::start().await;
    let mut seen = BTreeSet::new();
    let mut note = |code: ProblemCode| {
        seen.insert(code.code());
    };
    for code in before_set_up(&app).await {
        note(code);
    }
    let admin = app.administrator().await;
    for code in by_the_administrator(&app, &admin).await {
        note(code);
    }
    for code in of_bodies(&app, &admin).await {
        note(code);
    }
    for code in of_a_broken_database(&app, &admin).await {
        note(code);
    }
    for (code, test) in ELSEWHERE {
        assert!(test.contains(&format!("refused(ProblemCode::{code:?})")), "no test expects {}", code.code());
        assert!(seen.insert(code.code()), "{} is produced here already", code.code());
    }
    for code in ProblemCode::ALL {
        assert!(seen.contains(code.code()), "nothing produces {}", code.code());
    }
}

async fn before_set_up(app: &TestApp) -> Vec<ProblemCode> {
    let wrong = SetupInput { token: "guess".into(), username: "eve".into(), password: PASSWORD.into() };
    let guess = app.call(&ep::SETUP, &[]).from("198.51.100.7").body(&wrong);
    let mut codes = vec![guess.send().await.problem().code];
    for _ in 0..5 {
        let login = LoginInput { username: "eve".into(), password: "guess".into() };
        let answer = app.call(&ep::LOGIN, &[]).from("198.51.100.7").body(&login).send().await;
        codes.push(answer.problem().code);
    }
    let login = LoginInput { username: "eve".into(), password: "guess".into() };
    let answer = app.call(&ep::LOGIN, &[]).from("198.51.100.7").body(&login).send().await;
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    codes.push(answer.problem().code);
    codes.push(app.call(&ep::REFRESH, &[]).send().await.problem().code);
    codes
}

async fn by_the_administrator(app: &TestApp, admin: &Someone) -> Vec<ProblemCode> {
    let again = SetupInput { token: SETUP_TOKEN.into(), username: "b".into(), password: PASSWORD.into() };
    let viewer = app.someone_with(&[Resource::Logs]).await;
    let roles = app.call(&ep::LIST_ROLES, &[]).by(admin).send().await.ok();
    let built_in = roles.items[0].id.to_string();
    let used = roles.items.iter().find(|r| !r.built_in).unwrap().id.to_string();
    let id = admin.id.to_string();
    let role = json!({"name": "x", "resources": []});
    let taken =
        json!({"username": "ADMIN", "password": PASSWORD, "role_id": roles.items[0].id, "enabled": true});
    let settings =
        json!({"enabled": true, "time_zone": "UTC", "log_retention_days": 10, "max_parallel_passes": 1});
    vec![
        app.call(&ep::SETUP, &[]).body(&again).send().await.problem().code,
        app.call(&ep::GET_CONFIG, &[]).send().await.problem().code,
        app.call(&ep::GET_CONFIG, &[]).by(&viewer).send().await.problem().code,
        app.call(&ep::GET_USER, &["999"]).by(admin).send().await.problem().code,
        app.raw("DELETE", "/api/v1/config").by(admin).send().await.problem().code,
        app.call(&ep::CREATE_USER, &[]).by(admin).json(taken).send().await.problem().code,
        app.call(&ep::DELETE_ROLE, &[&used]).by(admin).send().await.problem().code,
        app.call(&ep::UPDATE_ROLE, &[&built_in]).by(admin).json(role).send().await.problem().code,
        app.call(&ep::DELETE_USER, &[&id]).by(admin).send().await.problem().code,
        app.call(&ep::SAVE_CONFIG, &[])
            .by(admin)
            .header("if-match", "\"9\"")
            .json(settings)
            .send()
            .await
            .problem()
            .code,
    ]
}

async fn of_bodies(app: &TestApp, admin: &Someone) -> Vec<ProblemCode> {
    let save = || app.call(&ep::SAVE_CONFIG, &[]).by(admin);
    let text = save().bytes("{}").header("content-type", "text/plain");
    vec![
        save().bytes("{").send().await.problem().code,
        save().bytes("{}").send().await.problem().code,
        save().bytes(vec![b' '; storekeep::http::MAX_BODY + 1]).send().await.problem().code,
        text.send().await.problem().code,
    ]
}

/// What the database says stays in the log.
async fn of_a_broken_database(app: &TestApp, admin: &Someone) -> Vec<ProblemCode> {
    app.app.db.execute_unprepared("ALTER TABLE settings RENAME TO gone").await.unwrap();
    let broken = app.call(&ep::GET_CONFIG, &[]).by(admin).send().await;
    let problem = broken.refused(ProblemCode::Internal);
    assert_eq!(problem.request_id.as_deref(), broken.header("x-request-id"));
    for word in ["settings", "SELECT", "select", "sql", "table", "column"] {
        assert!(!broken.text().contains(word), "{} tells `{word}`", broken.text());
    }
    app.app.db.close_by_ref().await.unwrap();
    let unready = app.call(&ep::READYZ, &[]).send().await;
    assert_eq!(app.call(&ep::HEALTHZ, &[]).send().await.status, 200);
    vec![problem.code, unready.problem().code]
}

struct Panicking;

#[async_trait]
impl Authenticate for Panicking {
    async fn authenticate(&self, _: &str) -> Result<Principal, ApiError> {
        panic!("this tells a secret")
    }

    async fn authenticate_again(&self, bearer: &str) -> Result<Principal, ApiError> {
        self.authenticate(bearer).await
    }
}

#[actix_web::test]
async fn a_panic_is_answered_with_a_constant() {
    let app = TestApp::start_with_gateway(|gateway| gateway.authenticate = Arc::new(Panicking)).await;
    let answer = app.call(&ep::GET_ME, &[]).token("x").send().await;
    let problem = answer.refused(ProblemCode::Internal);
    assert_eq!(problem.request_id.as_deref(), answer.header("x-request-id"));
    assert!(problem.request_id.is_some() && !answer.text().contains("a secret"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(app.call(&ep::HEALTHZ, &[]).send().await.status, 200);
}
