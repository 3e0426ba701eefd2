use super::{input, role_id};
use crate::support::{PASSWORD, Someone, TestApp};
use contract::endpoints as ep;
use contract::{LoginInput, ProblemCode, RefreshInput, UserInput};

/// A user with the built-in role `Operator`, signed in.
async fn operator(app: &TestApp, admin: &Someone) -> (Someone, UserInput) {
    let operator = UserInput { password: None, ..input("olga", role_id(app, admin, "Operator").await) };
    let with_password = UserInput { password: Some(PASSWORD.into()), ..operator.clone() };
    app.call(&ep::CREATE_USER, &[]).by(admin).body(&with_password).send().await.is(201);
    (app.sign_in("olga", PASSWORD).await, operator)
}

async fn save(app: &TestApp, admin: &Someone, id: i64, input: &UserInput) -> u16 {
    app.call(&ep::UPDATE_USER, &[&id.to_string()]).by(admin).body(input).send().await.status
}

/// Both tokens of an earlier sign-in have ended.
async fn has_ended(app: &TestApp, someone: &Someone) {
    app.call(&ep::GET_ME, &[]).by(someone).send().await.refused(ProblemCode::SessionEnded);
    let refresh = RefreshInput { refresh_token: Some(someone.refresh_token.clone()) };
    app.call(&ep::REFRESH, &[]).body(&refresh).send().await.refused(ProblemCode::SessionEnded);
}

#[actix_web::test]
async fn a_new_name_alone_ends_nothing() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let (olga, kept) = operator(&app, &admin).await;
    assert_eq!(save(&app, &admin, olga.id, &UserInput { username: "Olga.2".into(), ..kept }).await, 200);
    let me = app.call(&ep::GET_ME, &[]).by(&olga).send().await.ok();
    assert_eq!(me.username, "Olga.2");
    app.sign_in("olga.2", PASSWORD).await;
}

#[actix_web::test]
async fn disabling_bites_at_once_and_enabling_brings_no_old_session_back() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let (olga, kept) = operator(&app, &admin).await;
    assert_eq!(save(&app, &admin, olga.id, &UserInput { enabled: false, ..kept.clone() }).await, 200);
    has_ended(&app, &olga).await;
    let login = LoginInput { username: "olga".into(), password: PASSWORD.into() };
    app.call(&ep::LOGIN, &[]).body(&login).send().await.refused(ProblemCode::WrongCredentials);
    assert_eq!(save(&app, &admin, olga.id, &kept).await, 200);
    has_ended(&app, &olga).await;
    app.sign_in("olga", PASSWORD).await;
}

#[actix_web::test]
async fn a_new_password_and_another_role_end_what_was_issued_before() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let (olga, kept) = operator(&app, &admin).await;
    let with_password = UserInput { password: Some("another long password".into()), ..kept.clone() };
    assert_eq!(save(&app, &admin, olga.id, &with_password).await, 200);
    has_ended(&app, &olga).await;
    let olga = app.sign_in("olga", "another long password").await;
    let viewer = UserInput { role_id: role_id(&app, &admin, "Viewer").await, ..kept };
    assert_eq!(save(&app, &admin, olga.id, &viewer).await, 200);
    has_ended(&app, &olga).await;
}

#[actix_web::test]
async fn the_last_enabled_administrator_stays() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let administrator = role_id(&app, &admin, "Administrator").await;
    let kept = UserInput { password: None, ..input("admin", administrator) };
    let demoted = UserInput { role_id: role_id(&app, &admin, "Viewer").await, ..kept.clone() };
    let disabled = UserInput { enabled: false, ..kept.clone() };
    let update = |input| app.call(&ep::UPDATE_USER, &[&admin.id.to_string()]).by(&admin).body(input);
    update(&demoted).send().await.refused(ProblemCode::LastAdministrator);
    update(&disabled).send().await.refused(ProblemCode::LastAdministrator);
    // A second one who is disabled does not count.
    let second = UserInput { enabled: false, ..input("second", administrator) };
    app.call(&ep::CREATE_USER, &[]).by(&admin).body(&second).send().await.is(201);
    update(&demoted).send().await.refused(ProblemCode::LastAdministrator);
    let third =
        app.call(&ep::CREATE_USER, &[]).by(&admin).body(&input("third", administrator)).send().await.ok();
    assert!(third.enabled);
    update(&demoted).send().await.is(200);
}

#[actix_web::test]
async fn of_two_administrators_who_demote_each_other_one_stays() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let administrator = role_id(&app, &admin, "Administrator").await;
    app.call(&ep::CREATE_USER, &[]).by(&admin).body(&input("second", administrator)).send().await.is(201);
    let second = app.sign_in("second", PASSWORD).await;
    let off = |name: &str| UserInput { password: None, enabled: false, ..input(name, administrator) };
    let (id_a, id_b) = (admin.id.to_string(), second.id.to_string());
    let (a, b) = (off("admin"), off("second"));
    let (first, other) = futures_util::future::join(
        app.call(&ep::UPDATE_USER, &[&id_b]).by(&admin).body(&b).send(),
        app.call(&ep::UPDATE_USER, &[&id_a]).by(&second).body(&a).send(),
    )
    .await;
    let done = [first.status, other.status].iter().filter(|s| **s == 200).count();
    assert_eq!(done, 1, "{} {}", first.status, other.status);
}

#[actix_web::test]
async fn a_stale_revision_and_a_taken_name_are_refused() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let (olga, kept) = operator(&app, &admin).await;
    let id = olga.id.to_string();
    let update = || app.call(&ep::UPDATE_USER, &[&id]).by(&admin);
    let saved = update().header("if-match", "\"1\"").body(&kept).send().await;
    assert_eq!((saved.ok().revision, saved.header("etag")), (2, Some("\"2\"")));
    update().header("if-match", "\"1\"").body(&kept).send().await.refused(ProblemCode::Changed);
    let taken = update().body(&UserInput { username: "Admin".into(), ..kept }).send().await;
    taken.refused(ProblemCode::Taken);
    assert_eq!(taken.fields(), ["username"]);
}
