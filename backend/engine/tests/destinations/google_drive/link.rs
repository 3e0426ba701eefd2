//! The link: how it comes about, runs out, is renewed and lost.

use super::world::{KEY, PIECE, World};
use crate::support::{Archive, bytes};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use engine::storage::google_drive::provider;
use engine::storage::http::{Answer, Http, QUICK};
use engine::storage::oauth::{Grant, Linking};
use engine::storage::time::Time;
use engine::storage::{ErrorKind, Result, Secret, Storage};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::until;
use sha2::{Digest, Sha256};
use std::sync::Arc;

const BACK: &str = "http://localhost:8080/oauth/callback";

pub async fn a_token_that_runs_out_during_an_upload() {
    let world = World::new().await;
    let archive = Archive::new(4 * PIECE);
    let slow = Action::Delay(std::time::Duration::from_millis(40));
    world.fake.plan(Fault::once("PUT", "/upload", slow).skip(1));
    let body = archive.body();
    let expiry = async {
        until("another task came so far", || world.fake.record().count("PUT", "/upload") == 2).await;
        world.fake.expire_access();
    };
    let (stored, ()) = tokio::join!(world.storage.put(KEY, &body), expiry);
    stored.unwrap();
    assert_eq!(world.fake.record().count("POST", "/token"), 1);
    assert_eq!(world.fake.record().count("POST", "/upload"), 1, "the session outlives the token");
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_token_whose_time_is_over() {
    let world = World::new().await;
    world.puts("a", &bytes(b"a")).await;
    world.time.advance(TimeDelta::minutes(57));
    world.puts("b", &bytes(b"b")).await;
    assert_eq!(world.fake.record().count("POST", "/token"), 1);
    world.ends_with(&[("a", b"a"), ("b", b"b")]).await;
}

pub async fn many_tasks_whose_token_runs_out_at_once() {
    let world = World::new().await;
    world.fake.rotation(true);
    world.puts(KEY, &bytes(b"x")).await;
    world.fake.expire_access();
    let keys: Vec<String> = (0..6).map(|n| format!("many/{n}")).collect();
    let body = bytes(b"x");
    futures_util::future::join_all(keys.iter().map(|key| world.puts(key, &body))).await;
    assert_eq!(world.fake.record().count("POST", "/token"), 1, "one of them refreshes");
    let mut expected: Vec<(&str, &[u8])> = keys.iter().map(|key| (key.as_str(), b"x".as_slice())).collect();
    expected.push((KEY, b"x"));
    world.ends_with(&expected).await;
}

pub async fn refresh_tokens_that_rotate() {
    let mut world = World::new().await;
    world.fake.rotation(true);
    for n in 0..3 {
        world.time.advance(TimeDelta::hours(2));
        world.puts(KEY, &bytes(&[n])).await;
        world.restart();
    }
    assert_eq!(world.fake.record().count("POST", "/token"), 3);
    world.ends_with(&[(KEY, &[2])]).await;
}

pub async fn the_answer_to_a_refresh_is_lost() {
    let world = World::new().await;
    world.time.advance(TimeDelta::hours(2));
    world.fake.drop_token_reply();
    world.puts(KEY, &bytes(b"x")).await;
    world.ends_with(&[(KEY, b"x")]).await;
}

/// The new token never arrived, and the old one holds no more: only linking helps.
pub async fn the_answer_to_a_rotating_refresh_is_lost() {
    let world = World::new().await;
    world.fake.rotation(true);
    world.time.advance(TimeDelta::hours(2));
    world.fake.drop_token_reply();
    let error = world.check_error(world.patient().put(KEY, &bytes(b"x")).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::NeedsRelink);
    assert_eq!(world.told(), [format!("lost: {}", error.message)]);
    world.link_again();
    world.puts(KEY, &bytes(b"x")).await;
    assert_eq!(world.told().last().unwrap(), "works");
    let violations = world.fake.record().violations();
    assert_eq!(violations.len(), 1, "the old token was tried once more: {violations:?}");
    assert_eq!(world.objects().len(), 1);
}

pub async fn a_token_endpoint_that_is_away_for_a_while() {
    let world = World::new().await;
    world.time.advance(TimeDelta::hours(2));
    world.fake.fail_next_token(Reply::html_502());
    world.fake.fail_next_token(Reply::status(429).with("retry-after", "60"));
    world.fake.fail_next_token(Reply::json(500, &serde_json::json!({"error": "internal_failure"})));
    world.puts(KEY, &bytes(b"x")).await;
    assert_eq!(world.told(), ["works"]);
    world.ends_with(&[(KEY, b"x")]).await;
}

/// The owner takes the permission back half-way; what was sent is gone on with after a new link.
pub async fn a_permission_that_is_taken_back_during_an_upload() {
    let mut world = World::new().await;
    let archive = Archive::new(3 * PIECE);
    world.fake.plan(Fault::once("PUT", "/upload", Action::Close).skip(2));
    world.put_fails(KEY, &archive.body()).await;
    world.fake.revoke_refresh();
    let error = world.check_error(world.patient().put(KEY, &archive.body()).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::NeedsRelink);
    assert!(error.message.contains("nothing was deleted"), "{error}");
    assert_eq!(world.told().last().unwrap(), &format!("lost: {}", error.message));
    world.link_again();
    world.restart();
    world.puts(KEY, &archive.body()).await;
    assert_eq!(world.fake.record().count("POST", "/upload"), 1);
    assert_eq!(world.told().last().unwrap(), "works");
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn an_account_that_is_linked_anew_during_an_upload() {
    let world = World::new().await;
    let archive = Archive::new(3 * PIECE);
    let slow = Action::Delay(std::time::Duration::from_millis(40));
    world.fake.plan(Fault::once("PUT", "/upload", slow).skip(1));
    let body = archive.body();
    let linking = async {
        until("another task came so far", || world.fake.record().count("PUT", "/upload") == 2).await;
        world.fake.revoke_refresh();
        world.link_again();
    };
    let (stored, ()) = tokio::join!(world.storage.put(KEY, &body), linking);
    stored.unwrap();
    assert_eq!(world.told(), ["works"], "the new link was not lost with the old one");
    world.ends_with(&[(KEY, &archive.content)]).await;
}

/// A browser that goes to the consent page and comes back.
async fn consents(world: &World, verifier: &str) -> std::collections::HashMap<String, String> {
    let (app, base) = (world.fake.app(), world.fake.base());
    let linking = Linking { app: &app, redirect_uri: BACK };
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let url = provider(Some(&base)).consent_url(&linking, "the-state", &challenge);
    let http = Http::new().unwrap();
    let answer: Answer = http.call(http.get(url), QUICK).await.unwrap();
    assert_eq!(answer.status, 302);
    let back = reqwest::Url::parse(answer.header("location").unwrap()).unwrap();
    assert!(back.as_str().starts_with(BACK));
    back.query_pairs().into_owned().collect()
}

async fn exchanges(world: &World, code: &str, verifier: &str, back: &str) -> Result<Grant> {
    let (app, base) = (world.fake.app(), world.fake.base());
    let linking = Linking { app: &app, redirect_uri: back };
    let code = (&Secret::new(code), &Secret::new(verifier));
    let now = world.time.now();
    provider(Some(&base)).exchange(&Http::new().unwrap(), &linking, code, 2, now).await
}

pub async fn a_link_from_the_consent_page_to_the_first_upload() {
    let mut world = World::new().await;
    for _ in 0..2 {
        // Also the second time, when Google has the consent already.
        let back = consents(&world, "verifier").await;
        assert_eq!(back["state"], "the-state");
        let grant = exchanges(&world, &back["code"], "verifier", BACK).await.unwrap();
        *world.kept.grant.lock().unwrap() = grant;
        world.restart();
        world.puts(KEY, &bytes(b"x")).await;
    }
    world.ends_with(&[(KEY, b"x")]).await;
}

pub async fn codes_that_are_wrong_late_or_used() {
    let world = World::new().await;
    let back = consents(&world, "verifier").await;
    let code = &back["code"];
    exchanges(&world, code, "verifier", BACK).await.unwrap();
    let again = world.check_error(exchanges(&world, code, "verifier", BACK).await.unwrap_err());
    assert_eq!(again.kind, ErrorKind::InvalidConfig);
    assert!(again.message.contains("Start the linking again"), "{again}");
    let code = &consents(&world, "verifier").await["code"];
    let wrong = exchanges(&world, code, "another", BACK).await.unwrap_err();
    assert_eq!(wrong.kind, ErrorKind::InvalidConfig);
    let code = &consents(&world, "verifier").await["code"];
    let elsewhere = exchanges(&world, code, "verifier", "http://localhost:8080/").await.unwrap_err();
    assert!(elsewhere.message.contains("Register exactly"), "{elsewhere}");
    let code = &consents(&world, "verifier").await["code"];
    world.time.advance(TimeDelta::minutes(11));
    let late = exchanges(&world, code, "verifier", BACK).await.unwrap_err();
    assert_eq!(late.kind, ErrorKind::InvalidConfig);
    // The link of before is not concerned.
    world.puts(KEY, &bytes(b"x")).await;
    world.ends_with(&[(KEY, b"x")]).await;
}

pub async fn people_who_do_not_agree_or_not_to_all() {
    let world = World::new().await;
    world.fake.deny_consent(true);
    let back = consents(&world, "verifier").await;
    assert_eq!((back["error"].as_str(), back["state"].as_str()), ("access_denied", "the-state"));
    world.fake.deny_consent(false);
    world.fake.granted_scope(Some("openid"));
    let code = &consents(&world, "verifier").await["code"];
    let error = exchanges(&world, code, "verifier", BACK).await.unwrap_err();
    assert!(error.message.contains("drive.file was not granted"), "{error}");
    world.fake.granted_scope(None);
    world.fake.missing_refresh_token(true);
    let code = &consents(&world, "verifier").await["code"];
    let error = exchanges(&world, code, "verifier", BACK).await.unwrap_err();
    assert!(error.message.contains("no lasting permission"), "{error}");
    world.puts(KEY, &bytes(b"x")).await;
    world.ends_with(&[(KEY, b"x")]).await;
}

/// What an account object does is done once for all destinations of it.
pub async fn two_destinations_of_one_account_share_its_token() {
    use engine::storage::Cloud;
    let world = World::new().await;
    world.time.advance(TimeDelta::hours(2));
    let sessions = Arc::new(engine::storage::MemorySessions::default());
    let other = Arc::clone(&world.drive).storage("Elsewhere", sessions).unwrap();
    let (body, both) = (bytes(b"x"), bytes(b"y"));
    let (a, b) = tokio::join!(world.storage.put(KEY, &body), other.put(KEY, &both));
    a.unwrap();
    b.unwrap();
    assert_eq!(world.fake.record().count("POST", "/token"), 1);
    other.delete(KEY).await.unwrap();
    world.ends_with(&[(KEY, b"x")]).await;
}
