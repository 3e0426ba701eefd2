//! The process ends, or the line breaks, at every single request of an upload.

use super::world::{KEY, PIECE, World};
use crate::support::{Archive, bytes};
use engine::storage::{ErrorKind, Storage};
use engine::testing::fake::{Action, Fault};
use engine::testing::until;
use std::sync::Arc;

/// The first requests of a first upload: folders, ids, a session, pieces, the end.
const REQUESTS: usize = 24;

fn at(request: usize, action: Action) -> Fault {
    Fault::once("", "/drive/v3/", action).skip(request)
}

/// Begins an upload and ends the process as soon as `request` had its effect, before anything of the answer arrived. False when the upload
/// was done before.
async fn killed_at(world: &World, request: usize, archive: &Archive) -> bool {
    world.fake.plan(at(request, Action::Stall));
    let served = world.fake.served();
    let (storage, body) = (Arc::clone(&world.storage), archive.body());
    let putting = tokio::spawn(async move { storage.put(KEY, &body).await });
    until("another task came so far", || putting.is_finished() || world.fake.served() > served + request)
        .await;
    let done = putting.is_finished();
    putting.abort();
    let _ = putting.await;
    world.fake.heal();
    !done
}

/// A first upload into folders that are not there, the second of a copy, and one that replaces: killed at every request, and gone on with
/// by another process.
pub async fn a_process_that_ends_at_any_request_is_gone_on_with() {
    let archive = Archive::new(2 * PIECE + 99);
    let mut killed = 0;
    for request in 0..REQUESTS {
        let mut world = World::new().await;
        killed += usize::from(killed_at(&world, request, &archive).await);
        world.restart();
        world.puts(KEY, &archive.body()).await;
        world.ends_with_orphans(&[(KEY, &archive.content)], 1).await;
        let folders = world.fake.folders();
        assert_eq!(folders.len(), 5, "no folder exists twice: {folders:?}");
    }
    assert!(killed > 12, "{killed}");
}

pub async fn a_process_that_ends_at_any_request_of_a_replacement() {
    let archive = Archive::new(2 * PIECE + 99);
    let mut killed = 0;
    for request in 0..REQUESTS {
        let mut world = World::new().await;
        world.puts(KEY, &bytes(b"the old one")).await;
        killed += usize::from(killed_at(&world, request, &archive).await);
        world.restart();
        let keys = world.keys().await;
        assert_eq!(keys, [KEY], "there is always one");
        world.puts(KEY, &archive.body()).await;
        world.ends_with_orphans(&[(KEY, &archive.content)], 1).await;
    }
    assert!(killed > 8, "{killed}");
}

/// Given up instead: nothing is left, or the whole.
pub async fn a_process_that_ends_at_any_request_is_given_up() {
    let archive = Archive::new(2 * PIECE + 99);
    for request in 0..REQUESTS {
        let mut world = World::new().await;
        killed_at(&world, request, &archive).await;
        world.restart();
        world.patient().abandon(KEY).await.unwrap();
        assert!(world.sessions.all().is_empty());
        let objects = world.objects();
        assert!(objects.is_empty() || objects == [(KEY.to_string(), archive.content.clone())]);
        world.clears_up(KEY).await;
        world.ends_with_orphans(&[], 1).await;
    }
}

/// The whole set of folders was made by a process whose work does not show in searches yet.
pub async fn a_process_that_ends_at_any_request_while_searches_lag() {
    let archive = Archive::new(PIECE);
    for request in 0..REQUESTS {
        let mut world = World::new().await;
        world.fake.lag(chrono::TimeDelta::hours(2));
        let killed = killed_at(&world, request, &archive).await;
        world.restart();
        world.puts(KEY, &archive.body()).await;
        if killed {
            world.ends_with_orphans(&[(KEY, &archive.content)], 1).await;
            let folders = world.fake.folders();
            assert_eq!(folders.len(), 5, "no folder exists twice: {folders:?}");
        }
    }
}

async fn every_request(action: fn() -> Action, orphans: usize) {
    let archive = Archive::new(2 * PIECE + 99);
    for request in 0..REQUESTS {
        let world = World::new().await;
        world.fake.plan(at(request, action()));
        world.puts(KEY, &archive.body()).await;
        world.ends_with_orphans(&[(KEY, &archive.content)], orphans).await;
        assert_eq!(world.fake.folders().len(), 5);
    }
}

pub async fn any_answer_is_lost() {
    every_request(|| Action::LoseReply, 1).await;
}

pub async fn any_request_is_lost() {
    every_request(|| Action::Close, 0).await;
}

pub async fn any_answer_is_a_proxy_s() {
    every_request(|| Action::Answer(engine::testing::fake::Reply::html_502()), 0).await;
}

pub async fn any_answer_is_rubbish() {
    every_request(|| Action::Garbage, 1).await;
}

pub async fn any_answer_is_cut() {
    every_request(|| Action::CutReply(10), 1).await;
}

pub async fn a_proxy_repeats_what_makes_folders() {
    let archive = Archive::new(PIECE);
    for request in 0..5 {
        let world = World::new().await;
        world.fake.plan(Fault::once("POST", "/drive/v3/files", Action::Twice).skip(request));
        world.puts(KEY, &archive.body()).await;
        world.ends_with_orphans(&[(KEY, &archive.content)], 1).await;
        assert_eq!(world.fake.folders().len(), 5);
    }
}

/// The pass is cancelled: the upload is dropped where it is, and given up.
pub async fn an_upload_that_is_dropped_and_given_up() {
    let archive = Archive::new(4 * PIECE);
    for piece in 0..4 {
        let world = World::new().await;
        world.fake.plan(Fault::once("PUT", "/upload", Action::Stall).skip(piece));
        let body = archive.body();
        tokio::select! {
            _ = world.storage.put(KEY, &body) => panic!("it never answers"),
            () = until("another task came so far", || world.fake.record().count("PUT", "/upload") > piece) => {}
        }
        world.clears_up(KEY).await;
        world.patient().remove_empty_dir("nightly/2026-11-26T02-30-00Z/files").await.unwrap();
        assert_eq!(world.fake.folders().len(), 4);
        world.ends_with(&[]).await;
    }
}

/// A body that was cancelled says so, and what was sent waits to be given up.
pub async fn a_body_that_is_cancelled() {
    use engine::storage::{Body, ByteStream, Error};
    use futures_util::StreamExt;
    struct Cancelled(Vec<u8>);
    #[async_trait::async_trait]
    impl Body for Cancelled {
        fn size_bytes(&self) -> u64 {
            2 * PIECE as u64
        }
        fn sha256(&self) -> Option<String> {
            Some("0".repeat(64))
        }
        async fn open(&self, _: u64) -> std::io::Result<ByteStream> {
            let first = bytes::Bytes::from(self.0.clone());
            let end = Error::new(ErrorKind::Cancelled, "The pass was cancelled.");
            Ok(futures_util::stream::iter([Ok(first), Err(end.into())]).boxed())
        }
    }
    let world = World::new().await;
    let error = world.put_fails(KEY, &Cancelled(vec![7; PIECE + 5])).await;
    assert_eq!(error.kind, ErrorKind::Cancelled);
    assert_eq!(world.sessions.all().len(), 1);
    world.clears_up(KEY).await;
    world.ends_with(&[]).await;
}

/// What another version of the program wrote down is not understood: it is done without.
pub async fn a_state_that_cannot_be_read() {
    use engine::storage::Sessions;
    let world = World::new().await;
    world.sessions.save(KEY, r#"{"version":99}"#).await.unwrap();
    world.sessions.save("other", "rubbish").await.unwrap();
    world.puts(KEY, &bytes(b"content")).await;
    world.patient().abandon("other").await.unwrap();
    world.ends_with(&[(KEY, b"content")]).await;
}

/// The account was exchanged for another: what was begun with the old one is out of reach, and ends by itself.
pub async fn a_session_of_another_account() {
    let world = World::new().await;
    let archive = Archive::new(3 * PIECE);
    let not_yours = || {
        let body = serde_json::json!({"error": {"errors": [{"reason": "insufficientFilePermissions"}]}});
        Action::Answer(engine::testing::fake::Reply::json(403, &body))
    };
    for key in [KEY, "other"] {
        world.fake.plan(Fault::once("PUT", "/upload", Action::Close).skip(2));
        world.put_fails(key, &archive.body()).await;
    }
    world.fake.plan(Fault::once("PUT", "/upload", not_yours()));
    world.puts(KEY, &archive.body()).await;
    world.fake.plan(Fault::once("DELETE", "/upload", not_yours()));
    world.patient().abandon("other").await.unwrap();
    world.ends_with_orphans(&[(KEY, &archive.content)], 2).await;
}
