use crate::support::{PASSWORD, TestApp};
use contract::endpoints as ep;
use contract::{LoginInput, PasswordInput, ProblemCode, RefreshInput};

const NEW: &str = "an entirely new password";

fn input(current: &str, new: &str) -> PasswordInput {
    PasswordInput { current_password: current.into(), new_password: new.into() }
}

#[actix_web::test]
async fn every_other_session_ends_and_this_one_goes_on_in_a_new_one() {
    let app = TestApp::start().await;
    let here = app.someone_with(&[]).await;
    let elsewhere = app.sign_in(&here.username, PASSWORD).await;
    let bystander = app.someone_with(&[]).await;
    let answer = app.call(&ep::CHANGE_PASSWORD, &[]).by(&here).body(&input(PASSWORD, NEW)).send().await;
    let session = answer.ok();
    for old in [&here, &elsewhere] {
        app.call(&ep::GET_ME, &[]).by(old).send().await.refused(ProblemCode::SessionEnded);
        let refresh = RefreshInput { refresh_token: Some(old.refresh_token.clone()) };
        app.call(&ep::REFRESH, &[]).body(&refresh).send().await.refused(ProblemCode::SessionEnded);
    }
    app.call(&ep::GET_ME, &[]).token(&session.access_token).send().await.is(200);
    let refresh = RefreshInput { refresh_token: answer.cookie("storekeep_refresh") };
    app.call(&ep::REFRESH, &[]).body(&refresh).send().await.is(200);
    app.call(&ep::GET_ME, &[]).by(&bystander).send().await.is(200);
    let old = LoginInput { username: here.username.clone(), password: PASSWORD.into() };
    app.call(&ep::LOGIN, &[]).body(&old).send().await.refused(ProblemCode::WrongCredentials);
    app.sign_in(&here.username, NEW).await;
}

#[actix_web::test]
async fn the_current_password_is_asked_for_and_guessing_it_is_limited() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[]).await;
    for _ in 0..5 {
        let guess =
            app.call(&ep::CHANGE_PASSWORD, &[]).by(&someone).body(&input("a wrong guess", NEW)).send().await;
        guess.refused(ProblemCode::Invalid);
        assert_eq!(guess.fields(), ["current_password"]);
    }
    let right = app.call(&ep::CHANGE_PASSWORD, &[]).by(&someone).body(&input(PASSWORD, NEW)).send().await;
    right.refused(ProblemCode::TooManyAttempts);
    app.call(&ep::GET_ME, &[]).by(&someone).send().await.is(200);
}

#[actix_web::test]
async fn a_short_password_is_refused() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[]).await;
    let answer =
        app.call(&ep::CHANGE_PASSWORD, &[]).by(&someone).body(&input(PASSWORD, "short")).send().await;
    assert_eq!(answer.fields(), ["new_password"]);
}
