use crate::storages::{callback, create, drive, get, keeper, link, linked};
use crate::support::{CloudApp, TestApp};
use chrono::TimeDelta;
use contract::{StorageState, endpoints as ep};
use engine::testing::fake::{Action, Fault, Reply};

#[actix_web::test]
async fn consent_links_at_once_and_the_page_says_so_without_a_script() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive <1>")).await.id;
    let start = app.call(&ep::LINK_STORAGE, &[&id.to_string()]).by(&someone).send().await.ok();
    let query = app.clouds.consent(&start.authorize_url, "ada@example.org");
    let uri = format!("/oauth/callback?{query}");
    let answer = app.call(&ep::OAUTH_CALLBACK, &[]).query(&uri).send().await;
    answer.is(200);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(
        (answer.header("cache-control"), answer.header("referrer-policy")),
        (Some("no-store"), Some("no-referrer"))
    );
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("script"),
        "{policy}"
    );
    let page = answer.text();
    assert!(page.contains("The account is linked") && page.contains("ada@example.org"), "{page}");
    assert!(page.contains("Drive &lt;1&gt;") && !page.contains("<script"), "{page}");
    let set = get(&app, &someone, id).await;
    assert_eq!(
        (set.linked, set.account.as_deref(), set.state),
        (true, Some("ada@example.org"), StorageState::Ready)
    );
    // The state is good once; whoever loads the page again changes nothing.
    let again = callback(&app, &query).await;
    assert!(again.contains("not waiting for this link"), "{again}");
    assert!(get(&app, &someone, id).await.linked);
}

#[actix_web::test]
async fn whoever_says_no_changes_nothing() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id;
    let start = app.call(&ep::LINK_STORAGE, &[&id.to_string()]).by(&someone).send().await.ok();
    let (code, state) = app.clouds.consented(&start.authorize_url, "ada@example.org");
    let page = callback(&app, &format!("error=access_denied&state={state}")).await;
    assert!(page.contains("everything stays as it was"), "{page}");
    assert_eq!(get(&app, &someone, id).await.state, StorageState::Ready);
    // The state is used up.
    let code = form_urlencoded::byte_serialize(code.as_bytes()).collect::<String>();
    assert!(callback(&app, &format!("code={code}&state={state}")).await.contains("not waiting"));
}

#[actix_web::test]
async fn what_a_provider_has_against_it_is_told_in_plain_words() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id.to_string();
    for (error, told) in
        [("invalid_scope", "answered with invalid_scope"), ("%3Cscript%3E", "answered with an error")]
    {
        let start = app.call(&ep::LINK_STORAGE, &[&id]).by(&someone).send().await.ok();
        let (_, state) = app.clouds.consented(&start.authorize_url, "ada@example.org");
        let page = callback(&app, &format!("error={error}&error_description=hunter2&state={state}")).await;
        assert!(page.contains(told) && !page.contains("hunter2") && !page.contains("<script"), "{page}");
    }
}

#[actix_web::test]
async fn a_state_that_nobody_gave_out_shows_the_code_to_copy() {
    let app = TestApp::start().await;
    let page = callback(&app, "code=4%2F0Ab%22%3E%3Cscript%3E&state=guess").await;
    assert!(page.contains("<code>4/0Ab&quot;&gt;&lt;script&gt;</code>"), "{page}");
    for query in ["", "state=guess", "code=&state=", "error=access_denied"] {
        let page = callback(&app, query).await;
        assert!(!page.contains("<code>"), "{query}: {page}");
    }
}

#[actix_web::test]
async fn after_ten_minutes_it_is_too_late() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id;
    let start = app.call(&ep::LINK_STORAGE, &[&id.to_string()]).by(&someone).send().await.ok();
    let query = app.clouds.consent(&start.authorize_url, "ada@example.org");
    app.clock.advance(TimeDelta::minutes(10));
    let page = callback(&app, &query).await;
    assert!(page.contains("longer than ten minutes") && !page.contains("<code>"), "{page}");
    assert_eq!(app.clouds.record.count("POST", "/token"), 0);
}

#[actix_web::test]
async fn only_the_newest_linking_counts() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id;
    let old = app.call(&ep::LINK_STORAGE, &[&id.to_string()]).by(&someone).send().await.ok();
    let old = app.clouds.consent(&old.authorize_url, "ada@example.org");
    assert!(link(&app, &someone, id, "ada@example.org").await.contains("The account is linked"));
    assert!(callback(&app, &old).await.contains("not waiting"));
}

#[actix_web::test]
async fn whoever_started_it_must_still_be_allowed_to() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id;
    let start = app.call(&ep::LINK_STORAGE, &[&id.to_string()]).by(&someone).send().await.ok();
    let query = app.clouds.consent(&start.authorize_url, "ada@example.org");
    app.app.users.set_password(someone.id, "another long password").await.unwrap();
    let page = callback(&app, &query).await;
    assert!(page.contains("no longer signed in"), "{page}");
    assert_eq!(app.clouds.record.count("POST", "/token"), 0);
}

#[actix_web::test]
async fn a_provider_that_is_down_leaves_the_code_for_later() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id;
    let start = app.call(&ep::LINK_STORAGE, &[&id.to_string()]).by(&someone).send().await.ok();
    let (code, state) = app.clouds.consented(&start.authorize_url, "ada@example.org");
    app.clouds.server.plan(Fault::once("POST", "/token", Action::Answer(Reply::html_502())));
    let encoded = form_urlencoded::byte_serialize(code.as_bytes()).collect::<String>();
    let page = callback(&app, &format!("code={encoded}&state={state}")).await;
    assert!(page.contains("not finished") && page.contains(&format!("<code>{code}</code>")), "{page}");
    let input = contract::StorageSetInput { authentication_code: Some(code), ..drive("Drive") };
    let saved = app.call(&ep::UPDATE_STORAGE, &[&id.to_string()]).by(&someone).body(&input).send().await.ok();
    assert!(saved.linked);
}
