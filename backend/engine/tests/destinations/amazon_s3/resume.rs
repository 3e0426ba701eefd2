//! Uploads that are broken off: killed, dropped, given up, gone on with.

use super::world::{Halting, KEY, LARGE, PART, Unhashed, World, answer, large};
use crate::support::{bytes, pattern, put};
use aws_sdk_s3::primitives::ByteStream;
use engine::storage::{Body, BytesBody, ErrorKind, Sessions, Storage, There};
use engine::testing::fake::{Action, Fault};
use engine::testing::until_told;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub async fn killed_before_the_upload_has_an_id() {
    let world = World::new().await;
    world.once("POST", "uploads", Action::Stall);
    let (storage, body) = (world.storage(), bytes(&large()));
    let begun = || async { world.uploads().await.len() == 1 };
    tokio::select! {
        result = storage.put(KEY, &body) => panic!("the upload ended: {result:?}"),
        () = until_told("the upload has begun", begun) => {}
    }
    assert!(!world.sessions.all()[KEY].contains(&world.upload_id().await));
    world.assert_put_succeeds().await;
}

pub async fn killed_after_the_upload_has_begun() {
    let world = World::new().await;
    let body = Halting::new(large(), 0);
    let storage = world.storage();
    let begun =
        || async { world.sessions.all().get(KEY).is_some_and(|state| !state.contains("\"upload_id\":null")) };
    tokio::select! {
        result = storage.put(KEY, &body) => panic!("the upload ended: {result:?}"),
        () = until_told("the upload has begun", begun) => {}
    }
    world.assert_put_succeeds().await;
    assert_eq!(world.count("POST", "uploads"), 1);
}

pub async fn killed_in_the_middle() {
    let world = World::new().await;
    world.break_off_after(3).await;
    world.assert_put_succeeds().await;
    assert_eq!(world.count("POST", "uploads"), 1);
    for (part, times) in [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)] {
        assert_eq!(world.count("PUT", &format!("partNumber={part}")), times, "part {part}");
    }
}

pub async fn killed_before_the_end() {
    let world = World::new().await;
    world.plan(Fault::always("POST", "uploadId=", Action::Close));
    world.storage().put(KEY, &bytes(&large())).await.unwrap_err();
    world.proxy.heal();
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 5);
}

pub async fn killed_after_the_end() {
    let world = World::new().await;
    world.once("POST", "uploadId=", Action::Stall);
    let (storage, body) = (world.storage(), bytes(&large()));
    let there = || async { world.objects().await.contains_key(KEY) };
    tokio::select! {
        result = storage.put(KEY, &body) => panic!("the upload ended: {result:?}"),
        () = until_told("the object is there", there) => {}
    }
    // Giving up what is finished leaves it alone.
    let state = world.sessions.all()[KEY].clone();
    world.storage().abandon(KEY).await.unwrap();
    world.assert_end(&[(KEY, &large())]).await;
    world.sessions.save(KEY, &state).await.unwrap();
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 5, "the next pass finds it finished");
}

pub async fn abandoned_at_every_point() {
    let world = World::new().await;
    world.storage().abandon(KEY).await.unwrap();
    world.once("POST", "uploads", Action::LoseReply);
    world.storage().put(KEY, &bytes(&large())).await.unwrap_err();
    world.storage().abandon(KEY).await.unwrap();
    world.assert_end(&[]).await;
    for parts in [1, 3] {
        world.break_off_after(parts).await;
        world.storage().abandon(KEY).await.unwrap();
        world.assert_end(&[]).await;
        world.storage().abandon(KEY).await.unwrap();
    }
    world.once("POST", "uploadId=", answer(500, "InternalError"));
    world.storage().put(KEY, &bytes(&large())).await.unwrap_err();
    world.storage().abandon(KEY).await.unwrap();
    world.assert_end(&[]).await;
}

/// The server works on a part of which the client has dropped the connection.
pub async fn abandoned_while_parts_are_on_their_way() {
    let world = World::new().await;
    world.plan(Fault::always("PUT", "partNumber=2", Action::Delay(Duration::from_millis(300))));
    let (storage, body) = (world.storage(), bytes(&large()));
    let sent = || async { world.count("PUT", "partNumber=2") == 1 };
    tokio::select! {
        result = storage.put(KEY, &body) => panic!("the upload ended: {result:?}"),
        () = until_told("the part is on its way", sent) => {}
    }
    world.storage().abandon(KEY).await.unwrap();
    world.assert_end(&[]).await;
}

pub async fn a_source_that_changed_is_sent_from_its_start() {
    let world = World::new().await;
    world.break_off_after(3).await;
    let old = world.upload_id().await;
    let changed = pattern(LARGE, 8);
    world.patient().put(KEY, &bytes(&changed)).await.unwrap();
    world.assert_end(&[(KEY, &changed)]).await;
    assert_eq!(world.count("POST", "uploads"), 2);
    assert_eq!(world.count("DELETE", &format!("uploadId={old}")), 1);
}

/// So often that the `put` ends.
fn part_fails(world: &World, number: u32) {
    let fault = Fault::once("PUT", &format!("partNumber={number}"), answer(500, "InternalError"));
    world.plan(fault.times(4));
}

pub async fn content_without_a_hash_is_sent_from_its_start() {
    let world = World::new().await;
    part_fails(&world, 4);
    world.patient().put(KEY, &Unhashed(large())).await.unwrap();
    world.assert_end(&[(KEY, &large())]).await;
    assert_eq!(world.count("POST", "uploads"), 2);
}

async fn throw_away(world: &World) {
    let (id, key) = (world.upload_id().await, world.object(KEY));
    let abort = world.raw.abort_multipart_upload().bucket(&world.bucket);
    abort.key(key).upload_id(id).send().await.unwrap();
}

pub async fn an_upload_that_was_thrown_away_between_runs() {
    let world = World::new().await;
    world.break_off_after(2).await;
    throw_away(&world).await;
    world.storage().put(KEY, &bytes(&large())).await.unwrap();
    world.assert_end(&[(KEY, &large())]).await;
}

pub async fn an_upload_that_is_thrown_away_under_way() {
    let mut world = World::new().await;
    world.tuning.in_flight = 1;
    world.once("PUT", "partNumber=3", answer(404, "NoSuchUpload"));
    world.storage().put(KEY, &bytes(&large())).await.unwrap();
    assert_eq!(world.count("POST", "uploads"), 2);
    world.assert_end(&[(KEY, &large())]).await;
}

pub async fn an_upload_that_is_thrown_away_again_and_again() {
    let world = World::new().await;
    world.plan(Fault::always("PUT", "partNumber=3", answer(404, "NoSuchUpload")));
    let error = world.patient().put(KEY, &bytes(&large())).await.unwrap_err();
    world.assert_told(&error, ErrorKind::Integrity, "no longer has the unfinished upload");
    assert_eq!(world.count("POST", "uploads"), 2, "not for ever");
    world.assert_end(&[]).await;
}

/// A body that is told what of it is not sent.
struct Told(BytesBody, AtomicU64);

#[async_trait::async_trait]
impl Body for Told {
    fn size_bytes(&self) -> u64 {
        self.0.size_bytes()
    }

    fn sha256(&self) -> Option<String> {
        self.0.sha256()
    }

    async fn open(&self, offset: u64) -> std::io::Result<engine::storage::ByteStream> {
        self.0.open(offset).await
    }

    fn already_there(&self, there: &There) {
        self.1.store(there.bytes(), Ordering::Relaxed);
    }
}

pub async fn what_is_there_already_is_told_to_the_body() {
    let world = World::new().await;
    world.break_off_after(3).await;
    let body = Told(bytes(&large()), AtomicU64::new(0));
    world.storage().put(KEY, &body).await.unwrap();
    assert_eq!(body.1.load(Ordering::Relaxed), 3 * PART as u64);
    world.assert_end(&[(KEY, &large())]).await;
}

pub async fn parts_that_may_not_be_listed_are_remembered() {
    let world = World::new().await;
    world.plan(Fault::always("GET", "uploadId=", answer(403, "AccessDenied")));
    part_fails(&world, 5);
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 5 + 4);
    assert_eq!(world.count("POST", "uploads"), 1);
}

pub async fn parts_that_cannot_be_listed_are_remembered() {
    let world = World::new().await;
    world.plan(Fault::always("GET", "uploadId=", answer(501, "NotImplemented")));
    part_fails(&world, 4);
    world.storage().put(KEY, &bytes(&large())).await.unwrap_err();
    let remembered = world.sessions.all()[KEY].matches("etag").count();
    world.assert_put_succeeds().await;
    assert_eq!(world.count("POST", "uploads"), 1);
    assert_eq!(world.count("PUT", "partNumber="), 5 + 4, "{remembered} parts were remembered");
}

pub async fn an_end_that_was_lost_where_parts_may_not_be_listed() {
    let world = World::new().await;
    world.plan(Fault::always("GET", "uploadId=", answer(403, "AccessDenied")));
    world.once("POST", "uploadId=", Action::LoseReply);
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 5);
    assert_eq!(world.count("POST", "uploads"), 1);
}

/// Here this server tidies up by itself; elsewhere a lifecycle rule has to.
pub async fn uploads_that_may_not_be_listed_do_not_stop_the_next() {
    let world = World::new().await;
    world.plan(Fault::always("GET", "uploads", answer(403, "AccessDenied")));
    world.once("POST", "uploads", Action::LoseReply);
    world.assert_put_succeeds().await;
}

pub async fn a_part_with_other_content_is_sent_again() {
    let world = World::new().await;
    world.break_off_after(3).await;
    let other = world.raw.upload_part().bucket(&world.bucket).key(world.object(KEY));
    let other = other.upload_id(world.upload_id().await).part_number(2);
    other.body(ByteStream::from(pattern(PART, 99))).send().await.unwrap();
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber=2"), 2);
    assert_eq!(world.count("PUT", "partNumber=1"), 1);
}

pub async fn a_remembered_part_that_is_wrong_begins_anew() {
    let world = World::new().await;
    world.plan(Fault::always("GET", "uploadId=", answer(403, "AccessDenied")));
    part_fails(&world, 5);
    world.storage().put(KEY, &bytes(&large())).await.unwrap_err();
    let state = world.sessions.all()[KEY].clone();
    let (at, _) = state.match_indices("\"etag\":\"").next().unwrap();
    let wrong = format!("{}{}{}", &state[..at + 8], "0".repeat(32), &state[at + 8 + 32..]);
    world.sessions.save(KEY, &wrong).await.unwrap();
    world.assert_put_succeeds().await;
    assert_eq!(world.count("POST", "uploads"), 2);
}

pub async fn a_small_object_after_a_large_one_leaves_no_upload() {
    let world = World::new().await;
    world.break_off_after(2).await;
    put(&*world.storage(), KEY, b"small").await.unwrap();
    world.assert_end(&[(KEY, b"small")]).await;
}

pub async fn giving_up_is_tried_again() {
    let world = World::new().await;
    world.break_off_after(2).await;
    world.once("DELETE", "uploadId=", answer(503, "SlowDown"));
    world.once("DELETE", "uploadId=", Action::LoseReply);
    world.patient().abandon(KEY).await.unwrap();
    world.assert_end(&[]).await;
}

pub async fn giving_up_that_is_forbidden_is_told() {
    let world = World::new().await;
    world.break_off_after(2).await;
    world.once("DELETE", "uploadId=", answer(403, "AccessDenied"));
    let error = world.storage().abandon(KEY).await.unwrap_err();
    world.assert_told(&error, ErrorKind::PermissionDenied, "s3:AbortMultipartUpload");
    assert!(world.sessions.all().contains_key(KEY), "what could not be given up is not forgotten");
    world.storage().abandon(KEY).await.unwrap();
    world.assert_end(&[]).await;
}

pub async fn an_older_object_stays_until_the_new_one_is_whole() {
    let world = World::new().await;
    put(&*world.storage(), KEY, b"the old one").await.unwrap();
    world.plan(Fault::always("POST", "uploadId=", answer(500, "InternalError")));
    world.storage().put(KEY, &bytes(&large())).await.unwrap_err();
    assert_eq!(world.objects().await[KEY], b"the old one");
    world.proxy.heal();
    world.assert_put_succeeds().await;
}

pub async fn a_memory_of_another_version_does_no_harm() {
    let world = World::new().await;
    world.sessions.save(KEY, "{\"from\":\"another version\"}").await.unwrap();
    world.assert_put_succeeds().await;
    world.sessions.save(KEY, "not even JSON").await.unwrap();
    world.storage().abandon(KEY).await.unwrap();
    world.assert_end(&[(KEY, &large())]).await;
}
