//! Room, and requests that are too many.

use super::support::{KEY, Rig, SIZE, failed, killed_after, kind};
use crate::support::{Archive, put};
use chrono::TimeDelta;
use engine::storage::ErrorKind;
use engine::storage::one_drive::GRANULE;
use engine::storage::time::Time;
use engine::testing::fake::{Action, Fault, Reply};
use std::time::Duration;

fn wait(status: u16, seconds: &str) -> Action {
    let body = serde_json::json!({"error": {"code": "activityLimitReached", "message": "slow down"}});
    Action::Answer(Reply::json(status, &body).with("retry-after", seconds))
}

pub async fn graph_asks_for_waits_of_five_minutes() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    let began = rig.fake.time().now();
    rig.fake.graph().plan(Fault::once("", "/v1.0/", wait(429, "300")).times(2));
    rig.fake.graph().plan(Fault::once("POST", "createUploadSession", wait(503, "300")).times(2));
    rig.put(&archive).await.unwrap();
    assert!(rig.fake.time().now() - began >= TimeDelta::seconds(4 * 300));
    rig.assert_stored(&archive.content).await;
}

pub async fn the_session_asks_for_a_wait_that_holds_for_the_whole_account() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.content().plan(Fault::once("PUT", "/up/", wait(429, "41")).skip(2));
    let began = rig.fake.time().now();
    let error = failed(rig.storage.put(KEY, &archive.body()).await);
    assert_eq!(error.kind, ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(41)) });
    assert!(error.advanced, "two fragments were kept");
    rig.storage.list("").await.unwrap();
    assert!(rig.fake.time().now() - began >= TimeDelta::seconds(41), "Graph is not asked before either");
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
}

pub async fn the_bandwidth_limit_has_its_own_status() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.content().plan(Fault::once("PUT", "/up/", wait(509, "30")).skip(4));
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
}

pub async fn a_limit_without_a_wait_is_waited_for_as_long_as_failures_are() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    let limited = Action::Answer(Reply::status(429));
    rig.fake.content().plan(Fault::once("PUT", "/up/", limited.clone()).times(3));
    rig.fake.graph().plan(Fault::once("", "/v1.0/", limited));
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
}

pub async fn a_wait_of_an_hour_is_for_a_later_run() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 2).await;
    rig.fake.content().plan(Fault::once("PUT", "/up/", wait(429, "3600")));
    let expected = ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(3600)) };
    assert_eq!(kind(rig.put(&archive).await), expected);
    rig.fake.time().advance(TimeDelta::hours(2));
    rig.put(&archive).await.unwrap();
    assert_eq!(rig.sessions_opened(), 1);
    rig.assert_stored(&archive.content).await;
}

pub async fn token_requests_are_limited() {
    let rig = Rig::new().await;
    rig.fake.expire_access();
    rig.fake.graph().plan(Fault::once("POST", "/token", wait(429, "20")));
    let began = rig.fake.time().now();
    put(&rig.patient(), KEY, b"x").await.unwrap();
    assert!(rig.fake.time().now() - began >= TimeDelta::seconds(20));
    rig.assert_stored(b"x").await;
}

pub async fn an_account_without_room_says_so_before_the_first_byte() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.set(|k| k.quota = Some(SIZE as u64 - 1));
    let error = failed(rig.put(&archive).await);
    assert_eq!(error.kind, ErrorKind::QuotaExceeded);
    assert!(error.message.contains("0.0 of 0.0 GiB used"), "{error}");
    assert_eq!(rig.fragments().len(), 0);
    rig.assert_abandoned().await;
}

pub async fn the_account_gets_full_in_the_middle() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.set(|k| {
        k.size_refused = true;
        k.quota = Some(3 * GRANULE);
        k.lower_case_inner_error = true;
    });
    let error = failed(rig.put(&archive).await);
    assert_eq!(error.kind, ErrorKind::QuotaExceeded);
    assert!(error.message.contains("empty the recycle bin"), "{error}");
    assert_eq!(rig.fragments().len(), 4, "it is not tried again");
    // Whoever frees some room can go on.
    rig.fake.set(|k| k.quota = None);
    rig.put(&archive).await.unwrap();
    assert_eq!(rig.sent_bytes(), SIZE as u64 + GRANULE);
    rig.assert_stored(&archive.content).await;
}

pub async fn the_refusal_of_a_full_account_is_lost_with_the_connection() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 2).await;
    rig.fake.put_foreign("Pictures/whale.tiff", &[1; 1000]);
    rig.fake.set(|k| k.quota = Some(1000));
    rig.fake.content().plan(Fault::always(
        "PUT",
        "/up/",
        Action::CloseAfter(10, engine::testing::fake::Keep::Nothing),
    ));
    let error = failed(rig.put(&archive).await);
    assert_eq!(error.kind, ErrorKind::QuotaExceeded);
    rig.fake.content().heal();
    rig.storage.abandon(KEY).await.unwrap();
    rig.assert_nothing_open();
    rig.assert_clean();
}

pub async fn a_server_refuses_early_and_hangs_up() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 2).await;
    rig.fake.put_foreign("Pictures/whale.tiff", &[1; 1000]);
    rig.fake.set(|k| k.quota = Some(1000));
    let full = Reply::json(507, &serde_json::json!({"error": {"code": "quotaLimitReached"}}));
    rig.fake.content().plan(Fault::always("PUT", "/up/", Action::AnswerEarly(full)));
    assert_eq!(kind(rig.put(&archive).await), ErrorKind::QuotaExceeded);
    rig.fake.content().heal();
    rig.storage.abandon(KEY).await.unwrap();
    rig.assert_nothing_open();
    rig.assert_clean();
}

pub async fn a_small_object_finds_no_room() {
    let rig = Rig::new().await;
    rig.fake.set(|k| k.quota = Some(1));
    assert_eq!(kind(put(&rig.patient(), KEY, b"xx").await), ErrorKind::QuotaExceeded);
    rig.assert_abandoned().await;
}

pub async fn the_recycle_bin_takes_the_room() {
    let rig = Rig::new().await;
    rig.fake.set(|k| k.quota = Some(700));
    put(&rig.patient(), KEY, &[1; 600]).await.unwrap();
    rig.storage.delete(KEY).await.unwrap();
    let error = failed(put(&rig.patient(), KEY, &[1; 600]).await);
    assert_eq!(error.kind, ErrorKind::QuotaExceeded);
    assert!(error.message.contains("recycle bin"), "{error}");
    rig.fake.empty_bin();
    put(&rig.patient(), KEY, &[1; 600]).await.unwrap();
    rig.assert_stored(&[1; 600]).await;
}

pub async fn a_policy_denies_access() {
    for (status, code) in [(403, "accessDenied"), (403, "serviceReadOnly")] {
        let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
        let denied = Reply::json(status, &serde_json::json!({"error": {"code": code}}));
        rig.fake.graph().plan(Fault::once("POST", "createUploadSession", Action::Answer(denied)));
        assert_eq!(kind(rig.put(&archive).await), ErrorKind::PermissionDenied, "{code}");
        rig.assert_abandoned().await;
    }
}

pub async fn the_account_has_no_drive() {
    let rig = Rig::new().await;
    let none = Reply::json(404, &serde_json::json!({"error": {"code": "resourceNotFound"}}));
    rig.fake.graph().plan(Fault::always("", "/v1.0/", Action::Answer(none)));
    assert_eq!(kind(put(&rig.patient(), KEY, b"x").await), ErrorKind::InvalidConfig);
    assert_eq!(kind(rig.storage.list("").await), ErrorKind::InvalidConfig, "this is no empty list");
    rig.fake.graph().heal();
    rig.assert_abandoned().await;
}
