//! Full accounts, throttling, and what an administrator has to put right.

use super::world::{KEY, PIECE, World};
use crate::support::{Archive, bytes};
use engine::storage::{Cloud, ErrorKind, Storage};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::fakes::google_drive::{ACCOUNT_ID, EMAIL};
use std::time::Duration;

pub async fn an_account_that_is_full_before_an_upload() {
    let world = World::new().await;
    world.puts("old", &bytes(&[7; 1000])).await;
    world.fake.quota(Some(1500));
    let error = world.put_fails(KEY, &bytes(&[8; 1000])).await;
    assert_eq!(error.kind, ErrorKind::QuotaExceeded);
    assert!(error.message.contains(EMAIL) && error.message.contains("used"), "{error}");
    world.clears_up(KEY).await;
    world.ends_with(&[("old", &[7; 1000])]).await;
}

/// It fills while the upload is under way: only the last byte finds it out.
pub async fn an_account_that_fills_during_an_upload() {
    let world = World::new().await;
    let archive = Archive::new(3 * PIECE);
    world.fake.quota(Some(4 * PIECE as u64));
    world.fake.plan(Fault::once("PUT", "/upload", Action::Close).skip(2));
    world.put_fails(KEY, &archive.body()).await;
    world.fake.human_puts("holiday.mp4", &vec![0; 2 * PIECE]);
    let error = world.check_error(world.patient().put(KEY, &archive.body()).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::QuotaExceeded);
    // Somebody makes room: what was sent is not sent again.
    world.fake.quota(None);
    let sent = world.fake.record().count("PUT", "/upload");
    world.puts(KEY, &archive.body()).await;
    assert!(world.fake.record().count("PUT", "/upload") <= sent + 2);
    world.ends_with(&[(KEY, &archive.content)]).await;
}

/// The answer comes before the body was read, and the connection is closed: the client may see either.
pub async fn an_account_that_is_full_and_says_so_early() {
    let world = World::new().await;
    let archive = Archive::new(3 * PIECE);
    let body = r#"{"error":{"code":403,"errors":[{"reason":"storageQuotaExceeded"}]}}"#;
    world.fake.plan(Fault::always("PUT", "/upload", Action::AnswerEarly(Reply::text(403, body))));
    let error = world.check_error(world.patient().put(KEY, &archive.body()).await.unwrap_err());
    assert!(matches!(error.kind, ErrorKind::QuotaExceeded | ErrorKind::Unavailable), "{error:?}");
    world.clears_up(KEY).await;
    world.ends_with(&[]).await;
}

pub async fn a_storm_of_429_with_long_waits() {
    let world = World::new().await;
    let archive = Archive::new(3 * PIECE);
    let busy = || Action::Answer(Reply::status(429).with("retry-after", "300"));
    world.fake.plan(Fault::once("", "/drive/v3", busy()).times(2).skip(1));
    world.fake.plan(Fault::once("PUT", "/upload", busy()).times(3).skip(1));
    let begun = engine::storage::time::Time::now(&world.time);
    world.puts(KEY, &archive.body()).await;
    let waited = engine::storage::time::Time::now(&world.time) - begun;
    assert!(waited.num_seconds() >= 1500, "{waited}");
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_wait_that_is_too_long_is_left_for_another_pass() {
    let world = World::new().await;
    let busy = Action::Answer(Reply::status(503).with("retry-after", "3600"));
    world.fake.plan(Fault::once("POST", "/upload", busy));
    let error = world.check_error(world.patient().put(KEY, &bytes(b"x")).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(3600)) });
    world.time.advance(chrono::TimeDelta::hours(1));
    world.puts(KEY, &bytes(b"x")).await;
    world.ends_with(&[(KEY, b"x")]).await;
}

/// All tasks of an account keep the pause that one of them was told.
pub async fn a_pause_is_everybody_s() {
    let world = World::new().await;
    for n in 0..4 {
        world.puts(&format!("x{n}"), &bytes(b"x")).await;
    }
    let reply =
        Reply::json(403, &serde_json::json!({"error": {"errors": [{"reason": "userRateLimitExceeded"}]}}));
    world.fake.plan(Fault::once("GET", "/drive/v3", Action::Answer(reply.with("retry-after", "120"))));
    let told = world.check_error(world.storage.stat("x0").await.unwrap_err());
    assert_eq!(told.kind, ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(120)) });
    let (a, b, c) = tokio::join!(world.storage.stat("x1"), world.storage.stat("x2"), world.storage.list(""));
    a.unwrap();
    b.unwrap();
    c.unwrap();
    world.fake.record().assert_clean();
    let all: Vec<String> = (0..4).map(|n| format!("x{n}")).collect();
    world.ends_with(&all.iter().map(|key| (key.as_str(), b"x".as_slice())).collect::<Vec<_>>()).await;
}

pub async fn a_burst_of_rate_limits() {
    let world = World::new().await;
    let archive = Archive::new(2 * PIECE);
    world.fake.burst(403, "userRateLimitExceeded", 4);
    world.puts(KEY, &archive.body()).await;
    world.fake.burst(403, "rateLimitExceeded", 3);
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

/// The 750 GB of a day have no reason of their own.
pub async fn a_limit_that_does_not_end() {
    let world = World::new().await;
    let archive = Archive::new(2 * PIECE);
    world.fake.plan(Fault::once("PUT", "/upload", Action::Close).skip(1));
    world.put_fails(KEY, &archive.body()).await;
    world.fake.burst(403, "userRateLimitExceeded", usize::MAX);
    let error = world.check_error(world.patient().put(KEY, &archive.body()).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::RateLimited { retry_after: None });
    assert!(error.message.contains("750 GB"), "{error}");
    world.fake.burst(403, "", 0);
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

async fn final_refusal(reason: &str) -> (World, engine::storage::Error) {
    let world = World::new().await;
    world.fake.burst(403, reason, 1);
    let error = world.check_error(world.patient().put(KEY, &bytes(b"x")).await.unwrap_err());
    world.clears_up(KEY).await;
    world.ends_with(&[]).await;
    (world, error)
}

pub async fn the_limit_of_a_day_is_not_waited_for() {
    let (world, error) = final_refusal("dailyLimitExceeded").await;
    assert!(matches!(error.kind, ErrorKind::RateLimited { .. }));
    assert_eq!(world.fake.record().count("POST", "/upload"), 0);
}

pub async fn an_api_that_is_not_enabled() {
    let (_, error) = final_refusal("accessNotConfigured").await;
    assert_eq!(error.kind, ErrorKind::InvalidConfig);
    assert!(error.message.contains("Enable it"), "{error}");
}

pub async fn a_permission_that_was_not_granted() {
    let (world, error) = final_refusal("insufficientPermissions").await;
    assert_eq!(error.kind, ErrorKind::NeedsRelink);
    assert_eq!(world.told()[0], format!("lost: {}", error.message));
}

pub async fn a_policy_that_forbids_it() {
    let (_, error) = final_refusal("domainPolicy").await;
    assert_eq!(error.kind, ErrorKind::PermissionDenied);
    assert!(error.message.contains("domainPolicy"), "{error}");
}

pub async fn too_many_files() {
    let (_, error) = final_refusal("activeItemCreationLimitExceeded").await;
    assert_eq!(error.kind, ErrorKind::QuotaExceeded);
    assert!(error.message.contains("number of files"), "{error}");
}

pub async fn who_the_account_belongs_to_and_how_full_it_is() {
    let world = World::new().await;
    world.puts(KEY, &bytes(&[1; 500])).await;
    let info = world.drive.about().await.unwrap();
    assert_eq!((info.name.as_str(), info.id.as_str()), (EMAIL, ACCOUNT_ID));
    assert_eq!((info.total_bytes, info.used_bytes), (None, Some(500)));
    world.fake.quota(Some(15 << 30));
    assert_eq!(world.drive.about().await.unwrap().total_bytes, Some(15 << 30));
    world.fake.burst(403, "accessNotConfigured", 1);
    let error = world.check_error(world.drive.about().await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::InvalidConfig);
    world.ends_with(&[(KEY, &[1; 500])]).await;
}
