use crate::support::TestApp;
use contract::endpoints as ep;
use contract::{ProblemCode, RefreshInput};

#[actix_web::test]
async fn signing_out_ends_the_session_of_the_cookie() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[]).await;
    let elsewhere = app.sign_in(&someone.username, crate::support::PASSWORD).await;
    let cookie = format!("storekeep_refresh={}", someone.refresh_token);
    let answer = app.call(&ep::LOGOUT, &[]).header("cookie", &cookie).send().await;
    answer.is(204);
    let gone = answer.header("set-cookie").unwrap();
    assert!(gone.starts_with("storekeep_refresh=;") && gone.contains("Max-Age=0"), "{gone}");
    app.call(&ep::GET_ME, &[]).by(&someone).send().await.refused(ProblemCode::SessionEnded);
    let refresh = RefreshInput { refresh_token: Some(someone.refresh_token) };
    app.call(&ep::REFRESH, &[]).body(&refresh).send().await.refused(ProblemCode::SessionEnded);
    app.call(&ep::GET_ME, &[]).by(&elsewhere).send().await.is(200);
}

#[actix_web::test]
async fn signing_out_ends_the_session_of_the_access_token() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[]).await;
    app.call(&ep::LOGOUT, &[]).by(&someone).send().await.is(204);
    app.call(&ep::GET_ME, &[]).by(&someone).send().await.refused(ProblemCode::SessionEnded);
    let refresh = RefreshInput { refresh_token: Some(someone.refresh_token) };
    app.call(&ep::REFRESH, &[]).body(&refresh).send().await.refused(ProblemCode::SessionEnded);
}

#[actix_web::test]
async fn whoever_is_not_signed_in_may_sign_out() {
    let app = TestApp::start().await;
    app.call(&ep::LOGOUT, &[]).send().await.is(204);
    app.call(&ep::LOGOUT, &[]).token("nonsense").send().await.is(204);
}
