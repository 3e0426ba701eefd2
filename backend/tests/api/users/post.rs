use super::{input, role_id};
use crate::support::{PASSWORD, TestApp};
use contract::endpoints as ep;
use contract::{ProblemCode, Resource, UserInput};
use serde_json::json;

#[actix_web::test]
async fn a_new_user_can_sign_in() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let ci = role_id(&app, &admin, "CI").await;
    let answer = app.call(&ep::CREATE_USER, &[]).by(&admin).body(&input("deploy@shop", ci)).send().await;
    answer.is(201);
    let user = answer.ok();
    assert_eq!(answer.header("location"), Some(format!("/api/v1/users/{}", user.id).as_str()));
    assert_eq!((user.role.as_str(), user.revision, user.last_sign_in_at), ("CI", 1, None));
    let someone = app.sign_in("deploy@shop", PASSWORD).await;
    let me = app.call(&ep::GET_ME, &[]).by(&someone).send().await.ok();
    assert_eq!(me.resources, [Resource::Backups, Resource::BackupsRun, Resource::Logs]);
}

#[actix_web::test]
async fn a_name_is_taken_whatever_its_case() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let ci = role_id(&app, &admin, "CI").await;
    for name in ["admin", "ADMIN", "Admin"] {
        let answer = app.call(&ep::CREATE_USER, &[]).by(&admin).body(&input(name, ci)).send().await;
        answer.refused(ProblemCode::Taken);
        assert_eq!(answer.fields(), ["username"]);
    }
}

#[actix_web::test]
async fn every_wrong_field_is_named() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let ci = role_id(&app, &admin, "CI").await;
    let good = json!({"username": "carl", "password": PASSWORD, "role_id": ci, "enabled": true});
    let cases = [
        ("username", json!("")),
        ("username", json!("a b")),
        ("username", json!("x".repeat(65))),
        ("password", json!("short")),
        ("password", json!(null)),
        ("role_id", json!(999)),
        ("role_id", json!("CI")),
        ("enabled", json!(1)),
        ("is_admin", json!(true)),
    ];
    for (field, value) in cases {
        let mut body = good.clone();
        body[field] = value;
        let answer = app.call(&ep::CREATE_USER, &[]).by(&admin).json(body.clone()).send().await;
        answer.refused(ProblemCode::Invalid);
        assert_eq!(answer.fields(), [field], "{body}");
    }
}

#[actix_web::test]
async fn nobody_gives_away_more_than_they_hold() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let clerk = app.someone_with(&[Resource::Users, Resource::Logs]).await;
    let administrator = role_id(&app, &admin, "Administrator").await;
    let answer =
        app.call(&ep::CREATE_USER, &[]).by(&clerk).body(&input("puppet", administrator)).send().await;
    assert_eq!(answer.refused(ProblemCode::MissingResource).resource.as_deref(), Some("config"));
    let own = app.app.users.get(clerk.id).await.unwrap().role_id;
    app.call(&ep::CREATE_USER, &[]).by(&clerk).body(&input("helper", own)).send().await.is(201);
    // Nor do they take over somebody who holds more.
    let takeover =
        UserInput { password: Some("taken over by a clerk".into()), ..input("admin", administrator) };
    let id = admin.id.to_string();
    app.call(&ep::UPDATE_USER, &[&id])
        .by(&clerk)
        .body(&takeover)
        .send()
        .await
        .refused(ProblemCode::MissingResource);
    app.call(&ep::DELETE_USER, &[&id]).by(&clerk).send().await.refused(ProblemCode::MissingResource);
    let raised = UserInput { password: None, ..input(&clerk.username, administrator) };
    let answer = app.call(&ep::UPDATE_USER, &[&clerk.id.to_string()]).by(&clerk).body(&raised).send().await;
    answer.refused(ProblemCode::MissingResource);
}
