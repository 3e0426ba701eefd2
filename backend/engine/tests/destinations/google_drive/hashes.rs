//! What Google says of what arrived.

use super::world::{KEY, PIECE, World};
use crate::support::{Archive, bytes};
use engine::storage::{ErrorKind, Storage};
use engine::testing::fake::{Action, Fault};
use engine::testing::fakes::google_drive::Hashes;

pub async fn a_hash_that_comes_late() {
    let world = World::new().await;
    let archive = Archive::new(2 * PIECE);
    world.fake.late_hashes(2);
    let stored = world.storage.put(KEY, &archive.body()).await.unwrap();
    assert!(stored.sha256.is_some(), "it was waited for");
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_hash_that_never_comes() {
    let world = World::new().await;
    world.fake.hashes(Hashes::None);
    let stored = world.storage.put(KEY, &bytes(b"content")).await.unwrap();
    assert_eq!((stored.size_bytes, stored.sha256), (7, None), "nothing is claimed");
    world.ends_with(&[(KEY, b"content")]).await;
}

pub async fn only_an_md5() {
    let world = World::new().await;
    world.fake.hashes(Hashes::Md5);
    let stored = world.storage.put(KEY, &bytes(b"content")).await.unwrap();
    assert_eq!(stored.sha256, None);
    world.fake.lying_hashes(2);
    assert_eq!(world.put_fails("other", &bytes(b"content")).await.kind, ErrorKind::Integrity);
    world.ends_with(&[(KEY, b"content")]).await;
}

/// The whole was sent by an attempt before: for an MD5 it has to be read again.
pub async fn only_an_md5_after_the_last_answer_was_lost() {
    let mut world = World::new().await;
    let archive = Archive::new(2 * PIECE);
    world.fake.hashes(Hashes::Md5);
    world.fake.plan(Fault::once("PUT", "/upload", Action::LoseReply).skip(1));
    world.put_fails(KEY, &archive.body()).await;
    world.restart();
    world.puts(KEY, &archive.body()).await;
    assert_eq!(world.fake.record().count("PUT", "/upload"), 3);
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_content_that_arrives_damaged_is_sent_again() {
    let world = World::new().await;
    let archive = Archive::new(2 * PIECE);
    world.fake.lying_hashes(1);
    world.puts(KEY, &archive.body()).await;
    assert_eq!(world.fake.record().count("PUT", "/upload"), 4);
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_content_that_always_arrives_damaged_is_not_kept() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"the old one")).await;
    world.fake.lying_hashes(2);
    let error = world.put_fails(KEY, &bytes(b"the new one")).await;
    assert_eq!(error.kind, ErrorKind::Integrity);
    assert!(error.message.contains("it was deleted there"), "{error}");
    world.ends_with(&[(KEY, b"the old one")]).await;
}

/// It came to its end unseen, and is damaged: who gives it up takes it away.
pub async fn giving_up_takes_a_damaged_content_away() {
    let mut world = World::new().await;
    let archive = Archive::new(2 * PIECE);
    world.fake.lying_hashes(1);
    world.fake.plan(Fault::once("PUT", "/upload", Action::LoseReply).skip(1));
    world.put_fails(KEY, &archive.body()).await;
    assert_eq!(world.objects().len(), 1);
    world.restart();
    world.patient().abandon(KEY).await.unwrap();
    world.ends_with(&[]).await;
}
