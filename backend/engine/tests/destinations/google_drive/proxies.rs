//! A proxy, or the sign-in page of a network, answers in Google's place: what it says is not Google's word, and no token goes where it
//! points to.

use super::world::{DIR, KEY, PIECE, World};
use crate::support::{Archive, bytes, pattern};
use engine::storage::{Error, ErrorKind, Result, Sessions};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::fakes::google_drive::FakeGoogleDrive;
use engine::testing::fakes::proxy;
use futures_util::StreamExt;

const UPLOAD: &str = "/upload/drive/v3/files";
const FILES: &str = "/drive/v3/files";
const SIZE: usize = 4 * PIECE + 4321;

pub async fn a_proxy_s_refusal_is_not_the_end_of_a_session() {
    for status in [400, 404, 409, 410, 412, 416] {
        let world = World::new().await;
        let archive = Archive::new(SIZE);
        // A piece, and the question how far it is.
        world.fake.plan(Fault::once("PUT", UPLOAD, proxy(status)).skip(2).times(2));
        world.puts(KEY, &archive.body()).await;
        assert_eq!(world.fake.record().count("POST", UPLOAD), 1, "{status}");
        world.ends_with(&[(KEY, &archive.content)]).await;
    }
}

pub async fn a_proxy_s_conflict_takes_no_id() {
    let world = World::new().await;
    for what in ["/drive/v3/files?", "/upload/drive/v3/files?"] {
        world.fake.plan(Fault::once("POST", what, proxy(409)));
        let error = world.put_fails(KEY, &bytes(b"ours")).await;
        assert_eq!((error.kind, world.sessions.all().len()), (ErrorKind::Unavailable, 1), "{what}");
    }
    world.puts(KEY, &bytes(b"ours")).await;
    assert_eq!(world.fake.record().count("GET", "generateIds"), 1, "those that were given out hold");
    world.ends_with(&[(KEY, b"ours")]).await;
}

pub async fn a_proxy_s_answer_does_not_end_a_session() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.plan(Fault::once("PUT", UPLOAD, Action::Close).skip(2));
    world.put_fails(KEY, &archive.body()).await;
    for status in [200, 400, 404, 410] {
        world.fake.plan(Fault::once("DELETE", UPLOAD, proxy(status)));
        let error = world.check_error(world.storage.abandon(KEY).await.unwrap_err());
        assert_eq!(error.kind, ErrorKind::Unavailable, "{status}");
        assert_eq!((world.sessions.all().len(), world.fake.open_sessions()), (1, 1), "{status}");
    }
    world.clears_up(KEY).await;
    world.ends_with(&[]).await;
}

/// With each request of an upload goes the token.
pub async fn no_upload_goes_on_at_another_host() {
    let mut world = World::new().await;
    let elsewhere = FakeGoogleDrive::start().await.unwrap();
    let session = format!("{}{UPLOAD}?uploadType=resumable&upload_id=AFakeUploadCapability", elsewhere.url());
    let archive = Archive::new(SIZE);
    let there = |status| Action::Answer(Reply::status(status).with("location", session.as_str()));
    world.fake.plan(Fault::once("POST", UPLOAD, there(200)));
    assert_eq!(world.put_fails(KEY, &archive.body()).await.kind, ErrorKind::Unavailable);
    world.fake.plan(Fault::once("PUT", UPLOAD, there(308)).skip(1));
    assert_eq!(world.put_fails(KEY, &archive.body()).await.kind, ErrorKind::Unavailable);
    world.puts(KEY, &archive.body()).await;
    assert_eq!(world.fake.record().count("POST", UPLOAD), 2, "the session is gone on with where it is");
    world.ends_with(&[(KEY, &archive.content)]).await;
    // What is remembered is looked at too: the base may have been another.
    for given_up in [false, true] {
        world.fake.plan(Fault::once("PUT", UPLOAD, Action::Close).skip(1));
        world.put_fails("other", &archive.body()).await;
        let state = &world.sessions.all()["other"];
        let mut state: serde_json::Value = serde_json::from_str(state).unwrap();
        state["session"] = session.as_str().into();
        world.sessions.save("other", &state.to_string()).await.unwrap();
        world.restart();
        if given_up {
            world.storage.abandon("other").await.unwrap();
        }
        world.puts("other", &archive.body()).await;
    }
    assert_eq!(elsewhere.record().requests().len(), 0, "no token went there");
    world.ends_with_orphans(&[(KEY, &archive.content), ("other", &archive.content)], 2).await;
}

pub async fn a_sign_in_page_is_no_deletion() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"ours")).await;
    for status in [200, 202] {
        world.fake.plan(Fault::once("DELETE", FILES, proxy(status)));
        assert_eq!(world.storage.delete(KEY).await.unwrap_err().kind, ErrorKind::Unavailable, "{status}");
    }
    world.fake.may_not_delete(true);
    world.fake.plan(Fault::once("PATCH", FILES, proxy(200)));
    assert_eq!(world.storage.delete(KEY).await.unwrap_err().kind, ErrorKind::Unavailable);
    world.ends_with(&[(KEY, b"ours")]).await;
    world.storage.delete(KEY).await.unwrap();
    world.fake.plan(Fault::once("PATCH", FILES, proxy(200)));
    let removed = world.storage.remove_empty_dir(DIR).await;
    assert_eq!(removed.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(world.fake.folders().len(), 5);
    world.storage.remove_empty_dir(DIR).await.unwrap();
    assert_eq!(world.fake.folders().len(), 4);
    world.ends_with(&[]).await;
}

pub async fn a_sign_in_page_is_no_new_folder() {
    let world = World::new().await;
    world.fake.plan(Fault::once("POST", "/drive/v3/files?", proxy(200)).skip(1));
    assert_eq!(world.put_fails(KEY, &bytes(b"ours")).await.kind, ErrorKind::Unavailable);
    world.puts(KEY, &bytes(b"ours")).await;
    assert_eq!(world.fake.folders().len(), 5);
    world.ends_with(&[(KEY, b"ours")]).await;
}

/// One try, all of it.
async fn read(world: &World, offset: u64) -> Result<Vec<u8>> {
    let mut stream = world.storage.open(KEY, offset).await?;
    let mut all = Vec::new();
    while let Some(piece) = stream.next().await {
        all.extend_from_slice(&piece.map_err(Error::from)?);
    }
    Ok(all)
}

pub async fn only_the_content_and_all_of_it_is_given_out() {
    let world = World::new().await;
    let content = pattern(500, 7);
    world.puts(KEY, &bytes(&content)).await;
    let part = |range: &str, length: usize| {
        let reply = Reply { body: vec![7; length].into(), ..Reply::status(206) };
        Action::Answer(if range.is_empty() { reply } else { reply.with("content-range", range) })
    };
    let whole = |length: usize| Action::Answer(Reply { body: vec![7; length].into(), ..Reply::status(200) });
    for (offset, action) in [
        (0, proxy(200)),
        (9, proxy(200)),
        (0, proxy(204)),
        (0, whole(0)),
        (0, whole(499)),
        (0, whole(501)),
        (9, whole(491)),
        (9, part("", 491)),
        (9, part("bytes 10-499/500", 490)),
        (9, part("bytes 9-498/500", 490)),
        (9, part("bytes 9-500/501", 492)),
    ] {
        world.fake.plan(Fault::once("GET", "alt=media", action.clone()));
        let error = world.check_error(read(&world, offset).await.expect_err(&format!("{offset} {action:?}")));
        assert_eq!(error.kind, ErrorKind::Unavailable, "{offset} {action:?}");
        assert!(read(&world, offset).await.unwrap() == content[usize::try_from(offset).unwrap()..]);
    }
    world.ends_with(&[(KEY, &content)]).await;
}
