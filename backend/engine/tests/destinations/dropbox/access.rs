//! Tokens that run out, grants that go, links that are made anew, limits of requests.

use super::world::{KEY, SIZE, World};
use crate::support::{Archive, put};
use chrono::TimeDelta;
use engine::storage::oauth::{Linking, Provider};
use engine::storage::time::Time;
use engine::storage::{Cloud, Error, ErrorKind, Result, Secret, Storage, read_small};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::fakes::dropbox::{ACCOUNT_ID, EMAIL};
use engine::testing::until;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const TOKEN: &str = "/oauth2/token";
const APPEND: &str = "append_v2";
const FINISH: &str = "upload_session/finish";

pub async fn a_token_stops_working_in_the_middle_of_an_upload() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.plan(Fault::once("POST", APPEND, Action::Delay(Duration::from_millis(100))).skip(2));
    let (storage, body) = (world.patient(), archive.body());
    let expire = async {
        until("the third chunk", || world.count(APPEND) == 3).await;
        world.fake.expire_access();
    };
    let (stored, ()) = tokio::join!(storage.put(KEY, &body), expire);
    stored.unwrap();
    assert_eq!(world.count(TOKEN), 1);
    assert_eq!(world.count("upload_session/start"), 1, "a session outlives the token");
    world.ends_with(&[(KEY, &archive.content)]);
}

pub async fn the_clock_jumps_and_the_token_has_run_out() {
    let world = World::new().await;
    put(&*world.storage, "shop/a", b"a").await.unwrap();
    world.fake.time().advance(TimeDelta::hours(5));
    put(&*world.storage, "shop/b", b"b").await.unwrap();
    assert_eq!(world.count(TOKEN), 1, "it is refreshed before it is refused");
    world.ends_with(&[("shop/a", b"a"), ("shop/b", b"b")]);
}

pub async fn a_token_runs_out_before_a_download() {
    let world = World::new().await;
    put(&*world.storage, "shop/a", b"content").await.unwrap();
    world.fake.expire_access();
    assert_eq!(read_small(&*world.storage, "shop/a", 100).await.unwrap(), b"content");
    assert_eq!(world.count(TOKEN), 1);
    world.ends_with(&[("shop/a", b"content")]);
}

pub async fn the_reply_to_a_refresh_is_lost() {
    let world = World::new().await;
    world.fake.expire_access();
    world.plan(Fault::once("POST", TOKEN, Action::LoseReply));
    world.arrives(&Archive::new(SIZE)).await;
    assert_eq!(world.count(TOKEN), 2, "the refresh token may be used again");
}

pub async fn the_token_endpoint_is_down_for_a_while() {
    let world = World::new().await;
    world.fake.expire_access();
    world.plan(Fault::once("POST", TOKEN, Action::Answer(Reply::html_502())).times(2));
    world.arrives(&Archive::new(SIZE)).await;
}

pub async fn many_tasks_need_a_fresh_token_at_once() {
    let world = World::new().await;
    world.fake.time().advance(TimeDelta::hours(5));
    world.plan(Fault::once("POST", TOKEN, Action::Delay(Duration::from_millis(50))));
    let keys: Vec<String> = (0..8).map(|n| format!("shop/{n}")).collect();
    let puts = keys.iter().map(|key| put(&*world.storage, key, b"x"));
    for stored in futures_util::future::join_all(puts).await {
        stored.unwrap();
    }
    assert_eq!(world.count(TOKEN), 1);
    assert_eq!(world.grants.saved.load(Ordering::SeqCst), 1);
    let expected: Vec<(&str, &[u8])> = keys.iter().map(|key| (key.as_str(), &b"x"[..])).collect();
    world.ends_with(&expected);
}

pub async fn the_app_is_removed_in_the_middle_of_an_upload_and_linked_again() {
    let mut world = World::new().await;
    let archive = Archive::new(SIZE);
    world.plan(Fault::once("POST", APPEND, Action::Close).skip(2));
    world.fails(world.storage.put(KEY, &archive.body()).await, &ErrorKind::Unavailable);
    world.fake.revoke();
    let error = world.fails(world.patient().put(KEY, &archive.body()).await, &ErrorKind::NeedsRelink);
    assert!(error.message.contains("Link the account again"), "{error}");
    assert_eq!(world.grants.lost.lock().unwrap().clone(), [error.message]);
    world.shows(&[]);
    let works = world.grants.works.load(Ordering::SeqCst);
    *world.grants.stored.lock().unwrap() = world.fake.grant(2);
    world.restart();
    world.arrives(&archive).await;
    assert_eq!(world.count("upload_session/start"), 1);
    assert_eq!(world.grants.works.load(Ordering::SeqCst), works + 1, "that it works again is told once");
}

pub async fn the_account_is_linked_anew_while_a_token_is_refreshed() {
    let world = World::new().await;
    world.fake.expire_access();
    world.plan(Fault::once("POST", TOKEN, Action::Delay(Duration::from_millis(100))));
    let linking = async {
        until("the refresh", || world.count(TOKEN) == 1).await;
        *world.grants.stored.lock().unwrap() = world.fake.grant(2);
    };
    let (stored, ()) = tokio::join!(put(&*world.storage, "shop/a", b"a"), linking);
    stored.unwrap();
    assert_eq!(world.grants.saved.load(Ordering::SeqCst), 0, "the old link does not overwrite the new one");
    assert_eq!(world.grants.stored.lock().unwrap().generation, 2);
    world.ends_with(&[("shop/a", b"a")]);
}

pub async fn a_fresh_token_is_refused_too() {
    let world = World::new().await;
    let refused = || Reply::json(401, &serde_json::json!({"error": {".tag": "invalid_access_token"}}));
    world.plan(Fault::always("POST", "/2/", Action::Answer(refused())));
    let error = world.fails(world.storage.stat("shop/a").await, &ErrorKind::NeedsRelink);
    assert!(error.message.contains("Link the account again"), "{error}");
    assert_eq!((world.count("get_metadata"), world.count(TOKEN)), (2, 1));
    world.fails(read(&world, "shop/a").await, &ErrorKind::NeedsRelink);
    assert_eq!(world.grants.lost.lock().unwrap().len(), 2);
    world.ends_with(&[]);
}

async fn read(world: &World, key: &str) -> Result<Vec<u8>> {
    read_small(&*world.storage, key, 1000).await
}

pub async fn a_permission_was_not_granted() {
    let world = World::new().await;
    world.fake.grant_scopes(Some("account_info.read files.metadata.read"));
    *world.grants.stored.lock().unwrap() = world.fake.grant(1);
    let error = world.fails(put(&world.patient(), "shop/a", b"a").await, &ErrorKind::NeedsRelink);
    assert!(error.message.contains("files.content.write"), "{error}");
    assert_eq!(world.grants.lost.lock().unwrap().clone(), [error.message]);
    let error = world.fails(read(&world, "shop/a").await, &ErrorKind::NeedsRelink);
    assert!(error.message.contains("files.content.read"), "{error}");
    assert_eq!(world.count(TOKEN), 0, "no token would help");
    world.ends_with(&[]);
}

pub async fn the_account_is_suspended() {
    let world = World::new().await;
    world.fake.suspend(true);
    let error = world.fails(put(&world.patient(), "shop/a", b"a").await, &ErrorKind::PermissionDenied);
    assert!(error.message.contains("suspended"), "{error}");
    world.fails(read(&world, "shop/a").await, &ErrorKind::PermissionDenied);
    assert!(world.grants.lost.lock().unwrap().is_empty(), "linking again would not help");
    world.fake.suspend(false);
    put(&world.patient(), "shop/a", b"a").await.unwrap();
    world.ends_with(&[("shop/a", b"a")]);
}

pub async fn the_app_secret_is_wrong_by_now() {
    let world = World::new().await;
    world.fake.expire_access();
    world.fake.fail_next_token(400, "invalid_client");
    world.fails(put(&world.patient(), "shop/a", b"a").await, &ErrorKind::InvalidConfig);
    assert!(world.grants.lost.lock().unwrap().is_empty());
    world.ends_with(&[]);
}

/// Code and text together, which is not how the standard has it.
pub async fn the_token_endpoint_says_it_in_one_string() {
    let world = World::new().await;
    world.fake.expire_access();
    world.fake.fail_next_token(400, "invalid_client: Invalid client_id or client_secret");
    let error = world.fails(put(&world.patient(), "shop/a", b"a").await, &ErrorKind::InvalidConfig);
    assert!(error.message.contains("client id and client secret"), "{error}");
    assert!(world.grants.lost.lock().unwrap().is_empty());
    world.fake.fail_next_token(400, "invalid_grant: refresh token is invalid or revoked");
    let error = world.fails(put(&world.patient(), "shop/a", b"a").await, &ErrorKind::NeedsRelink);
    assert_eq!(world.grants.lost.lock().unwrap().clone(), [error.message]);
    world.ends_with(&[]);
}

pub async fn a_permission_is_missing_behind_a_token_that_has_run_out() {
    let world = World::new().await;
    world.fake.grant_scopes(Some("account_info.read files.metadata.read"));
    world.fake.expire_access();
    let error = world.fails(read(&world, "shop/a").await, &ErrorKind::NeedsRelink);
    assert!(error.message.contains("files.content.read"), "{error}");
    assert_eq!(world.grants.lost.lock().unwrap().clone(), [error.message]);
    assert_eq!(world.count(TOKEN), 1);
    world.ends_with(&[]);
}

pub async fn access_is_denied_by_the_team() {
    let world = World::new().await;
    let denied = serde_json::json!({"error": {".tag": "invalid_account_type", "invalid_account_type": {".tag": "feature"}}});
    world.fake.answer_next("get_metadata", Reply::json(403, &denied));
    world.fails(world.patient().stat("shop/a").await, &ErrorKind::PermissionDenied);
    world.ends_with(&[]);
}

pub async fn a_malformed_request_is_a_fault_to_report() {
    let world = World::new().await;
    let echo =
        format!("Bad header: \"Bearer {}\"", world.grants.stored.lock().unwrap().access_token.expose());
    let reply = Reply::text(400, &echo).with("x-dropbox-request-id", "abc123");
    world.plan(Fault::always("POST", "get_metadata", Action::Answer(reply)));
    let error = world.fails(world.patient().stat("shop/a").await, &ErrorKind::Other);
    assert!(error.message.contains("(request abc123)"), "{error}");
    assert_eq!(world.count("get_metadata"), 1);
    world.ends_with(&[]);
}

/// How much virtual time something took.
async fn takes<T>(world: &World, doing: impl Future<Output = T>) -> (T, TimeDelta) {
    let before = world.fake.time().now();
    let done = doing.await;
    (done, world.fake.time().now() - before)
}

pub async fn a_pause_of_five_minutes_is_kept_by_all() {
    let world = World::new().await;
    world.fake.limit_next(APPEND, "too_many_requests", Some(300), Some(300));
    let archive = Archive::new(SIZE);
    let (_, took) = takes(&world, world.arrives(&archive)).await;
    assert!(took >= TimeDelta::seconds(300), "{took}");
    assert_eq!(world.count("upload_session/start"), 1);
}

pub async fn a_pause_that_only_the_body_names_is_kept() {
    let world = World::new().await;
    world.fake.limit_next(APPEND, "too_many_requests", Some(120), None);
    let archive = Archive::new(SIZE);
    let (_, took) = takes(&world, world.arrives(&archive)).await;
    assert!(took >= TimeDelta::seconds(120), "{took}");
}

pub async fn a_pause_holds_for_the_other_tasks_of_the_account() {
    let world = World::new().await;
    put(&*world.storage, "shop/a", b"a").await.unwrap();
    world.fake.limit_next("get_metadata", "too_many_requests", Some(120), None);
    let asked = Some(Duration::from_secs(120));
    world.fails(world.storage.stat("shop/a").await, &ErrorKind::RateLimited { retry_after: asked });
    // A download has another way to its token.
    let (content, took) = takes(&world, read(&world, "shop/a")).await;
    assert_eq!(content.unwrap(), b"a");
    assert!(took >= TimeDelta::seconds(120), "{took}");
    world.ends_with(&[("shop/a", b"a")]);
}

pub async fn a_download_is_limited() {
    let world = World::new().await;
    put(&*world.storage, "shop/a", b"a").await.unwrap();
    world.fake.limit_next("files/download", "too_many_requests", Some(60), None);
    assert_eq!(read_small(&world.patient(), "shop/a", 10).await.unwrap(), b"a");
    world.ends_with(&[("shop/a", b"a")]);
}

pub async fn a_storm_of_limits_is_outlasted() {
    let world = World::new().await;
    for n in 0..4 {
        world.fake.limit_next(FINISH, "too_many_requests", Some(10 + n), (n % 2 == 0).then_some(10 + n));
    }
    let archive = Archive::new(SIZE);
    world.arrives(&archive).await;
    assert_eq!(world.count(APPEND), 5 + 4, "nothing but the question for the offset is sent again");
}

pub async fn a_pause_longer_than_anybody_waits_ends_the_upload() {
    let world = World::new().await;
    world.fake.limit_next(APPEND, "too_many_requests", Some(7200), Some(7200));
    let asked = Some(Duration::from_secs(7200));
    let result = world.patient().put(KEY, &Archive::new(SIZE).body()).await;
    let error = world.fails(result, &ErrorKind::RateLimited { retry_after: asked });
    assert!(error.message.contains("7200 s"), "{error}");
    world.storage.abandon(KEY).await.unwrap();
    world.ends_with(&[]);
}

pub async fn too_many_writes_at_once_are_waited_for() {
    let world = World::new().await;
    world.fake.limit_next(FINISH, "too_many_write_operations", None, None);
    world.fake.refuse_next(FINISH, &["too_many_write_operations"]);
    world.fake.refuse_next(FINISH, &["path", "too_many_write_operations"]);
    world.arrives(&Archive::new(SIZE)).await;
    assert_eq!(world.count(FINISH), 4);
    assert_eq!(world.count("upload_session/start"), 1);
}

pub async fn dropbox_is_out_of_service_and_says_for_how_long() {
    let world = World::new().await;
    world.fake.answer_next(APPEND, Reply::text(503, "maintenance").with("retry-after", "90"));
    let archive = Archive::new(SIZE);
    let (_, took) = takes(&world, world.arrives(&archive)).await;
    assert!(took >= TimeDelta::seconds(90), "{took}");
}

pub async fn an_unknown_refusal_is_tried_a_few_times_and_told() {
    let world = World::new().await;
    for _ in 0..20 {
        world.fake.refuse_next(FINISH, &["path", "blocked_by_moon_phase"]);
    }
    let error = world.fails(put(&world.patient(), "shop/a", b"a").await, &ErrorKind::Unavailable);
    assert!(error.message.contains("path/blocked_by_moon_phase"), "{error}");
    assert!(world.count(FINISH) < 10);
    world.storage.abandon("shop/a").await.unwrap();
    world.ends_with(&[]);
}

pub async fn the_account_tells_whose_it_is_and_how_full() {
    let world = World::new().await;
    world.fake.quota(2_000_000_000, 500);
    put(&*world.storage, "shop/a", b"abc").await.unwrap();
    let about = world.cloud.about().await.unwrap();
    assert_eq!((about.name.as_str(), about.id.as_str()), (EMAIL, ACCOUNT_ID));
    assert_eq!((about.total_bytes, about.used_bytes), (Some(2_000_000_000), Some(503)));
    world.fake.team_quota(7_000, 1_000);
    let about = world.cloud.about().await.unwrap();
    assert_eq!((about.total_bytes, about.used_bytes), (Some(7_000), Some(1_003)));
    world.ends_with(&[("shop/a", b"abc")]);
}

/// Walks from the consent page to a grant; `verifier` is what the exchange proves.
async fn link(
    world: &World,
    provider: &Provider,
    verifier: &str,
) -> std::result::Result<engine::storage::oauth::Grant, Error> {
    let (app, http) = (world.fake.app(), engine::storage::http::Http::new().unwrap());
    let linking = Linking { app: &app, redirect_uri: "http://localhost:8080/oauth/callback" };
    // The S256 challenge of `a-verifier`.
    let challenge = challenge_of("a-verifier");
    let page = http.get(provider.consent_url(&linking, "the state", &challenge));
    let answer = http.call(page, Duration::from_secs(5)).await?;
    assert_eq!(answer.status, 302);
    let back: reqwest::Url = answer.header("location").unwrap().parse().unwrap();
    assert!(back.as_str().starts_with("http://localhost:8080/oauth/callback?"), "{back}");
    let query: std::collections::HashMap<_, _> = back.query_pairs().into_owned().collect();
    assert_eq!(query["state"], "the state");
    let Some(code) = query.get("code") else {
        return Err(Error::new(ErrorKind::Cancelled, query["error"].clone()));
    };
    let proof = (&Secret::new(code.as_str()), &Secret::new(verifier));
    let now = world.fake.time().now();
    let grant = provider.exchange(&http, &linking, proof, 7, now).await?;
    let again = provider.exchange(&http, &linking, proof, 7, now).await;
    world.fails(again, &ErrorKind::InvalidConfig);
    Ok(grant)
}

fn challenge_of(verifier: &str) -> String {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

fn provider(world: &World) -> Provider {
    engine::storage::dropbox::provider(Some(&world.fake.url().parse().unwrap()))
}

pub async fn an_account_is_linked_through_the_consent_page() {
    let world = World::new().await;
    let grant = link(&world, &provider(&world), "a-verifier").await.unwrap();
    assert_eq!(grant.generation, 7);
    *world.grants.stored.lock().unwrap() = grant;
    world.fake.expire_access();
    world.arrives(&Archive::new(SIZE)).await;
}

pub async fn linking_goes_wrong_in_many_ways() {
    let world = World::new().await;
    let mut provider = provider(&world);
    world.fake.deny_consent(true);
    let error = world.fails(link(&world, &provider, "a-verifier").await, &ErrorKind::Cancelled);
    assert_eq!(error.message, "access_denied");
    world.fake.deny_consent(false);
    let error = world.fails(link(&world, &provider, "another").await, &ErrorKind::InvalidConfig);
    assert!(error.message.contains("Start the linking again"), "{error}");
    world.fake.grant_scopes(Some("account_info.read files.metadata.read files.content.read"));
    let error = world.fails(link(&world, &provider, "a-verifier").await, &ErrorKind::InvalidConfig);
    assert!(error.message.contains("files.content.write was not granted"), "{error}");
    world.fake.grant_scopes(None);
    world.fake.withhold_refresh_token(true);
    world.fails(link(&world, &provider, "a-verifier").await, &ErrorKind::InvalidConfig);
    world.fake.withhold_refresh_token(false);
    // Without it Dropbox gives access for a few hours alone.
    provider.authorize_extra = &[];
    world.fails(link(&world, &provider, "a-verifier").await, &ErrorKind::InvalidConfig);
    world.ends_with(&[]);
}

pub async fn a_second_driver_of_the_account_uses_the_token_that_the_first_got() {
    let mut world = World::new().await;
    world.fake.expire_access();
    world.fake.time().advance(TimeDelta::hours(5));
    put(&*world.storage, "shop/a", b"a").await.unwrap();
    let first = Arc::clone(&world.storage);
    world.restart();
    put(&*world.storage, "shop/b", b"b").await.unwrap();
    put(&*first, "shop/c", b"c").await.unwrap();
    assert_eq!(world.count(TOKEN), 1);
    world.ends_with(&[("shop/a", b"a"), ("shop/b", b"b"), ("shop/c", b"c")]);
}
