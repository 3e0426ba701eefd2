use super::{callback, create, drive, get, input, keeper, link, linked};
use crate::support::{CloudApp, PASSWORD, TestApp, monday};
use chrono::TimeDelta;
use contract::{ProblemCode, StorageLinkInput, StorageSetInput, StorageState, StorageType, endpoints as ep};
use engine::testing::fake::{Action, Fault, Reply};
use std::collections::BTreeMap;

const CONFIRMED: StorageLinkInput = StorageLinkInput { confirm_other_account: true };

#[actix_web::test]
async fn the_way_to_the_consent_page_carries_state_and_challenge_and_ends_in_ten_minutes() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id.to_string();
    let link = app.call(&ep::LINK_STORAGE, &[&id]).by(&someone).send().await.ok();
    assert_eq!(link.redirect_uri, "https://storekeep.example.org/oauth/callback");
    assert_eq!(link.expires_at, monday() + TimeDelta::minutes(10));
    assert_eq!(link.warnings.iter().map(|w| w.code.as_str()).collect::<Vec<_>>(), ["google_testing_mode"]);
    let query = link.authorize_url.split_once('?').unwrap().1;
    let query: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert_eq!((query["state"].len(), query["code_challenge"].len()), (43, 43));
    assert_eq!((&*query["redirect_uri"], &*query["client_id"]), (&*link.redirect_uri, "the-client-id"));
    let again = app.call(&ep::LINK_STORAGE, &[&id]).by(&someone).send().await.ok();
    assert_ne!(again.authorize_url, link.authorize_url);
}

#[actix_web::test]
async fn amazon_s3_needs_no_linking() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &input("Cold", StorageType::AmazonS3)).await.id.to_string();
    let answer = app.call(&ep::LINK_STORAGE, &[&id]).by(&someone).send().await;
    assert_eq!(answer.fields(), ["type"]);
    app.call(&ep::LINK_STORAGE, &["99"]).by(&someone).send().await.refused(ProblemCode::NotFound);
}

#[actix_web::test]
async fn a_code_that_is_entered_by_hand_links_at_once() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id;
    let start = async || app.call(&ep::LINK_STORAGE, &[&id.to_string()]).by(&someone).send().await.ok();
    let save = async |code: String| {
        let input = StorageSetInput { authentication_code: Some(code), ..drive("Drive") };
        app.call(&ep::UPDATE_STORAGE, &[&id.to_string()]).by(&someone).body(&input).send().await
    };
    // Without a linking under way there is nothing that the code could belong to.
    let answer = save("code".into()).await;
    assert_eq!(answer.fields(), ["authentication_code"]);
    assert!(answer.text().contains("Link the account"), "{}", answer.text());
    let (code, _) = app.clouds.consented(&start().await.authorize_url, "ada@example.org");
    let saved = save(code.clone()).await.ok();
    assert_eq!((saved.linked, saved.account.as_deref()), (true, Some("ada@example.org")));
    assert_eq!((saved.linked_at, saved.state), (Some(monday()), StorageState::Ready));
    // It is good once, and the link that it made stays.
    assert_eq!(save(code).await.fields(), ["authentication_code"]);
    assert!(get(&app, &someone, id).await.linked);
    // The whole address does as well.
    let query = app.clouds.consent(&start().await.authorize_url, "ada@example.org");
    assert!(save(format!("https://storekeep.example.org/oauth/callback?{query}")).await.ok().linked);
}

#[actix_web::test]
async fn a_code_that_is_refused_saves_nothing_and_leaves_the_link_alone() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id.to_string();
    app.call(&ep::LINK_STORAGE, &[&id]).by(&someone).send().await.ok();
    let input = StorageSetInput { authentication_code: Some("wrong".into()), ..drive("Renamed") };
    let answer = app.call(&ep::UPDATE_STORAGE, &[&id]).by(&someone).body(&input).send().await;
    let problem = answer.refused(ProblemCode::Invalid);
    assert!(problem.errors[0].message.contains("Start the linking again"), "{problem:?}");
    let now = app.call(&ep::GET_STORAGE, &[&id]).by(&someone).send().await.ok();
    assert_eq!((now.title.as_str(), now.revision, now.state), ("Drive", 1, StorageState::Ready));
    let report = app.call(&ep::TEST_STORAGE, &[&id]).by(&someone).send().await.ok();
    assert!(report.ok, "{report:?}");
}

#[actix_web::test]
async fn a_provider_that_cannot_be_reached_costs_no_code() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id.to_string();
    let start = app.call(&ep::LINK_STORAGE, &[&id]).by(&someone).send().await.ok();
    let (code, _) = app.clouds.consented(&start.authorize_url, "ada@example.org");
    let input = StorageSetInput { authentication_code: Some(code), ..drive("Drive") };
    let save = || app.call(&ep::UPDATE_STORAGE, &[&id]).by(&someone).body(&input);
    app.clouds.server.plan(Fault::once("POST", "/token", Action::Answer(Reply::html_502())));
    let problem = save().send().await.refused(ProblemCode::Unavailable);
    assert!(problem.detail.contains("502"), "{}", problem.detail);
    // Exchanged, but whose account it is could not be asked: the same code finishes it.
    app.clouds.server.plan(Fault::once("GET", "/about", Action::Close));
    save().send().await.refused(ProblemCode::Unavailable);
    assert!(save().send().await.ok().linked);
}

#[actix_web::test]
async fn another_account_is_linked_only_when_that_is_wanted() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id;
    let page = link(&app, &someone, id, "eve@example.org").await;
    assert!(page.contains("not finished") && page.contains("ada@example.org"), "{page}");
    assert_eq!(get(&app, &someone, id).await.account.as_deref(), Some("ada@example.org"));
    // By hand: the code is refused, and good for agreeing to it.
    let path = id.to_string();
    let start = app.call(&ep::LINK_STORAGE, &[&path]).by(&someone).send().await.ok();
    assert!(start.warnings.iter().any(|w| w.code == "other_account"), "{:?}", start.warnings);
    let (code, _) = app.clouds.consented(&start.authorize_url, "eve@example.org");
    let input = StorageSetInput { authentication_code: Some(code), ..drive("Drive") };
    let save = |input: StorageSetInput| app.call(&ep::UPDATE_STORAGE, &[&path]).by(&someone).body(&input);
    let problem = save(input.clone()).send().await.refused(ProblemCode::OtherAccount);
    assert!(problem.detail.contains("eve@example.org") && problem.detail.contains("ada@example.org"));
    let agreed = StorageSetInput { confirm_other_account: true, ..input };
    let saved = save(agreed).send().await.ok();
    assert_eq!(saved.account.as_deref(), Some("eve@example.org"));
    assert!(saved.warnings.iter().any(|w| w.code == "other_account"), "{:?}", saved.warnings);
    // By the browser, agreed to beforehand.
    let start = app.call(&ep::LINK_STORAGE, &[&path]).by(&someone).body(&CONFIRMED).send().await.ok();
    let page = callback(&app, &app.clouds.consent(&start.authorize_url, "ada@example.org")).await;
    assert!(page.contains("The account is linked"), "{page}");
}

#[actix_web::test]
async fn a_linking_belongs_to_whoever_started_it() {
    let app = CloudApp::start().await;
    let (someone, other) = (keeper(&app).await, keeper(&app).await);
    let id = create(&app, &someone, &drive("Drive")).await.id.to_string();
    let start = app.call(&ep::LINK_STORAGE, &[&id]).by(&someone).send().await.ok();
    let (code, _) = app.clouds.consented(&start.authorize_url, "ada@example.org");
    let input = StorageSetInput { authentication_code: Some(code), ..drive("Drive") };
    let answer = app.call(&ep::UPDATE_STORAGE, &[&id]).by(&other).body(&input).send().await;
    assert!(answer.text().contains("Somebody else"), "{}", answer.text());
    // A new password ends what was issued before, and so this.
    app.app.users.set_password(someone.id, "another long password").await.unwrap();
    let someone = app.sign_in(&someone.username, "another long password").await;
    assert_ne!(PASSWORD, "another long password");
    let answer = app.call(&ep::UPDATE_STORAGE, &[&id]).by(&someone).body(&input).send().await;
    assert_eq!(answer.fields(), ["authentication_code"]);
}
