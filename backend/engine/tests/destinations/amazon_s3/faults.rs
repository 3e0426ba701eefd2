//! What goes wrong on the way, and at the provider.

use super::world::{KEY, LARGE, PART, World, answer, error, large};
use crate::support::{bytes, put};
use engine::storage::amazon_s3::Tuning;
use engine::storage::{Error, ErrorKind, Storage};
use engine::testing::fake::{Action, Fault, Keep, Reply};
use std::time::Duration;

pub async fn a_connection_that_drops_in_a_part_costs_that_part() {
    let world = World::new().await;
    world.once("PUT", "partNumber=3", Action::CloseAfter(1000, Keep::Nothing));
    world.assert_put_succeeds().await;
    assert_eq!(world.count("POST", "uploads"), 1);
    assert_eq!(world.count("PUT", "partNumber=3"), 2);
    assert_eq!(world.count("PUT", "partNumber="), 6, "every other part was sent once");
}

pub async fn a_connection_that_drops_before_anything_was_sent() {
    let world = World::new().await;
    world.once("POST", "uploads", Action::Close);
    world.once("PUT", "partNumber=1", Action::Close);
    world.once("POST", "uploadId=", Action::Close);
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 6);
}

pub async fn a_lost_answer_to_a_part() {
    let world = World::new().await;
    world.once("PUT", "partNumber=2", Action::LoseReply);
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 6, "sent again, which costs less than asking for it");
}

pub async fn a_lost_answer_to_the_beginning_leaves_no_second_upload() {
    let world = World::new().await;
    world.once("POST", "uploads", Action::LoseReply);
    let error = world.storage().put(KEY, &bytes(&large())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(world.uploads().await.len(), 1, "the one that nobody knows the id of");
    world.assert_put_succeeds().await;
    assert_eq!(world.count("POST", "uploads"), 2);
}

pub async fn a_lost_answer_to_the_end_is_found_out() {
    let world = World::new().await;
    world.once("POST", "uploadId=", Action::LoseReply);
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 5, "nothing was sent a second time");
    assert_eq!(world.count("POST", "uploads"), 1);
}

pub async fn an_end_that_is_repeated_on_the_way() {
    let world = World::new().await;
    world.once("POST", "uploadId=", Action::Twice);
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 5);
}

pub async fn an_error_inside_of_a_success() {
    let world = World::new().await;
    world.once("POST", "uploadId=", Action::Answer(error(200, "InternalError", "Please try again.")));
    world.assert_put_succeeds().await;
    assert_eq!(world.count("POST", "uploadId="), 2);
    assert_eq!(world.count("PUT", "partNumber="), 5);
}

pub async fn an_error_at_the_end_sends_nothing_twice() {
    let world = World::new().await;
    world.plan(Fault::once("POST", "uploadId=", answer(500, "InternalError")).times(3));
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 5);
}

pub async fn a_proxy_that_answers_in_html() {
    let world = World::new().await;
    for (method, target) in
        [("POST", "uploads"), ("PUT", "partNumber=4"), ("POST", "uploadId="), ("GET", "uploadId=")]
    {
        world.once(method, target, Action::Answer(Reply::html_502()));
    }
    world.assert_put_succeeds().await;
}

/// `404 page not found`: a proxy whose server is away. Nothing may be taken for gone because of it.
pub async fn a_proxy_that_knows_no_server_is_not_the_provider() {
    let nowhere = || Action::Answer(Reply::text(404, "404 page not found"));
    let world = World::new().await;
    for (method, target) in
        [("POST", "uploads"), ("PUT", "partNumber=4"), ("POST", "uploadId="), ("GET", "uploadId=")]
    {
        world.once(method, target, nowhere());
    }
    world.assert_put_succeeds().await;
    let storage = world.storage();
    let unavailable = |error: Error| assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    // The object's own call alone, and then the list that is asked as well.
    world.once("HEAD", KEY, nowhere());
    unavailable(storage.stat(KEY).await.unwrap_err());
    world.once("HEAD", KEY, nowhere());
    world.once("GET", "list-type", nowhere());
    unavailable(storage.stat(KEY).await.unwrap_err());
    world.once("GET", "list-type", nowhere());
    unavailable(storage.list("set").await.unwrap_err());
    world.once("DELETE", KEY, nowhere());
    unavailable(storage.delete(KEY).await.unwrap_err());
    world.assert_end(&[(KEY, &large())]).await;
    storage.delete(KEY).await.unwrap();

    world.break_off_after(2).await;
    world.once("DELETE", "uploadId=", nowhere());
    unavailable(world.storage().abandon(KEY).await.unwrap_err());
    assert_eq!((world.uploads().await.len(), world.sessions.all().len()), (1, 1), "it is not forgotten");
    world.storage().abandon(KEY).await.unwrap();
    world.assert_end(&[]).await;
}

/// Gigabytes could be sent for ever: what was sent again is no progress.
pub async fn a_server_that_forgets_parts_again_and_again_is_given_up_on() {
    let world = World::new().await;
    let no_parts = Reply::text(
        200,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>",
    );
    world.plan(Fault::always("GET", "uploadId=", Action::Answer(no_parts)));
    world.plan(Fault::always("POST", "uploadId=", answer(500, "InternalError")));
    let error = world.patient().put(KEY, &bytes(&large())).await.unwrap_err();
    world.assert_told(&error, ErrorKind::Unavailable, "just now");
    let ends = world.count("POST", "uploadId=");
    assert!((6..=7).contains(&ends), "{ends} tries");
    world.proxy.heal();
    world.storage().abandon(KEY).await.unwrap();
    world.assert_end(&[]).await;
}

/// The state was sealed with a key that is gone, or is of another version.
pub async fn an_upload_whose_memory_cannot_be_read_is_given_up_all_the_same() {
    let world = World::new().await;
    world.break_off_after(2).await;
    let key = world.sessions.all().into_keys().next().unwrap();
    engine::storage::Sessions::save(&*world.sessions, &key, "unreadable").await.unwrap();
    world.storage().abandon(KEY).await.unwrap();
    world.assert_end(&[]).await;
    world.break_off_after(2).await;
    engine::storage::Sessions::save(&*world.sessions, &key, "").await.unwrap();
    world.assert_put_succeeds().await;
    assert_eq!(world.count("POST", "uploads"), 3);
}

/// One flaky part of many does not end the `put`, which would read all of the source again.
pub async fn a_part_is_tried_again_before_the_upload_is() {
    let world = World::new().await;
    world.plan(Fault::once("PUT", "partNumber=3", answer(503, "ServiceUnavailable")).times(2));
    world.once("PUT", "partNumber=3", Action::CloseAfter(1000, Keep::Nothing));
    let before = engine::storage::time::Time::now(&world.time);
    world.storage().put(KEY, &bytes(&large())).await.unwrap();
    assert_eq!((world.count("PUT", "partNumber=3"), world.count("PUT", "partNumber=")), (4, 8));
    assert_eq!(world.count("GET", "uploadId="), 0, "nobody had to ask what has arrived");
    let waited = (engine::storage::time::Time::now(&world.time) - before).num_milliseconds();
    assert!((3_500..=7_000).contains(&waited), "one, two and four seconds, spread by half: {waited}");
    world.assert_end(&[(KEY, &large())]).await;
    // Not without an end.
    world.plan(Fault::always("PUT", "partNumber=3", answer(503, "ServiceUnavailable")));
    let error = world.storage().put("set/other", &bytes(&large())).await.unwrap_err();
    world.assert_told(&error, ErrorKind::Unavailable, "just now");
    assert!(error.advanced, "the other parts have arrived");
    assert_eq!((world.count("PUT", "partNumber=3"), world.count("PUT", "partNumber=")), (8, 16));
    // Nor what time does not mend.
    world.proxy.heal();
    world.once("PUT", "partNumber=3", answer(403, "AccessDenied"));
    let error = world.storage().put("set/other", &bytes(&large())).await.unwrap_err();
    world.assert_told(&error, ErrorKind::PermissionDenied, "s3:PutObject");
    assert_eq!(world.count("PUT", "partNumber=3"), 9);
    world.storage().abandon("set/other").await.unwrap();
    world.assert_end(&[(KEY, &large())]).await;
}

/// Longer than a pass waits between two tries: the row does not end, and the time is kept all the same.
pub async fn slow_down_for_longer_than_a_pass_waits() {
    let world = World::new().await;
    let busy = error(503, "SlowDown", "Reduce your request rate.").with("retry-after", "600");
    world.once("POST", "uploads", Action::Answer(busy));
    let before = engine::storage::time::Time::now(&world.time);
    world.assert_put_succeeds().await;
    let waited = engine::storage::time::Time::now(&world.time) - before;
    assert!(waited.num_seconds() >= 600, "{waited}");
}

pub async fn slow_down_without_a_time() {
    let world = World::new().await;
    world.plan(Fault::once("PUT", "partNumber=2", answer(503, "SlowDown")).times(3));
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 8);
}

/// `assert_clean` fails when any request comes before the five minutes are over.
pub async fn slow_down_with_a_time_is_kept_by_all() {
    let mut world = World::new().await;
    world.tuning.in_flight = 1;
    let busy = error(503, "SlowDown", "Reduce your request rate.").with("retry-after", "300");
    world.once("PUT", "partNumber=2", Action::Answer(busy));
    let before = engine::storage::time::Time::now(&world.time);
    let storage = world.storage();
    let patient = crate::support::patient(storage.clone(), &world.time);
    patient.put(KEY, &bytes(&large())).await.unwrap();
    let waited = engine::storage::time::Time::now(&world.time) - before;
    assert!(waited.num_seconds() >= 300, "{waited}");
    // Not only who was told waits.
    let busy = error(503, "SlowDown", "Reduce your request rate.").with("retry-after", "60");
    world.once("GET", "list-type", Action::Answer(busy));
    let asked = ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(60)) };
    assert_eq!(storage.list("").await.unwrap_err().kind, asked);
    put(&*storage, "other", b"x").await.unwrap();
    world.assert_end(&[("other", b"x"), (KEY, &large())]).await;
}

pub async fn too_many_requests_again_and_again() {
    let world = World::new().await;
    world.plan(Fault::once("", "/", Action::Answer(Reply::status(429))).times(5));
    world.assert_put_succeeds().await;
}

fn impatient(world: &World) -> Tuning {
    let short = Duration::from_secs(3);
    Tuning { quick: short, complete: short, ..world.tuning.clone() }
}

pub async fn a_part_that_hangs() {
    let mut world = World::new().await;
    world.tuning = impatient(&world);
    world.once("PUT", "partNumber=2", Action::Stall);
    let error = world.storage().put(KEY, &bytes(&large())).await.unwrap_err();
    world.assert_told(&error, ErrorKind::Unavailable, "did not answer within");
    assert!(error.advanced, "the other parts have arrived");
    world.assert_put_succeeds().await;
}

pub async fn an_end_that_hangs_but_happens() {
    let mut world = World::new().await;
    world.tuning = impatient(&world);
    world.once("POST", "uploadId=", Action::Stall);
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 5);
}

pub async fn a_block_that_arrived_damaged_is_sent_again() {
    let world = World::new().await;
    world.once("PUT", "partNumber=1", answer(400, "BadDigest"));
    world.once("PUT", "partNumber=5", answer(400, "XAmzContentSHA256Mismatch"));
    world.assert_put_succeeds().await;
    // What the server is given to compare is the block's own MD5.
    let mut parts =
        world.proxy.record().requests().into_iter().filter(|r| r.query.contains_key("partNumber"));
    assert!(parts.all(|r| r.header("content-md5").is_some_and(|md5| md5.len() == 24)));
}

pub async fn garbage_instead_of_an_answer() {
    let world = World::new().await;
    world.once("POST", "uploads", Action::Garbage);
    world.once("POST", "uploadId=", Action::Garbage);
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 5);
}

pub async fn half_an_answer() {
    let world = World::new().await;
    world.once("POST", "uploads", Action::CutReply(20));
    world.once("POST", "uploadId=", Action::CutReply(20));
    world.assert_put_succeeds().await;
    assert_eq!(world.count("PUT", "partNumber="), 5);
}

pub async fn a_small_object_survives_all_of_that() {
    let world = World::new().await;
    for action in [
        Action::Close,
        Action::CloseAfter(100, Keep::Nothing),
        Action::LoseReply,
        Action::Answer(Reply::html_502()),
        answer(503, "SlowDown"),
        answer(400, "BadDigest"),
        Action::Garbage,
        Action::Twice,
    ] {
        world.once("PUT", "manifest", action);
        let content = crate::support::pattern(PART, 3);
        world.patient().put("manifest.json", &bytes(&content)).await.unwrap();
        world.assert_end(&[("manifest.json", &content)]).await;
        world.storage().delete("manifest.json").await.unwrap();
    }
}

pub async fn a_destination_that_stays_down_is_given_up_on() {
    let world = World::new().await;
    world.plan(Fault::always("PUT", "partNumber=", answer(503, "ServiceUnavailable")));
    let error = world.patient().put(KEY, &bytes(&large())).await.unwrap_err();
    world.assert_told(&error, ErrorKind::Unavailable, "just now");
    let sent = world.count("PUT", "partNumber=");
    assert!((6..=6 * 12).contains(&sent), "six tries, {sent} parts");
    world.storage().abandon(KEY).await.unwrap();
    world.assert_end(&[]).await;
}

pub async fn an_etag_that_differs_at_amazon_is_a_damaged_object() {
    let mut world = World::new().await;
    world.tuning.like_amazon = Some(true);
    let other = format!("\"{}\"", "0".repeat(32));
    put(&*world.storage(), "small", b"before").await.unwrap();
    world.once("PUT", "small", Action::Answer(Reply::status(200).with("etag", &other)));
    let damaged = put(&*world.storage(), "small", b"x").await.unwrap_err();
    world.assert_told(&damaged, ErrorKind::Integrity, "is not what was sent");
    world.assert_end(&[]).await;
    // In parts, it is tried a second time.
    let xml = format!(
        "<CompleteMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><ETag>{}-5</ETag>\
         </CompleteMultipartUploadResult>",
        "0".repeat(32)
    );
    let whole = || Action::Answer(Reply { body: xml.clone().into(), ..Reply::status(200) });
    world.once("POST", "uploadId=", whole());
    world.storage().put(KEY, &bytes(&large())).await.unwrap();
    assert_eq!(world.count("POST", "uploads"), 2);
    world.assert_end(&[(KEY, &large())]).await;
    world.plan(Fault::once("POST", "uploadId=", whole()).times(2));
    let damaged = world.storage().put(KEY, &bytes(&large())).await.unwrap_err();
    world.assert_told(&damaged, ErrorKind::Integrity, "it was removed again");
    world.assert_end(&[]).await;
}

pub async fn etags_that_are_no_md5_prove_nothing() {
    for like_amazon in [false, true] {
        let mut world = World::new().await;
        world.tuning.like_amazon = Some(like_amazon);
        world.forward.make_etags_opaque();
        let stored = put(&*world.storage(), "small", b"x").await.unwrap();
        assert_eq!((stored.size_bytes, stored.sha256), (1, None));
        let stored = world.storage().put(KEY, &bytes(&large())).await.unwrap();
        assert_eq!((stored.size_bytes, stored.sha256), (LARGE as u64, None));
        world.assert_end(&[(KEY, &large()), ("small", b"x")]).await;
    }
}

pub async fn a_part_too_few_begins_anew_once() {
    let world = World::new().await;
    world.once("POST", "uploadId=", answer(400, "InvalidPart"));
    world.storage().put(KEY, &bytes(&large())).await.unwrap();
    assert_eq!(world.count("POST", "uploads"), 2);
    world.assert_end(&[(KEY, &large())]).await;
    world.plan(Fault::always("POST", "uploadId=", answer(400, "EntityTooSmall")));
    let error: Error = world.patient().put("set/other", &bytes(&large())).await.unwrap_err();
    world.assert_told(&error, ErrorKind::Integrity, "could not put the parts");
    assert_eq!(world.count("POST", "uploads"), 4, "not for ever");
    world.assert_end(&[(KEY, &large())]).await;
}

pub async fn an_early_refusal_closes_the_connection() {
    let world = World::new().await;
    world.once("PUT", "partNumber=2", Action::AnswerEarly(Reply::status(503)));
    world.once("PUT", "partNumber=3", Action::AnswerEarly(error(500, "InternalError", "x")));
    world.assert_put_succeeds().await;
}
