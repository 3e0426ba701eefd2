use crate::support::{Answer, Someone, TestApp};
use chrono::TimeDelta;
use contract::endpoints as ep;
use contract::{ProblemCode, RefreshInput, Resource, Session};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

async fn refresh(app: &TestApp, token: &str) -> Answer<Session> {
    let input = RefreshInput { refresh_token: Some(token.into()) };
    app.call(&ep::REFRESH, &[]).body(&input).send().await
}

async fn me(app: &TestApp, access_token: &str) -> u16 {
    app.call(&ep::GET_ME, &[]).token(access_token).send().await.status
}

fn next(answer: &Answer<Session>) -> String {
    answer.cookie("storekeep_refresh").unwrap()
}

async fn somebody(app: &TestApp) -> Someone {
    app.someone_with(&[Resource::Logs]).await
}

#[actix_web::test]
async fn a_cookie_is_exchanged_for_the_next_one() {
    let app = TestApp::start().await;
    let someone = somebody(&app).await;
    let cookie = format!("storekeep_refresh={}", someone.refresh_token);
    let first = app.call(&ep::REFRESH, &[]).header("cookie", &cookie).send().await;
    assert_eq!(me(&app, &first.ok().access_token).await, 200);
    assert_ne!(next(&first), someone.refresh_token);
    let second = refresh(&app, &next(&first)).await;
    assert_eq!(me(&app, &second.ok().access_token).await, 200);
    assert_eq!(second.ok().scopes, [Resource::Logs]);
}

#[actix_web::test]
async fn a_cookie_that_another_site_sends_counts_for_nothing() {
    let app = TestApp::start().await;
    let someone = somebody(&app).await;
    let cookie = format!("storekeep_refresh={}", someone.refresh_token);
    for site in ["cross-site", "same-site"] {
        let ask = app.call(&ep::REFRESH, &[]).header("cookie", &cookie).header("sec-fetch-site", site);
        ask.send().await.refused(ProblemCode::SessionEnded);
        let ask = app.call(&ep::LOGOUT, &[]).header("cookie", &cookie).header("sec-fetch-site", site);
        ask.send().await.is(204);
    }
    let ask = app.call(&ep::REFRESH, &[]).header("cookie", &cookie).header("sec-fetch-site", "same-origin");
    ask.send().await.is(200);
}

#[actix_web::test]
async fn a_used_token_that_comes_again_ends_the_session() {
    let app = TestApp::start().await;
    let someone = somebody(&app).await;
    let answer = refresh(&app, &someone.refresh_token).await;
    let (session, newest) = (answer.ok(), next(&answer));
    app.clock.advance(TimeDelta::seconds(11));
    refresh(&app, &someone.refresh_token).await.refused(ProblemCode::SessionEnded);
    refresh(&app, &newest).await.refused(ProblemCode::SessionEnded);
    for token in [&someone.access_token, &session.access_token] {
        app.call(&ep::GET_ME, &[]).token(token).send().await.refused(ProblemCode::SessionEnded);
    }
}

/// The refresh tokens that still work.
async fn living(app: &TestApp) -> usize {
    use storekeep::entity::sessions::{Column, Entity};
    let open = Entity::find().filter(Column::UsedAt.is_null()).filter(Column::EndedAt.is_null());
    open.all(&app.app.db).await.unwrap().len()
}

#[actix_web::test]
async fn an_answer_that_was_lost_is_given_again_on_one_line_of_tokens() {
    let app = TestApp::start().await;
    let someone = somebody(&app).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(refresh(&app, &someone.refresh_token).await);
        app.clock.advance(TimeDelta::seconds(4));
        assert_eq!(living(&app).await, 1);
    }
    for answer in &answers {
        assert_eq!(me(&app, &answer.ok().access_token).await, 200);
    }
    let last = next(&answers[2]);
    assert!(answers[..2].iter().all(|a| next(a) != last));
    refresh(&app, &last).await.is(200);
    assert_eq!(living(&app).await, 1);
    // The time counts from the first use, however often it came again.
    let again = refresh(&app, &someone.refresh_token).await;
    again.refused(ProblemCode::SessionEnded);
}

#[actix_web::test]
async fn a_lost_answer_that_turns_up_after_all_ends_the_session() {
    let app = TestApp::start().await;
    let someone = somebody(&app).await;
    let lost = next(&refresh(&app, &someone.refresh_token).await);
    let newest = next(&refresh(&app, &someone.refresh_token).await);
    refresh(&app, &lost).await.refused(ProblemCode::SessionEnded);
    refresh(&app, &newest).await.refused(ProblemCode::SessionEnded);
    app.call(&ep::GET_ME, &[]).by(&someone).send().await.refused(ProblemCode::SessionEnded);
}

#[actix_web::test]
async fn a_used_token_that_comes_after_its_successor_was_used_ends_the_session_at_once() {
    let app = TestApp::start().await;
    for retried in [false, true] {
        let someone = somebody(&app).await;
        if retried {
            refresh(&app, &someone.refresh_token).await.is(200);
        }
        let second = next(&refresh(&app, &someone.refresh_token).await);
        let answer = refresh(&app, &second).await;
        let (session, newest) = (answer.ok(), next(&answer));
        refresh(&app, &someone.refresh_token).await.refused(ProblemCode::SessionEnded);
        refresh(&app, &newest).await.refused(ProblemCode::SessionEnded);
        app.call(&ep::GET_ME, &[])
            .token(&session.access_token)
            .send()
            .await
            .refused(ProblemCode::SessionEnded);
    }
}

#[actix_web::test]
async fn two_tabs_that_refresh_at_once_stay_signed_in_on_one_line_of_tokens() {
    let app = TestApp::start().await;
    let someone = somebody(&app).await;
    let both = futures_util::future::join_all((0..2).map(|_| refresh(&app, &someone.refresh_token))).await;
    for answer in &both {
        assert_eq!(me(&app, &answer.ok().access_token).await, 200);
        assert!(answer.cookie("storekeep_refresh").is_some());
    }
    assert_eq!(living(&app).await, 1);
}

#[actix_web::test]
async fn unknown_and_missing_tokens_are_refused() {
    let app = TestApp::start().await;
    refresh(&app, "nonsense").await.refused(ProblemCode::SessionEnded);
    refresh(&app, "").await.refused(ProblemCode::SessionEnded);
    app.call(&ep::REFRESH, &[]).send().await.refused(ProblemCode::SessionEnded);
    app.call(&ep::REFRESH, &[]).bytes("{}").send().await.refused(ProblemCode::SessionEnded);
    let someone = somebody(&app).await;
    refresh(&app, &someone.access_token).await.refused(ProblemCode::Invalid);
}

#[actix_web::test]
async fn an_access_token_runs_out_after_15_minutes() {
    let app = TestApp::start().await;
    let someone = somebody(&app).await;
    app.clock.advance(TimeDelta::seconds(899));
    assert_eq!(me(&app, &someone.access_token).await, 200);
    app.clock.advance(TimeDelta::seconds(1));
    let answer = app.call(&ep::GET_ME, &[]).by(&someone).send().await;
    answer.refused(ProblemCode::NotSignedIn);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    refresh(&app, &someone.refresh_token).await.is(200);
}

#[actix_web::test]
async fn a_session_ends_when_it_is_not_used_for_a_week() {
    let app = TestApp::start().await;
    let someone = somebody(&app).await;
    app.clock.advance(TimeDelta::days(6));
    let answer = refresh(&app, &someone.refresh_token).await;
    answer.is(200);
    app.clock.advance(TimeDelta::days(7));
    refresh(&app, &next(&answer)).await.refused(ProblemCode::SessionEnded);
}

#[actix_web::test]
async fn even_a_used_session_ends_after_a_month() {
    let app = TestApp::start().await;
    let mut token = somebody(&app).await.refresh_token;
    for _ in 0..5 {
        app.clock.advance(TimeDelta::days(5));
        let answer = refresh(&app, &token).await;
        answer.is(200);
        token = next(&answer);
    }
    app.clock.advance(TimeDelta::days(5));
    refresh(&app, &token).await.refused(ProblemCode::SessionEnded);
}
