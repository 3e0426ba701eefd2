use crate::support::{Answer, PASSWORD, SETUP_TOKEN, TestApp, config_in};
use contract::endpoints as ep;
use contract::{ProblemCode, Resource, Session, SetupInput};
use serde_json::json;

fn input(token: &str, username: &str) -> SetupInput {
    SetupInput { token: token.into(), username: username.into(), password: PASSWORD.into() }
}

#[actix_web::test]
async fn the_token_makes_the_first_administrator_and_signs_them_in() {
    let app = TestApp::start().await;
    let answer = app.call(&ep::SETUP, &[]).body(&input(SETUP_TOKEN, "Root")).send().await;
    answer.is(201);
    let session = answer.ok();
    assert_eq!(session.scopes, Resource::ALL);
    let me = app.call(&ep::GET_ME, &[]).token(&session.access_token).send().await.ok();
    assert_eq!((me.username.as_str(), me.role.as_str()), ("Root", "Administrator"));
    assert!(answer.cookie("storekeep_refresh").is_some());
}

#[actix_web::test]
async fn it_works_once() {
    let app = TestApp::start().await;
    app.administrator().await;
    let again = app.call(&ep::SETUP, &[]).body(&input(SETUP_TOKEN, "second")).send().await;
    again.refused(ProblemCode::AlreadySetUp);
    let guess = app.call(&ep::SETUP, &[]).body(&input("guess", "second")).send().await;
    guess.refused(ProblemCode::AlreadySetUp);
}

#[actix_web::test]
async fn a_wrong_token_is_refused_and_guessing_is_limited() {
    let app = TestApp::start().await;
    let guess = || app.call(&ep::SETUP, &[]).from("198.51.100.1").body(&input("guess", "eve"));
    for _ in 0..5 {
        guess().send().await.refused(ProblemCode::WrongSetupToken);
    }
    guess().send().await.refused(ProblemCode::TooManyAttempts);
    let right = app.call(&ep::SETUP, &[]).from("203.0.113.1").body(&input(SETUP_TOKEN, "root")).send().await;
    right.is(201);
}

#[actix_web::test]
async fn of_many_that_race_one_becomes_administrator() {
    let app = TestApp::start().await;
    let attempts = (0..8).map(|i| {
        let peer = format!("203.0.113.{i}");
        app.call(&ep::SETUP, &[]).from(&peer).body(&input(SETUP_TOKEN, &format!("admin{i}"))).send()
    });
    let answers: Vec<Answer<Session>> = futures_util::future::join_all(attempts).await;
    let made = answers.iter().filter(|a| a.status == 201).count();
    assert_eq!(made, 1);
    for answer in answers.iter().filter(|a| a.status != 201) {
        answer.refused(ProblemCode::AlreadySetUp);
    }
    let admin = answers.iter().find(|a| a.status == 201).unwrap().ok();
    let users = app.call(&ep::LIST_USERS, &[]).token(&admin.access_token).send().await.ok();
    assert_eq!(users.total, 1);
}

#[actix_web::test]
async fn every_wrong_field_is_named() {
    let app = TestApp::start().await;
    let bad = json!({"token": "", "username": "a b", "password": "short"});
    let answer = app.call(&ep::SETUP, &[]).json(bad).send().await;
    answer.refused(ProblemCode::Invalid);
    assert_eq!(answer.fields(), ["password", "token", "username"]);
}

#[actix_web::test]
async fn a_token_of_the_data_directory_is_kept_until_it_is_used_and_not_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("data/setup-token");
    let mut config = config_in(&dir);
    config.keys.setup_token = None;
    let app = TestApp::on(dir, config.clone()).await;
    let token = std::fs::read_to_string(&file).unwrap();
    app.call(&ep::SETUP, &[])
        .body(&input(SETUP_TOKEN, "eve"))
        .send()
        .await
        .refused(ProblemCode::WrongSetupToken);
    app.call(&ep::SETUP, &[]).body(&input(token.trim(), "root")).send().await.is(201);
    assert!(!file.exists());
    let dir = app.stop().await;
    let app = TestApp::on(dir, config).await;
    assert!(!file.exists());
    app.sign_in("root", PASSWORD).await;
}
