use crate::support::{Answer, PASSWORD, TestApp};
use chrono::TimeDelta;
use contract::endpoints as ep;
use contract::{LoginInput, ProblemCode, Resource, Session};
use serde_json::json;

fn input(username: &str, password: &str) -> LoginInput {
    LoginInput { username: username.into(), password: password.into() }
}

async fn login(app: &TestApp, username: &str, password: &str, from: &str) -> Answer<Session> {
    app.call(&ep::LOGIN, &[]).from(from).body(&input(username, password)).send().await
}

#[actix_web::test]
async fn the_session_says_what_it_allows_and_the_cookie_is_out_of_reach() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[Resource::Logs, Resource::Backups]).await;
    let answer = login(&app, &someone.username.to_uppercase(), PASSWORD, "127.0.0.1").await;
    let session = answer.ok();
    assert_eq!((session.token_type.as_str(), session.expires_in), ("Bearer", 900));
    assert_eq!(session.scopes, [Resource::Backups, Resource::Logs]);
    let cookie = answer.header("set-cookie").unwrap();
    for part in
        ["storekeep_refresh=", "HttpOnly", "Secure", "SameSite=Strict", "Path=/api/v1/auth", "Max-Age=604800"]
    {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let user = app.app.users.get(someone.id).await.unwrap();
    assert_eq!(user.last_sign_in_at, Some(crate::support::monday()));
}

#[actix_web::test]
async fn a_wrong_name_and_a_wrong_password_are_told_in_the_same_words() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[]).await;
    let wrong = login(&app, &someone.username, "a wrong guess", "127.0.0.1").await;
    let unknown = login(&app, "nobody-of-this-name", PASSWORD, "127.0.0.1").await;
    wrong.refused(ProblemCode::WrongCredentials);
    assert_eq!(wrong.text(), unknown.text());
    assert_eq!(wrong.header("set-cookie"), None);
}

/// What takes time at a sign-in is the comparison; its cost is the same for all.
#[actix_web::test]
async fn an_unknown_name_costs_as_much_as_a_wrong_password() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[]).await;
    for name in [someone.username.as_str(), "nobody-of-this-name"] {
        let before = app.app.auth.passwords_compared();
        login(&app, name, "a wrong guess", "198.51.100.1").await.is(401);
        assert_eq!(app.app.auth.passwords_compared() - before, 1, "{name}");
    }
}

#[actix_web::test]
async fn guessing_is_stopped_for_a_while_even_with_the_right_password() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[]).await;
    for _ in 0..5 {
        login(&app, &someone.username, "a wrong guess", "198.51.100.1").await.is(401);
    }
    let stopped = login(&app, &someone.username, PASSWORD, "198.51.100.1").await;
    stopped.refused(ProblemCode::TooManyAttempts);
    assert_eq!(stopped.header("retry-after"), Some("301"));
    login(&app, &someone.username, PASSWORD, "203.0.113.5").await.is(200);
    app.clock.advance(TimeDelta::seconds(301));
    login(&app, &someone.username, PASSWORD, "198.51.100.1").await.is(200);
}

#[actix_web::test]
async fn attempts_at_once_get_no_further_than_one_after_the_other() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[]).await;
    let attempts = (0..12).map(|_| login(&app, &someone.username, "a wrong guess", "198.51.100.1"));
    let answers = futures_util::future::join_all(attempts).await;
    assert_eq!(answers.iter().filter(|a| a.status == 401).count(), 5);
    assert_eq!(answers.iter().filter(|a| a.status == 429).count(), 7);
}

#[actix_web::test]
async fn a_client_cannot_choose_its_address() {
    let app = TestApp::start().await;
    for i in 0..5 {
        let forged = format!("192.0.2.{i}");
        let answer = app.call(&ep::LOGIN, &[]).from("198.51.100.1").header("x-forwarded-for", &forged);
        answer.body(&input("eve", "a wrong guess")).send().await.is(401);
    }
    login(&app, "eve", "a wrong guess", "198.51.100.1").await.is(429);
}

#[actix_web::test]
async fn behind_a_trusted_proxy_clients_are_told_apart() {
    let app = TestApp::with(|config| config.http.trusted_proxies = vec!["10.0.0.1".parse().unwrap()]).await;
    for i in 0..7 {
        let client = format!("192.0.2.{i}");
        let answer = app.call(&ep::LOGIN, &[]).from("10.0.0.1").header("x-forwarded-for", &client);
        answer.body(&input("eve", "a wrong guess")).send().await.is(401);
    }
}

#[actix_web::test]
async fn what_cannot_be_read_is_told_without_repeating_it() {
    let app = TestApp::start().await;
    let answer = app.call(&ep::LOGIN, &[]).json(json!({"username": "a", "passwort": "hunter2"})).send().await;
    assert_eq!(answer.fields(), ["passwort"]);
    let answer =
        app.call(&ep::LOGIN, &[]).json(json!({"username": "a", "password": ["hunter2"]})).send().await;
    assert_eq!(answer.fields(), ["password"]);
    assert!(!answer.text().contains("hunter2"));
}
