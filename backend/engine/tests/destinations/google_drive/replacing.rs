//! A second content for a key: the old one is there until the new one is, and then only the new one.

use super::world::{DIR, KEY, PIECE, ROOT, World};
use crate::support::{Archive, bytes};
use chrono::TimeDelta;
use engine::storage::{ErrorKind, Storage, read_small};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::until;

const FILES: &str = "/drive/v3/files";

pub async fn a_new_content_shows_only_when_it_is_complete() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"the old one")).await;
    let archive = Archive::new(3 * PIECE);
    let body = archive.body();
    world.fake.plan(Fault::once("PUT", "/upload", Action::Stall).skip(1));
    let half = async {
        until("another task came so far", || world.fake.record().count("PUT", "/upload") == 3).await;
        assert_eq!(read_small(&*world.storage, KEY, 1000).await.unwrap(), b"the old one");
        assert_eq!(world.keys().await, [KEY]);
    };
    tokio::select! {
        _ = world.storage.put(KEY, &body) => panic!("it never answers"),
        () = half => {}
    }
    // Now its last answer does not come.
    world.fake.plan(Fault::once("PUT", "/upload", Action::Stall).skip(1));
    let whole = async {
        until("another task came so far", || world.objects().len() == 2).await;
        assert_eq!(world.keys().await, [KEY]);
    };
    tokio::select! {
        _ = world.storage.put(KEY, &body) => panic!("it never answers"),
        () = whole => {}
    }
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn the_old_content_stays_when_the_new_one_fails() {
    let mut world = World::new().await;
    world.puts(KEY, &bytes(b"the old one")).await;
    let archive = Archive::new(3 * PIECE);
    world.fake.plan(Fault::once("PUT", "/upload", Action::Close).skip(1));
    world.put_fails(KEY, &archive.body()).await;
    assert_eq!(read_small(&*world.storage, KEY, 1000).await.unwrap(), b"the old one");
    world.restart();
    world.storage.abandon(KEY).await.unwrap();
    world.ends_with(&[(KEY, b"the old one")]).await;
}

/// Until the old one is gone everybody reads the new one, and the next attempt takes the old one away.
pub async fn an_old_content_that_cannot_be_deleted_at_once() {
    let mut world = World::new().await;
    world.puts(KEY, &bytes(b"the old one")).await;
    world.time.advance(TimeDelta::seconds(5));
    world.fake.plan(Fault::once("DELETE", FILES, Action::Answer(Reply::html_502())));
    let new = bytes(b"the new one");
    let error = world.put_fails(KEY, &new).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(world.objects().len(), 2);
    for _ in 0..2 {
        assert_eq!(world.keys().await, [KEY], "a list shows a key once");
        assert_eq!(read_small(&*world.storage, KEY, 1000).await.unwrap(), b"the new one");
        world.restart();
    }
    world.puts(KEY, &new).await;
    world.ends_with(&[(KEY, b"the new one")]).await;
}

/// The process died between the two, and nobody comes with the content again.
pub async fn giving_up_after_the_new_content_is_complete_keeps_it_alone() {
    let mut world = World::new().await;
    world.puts(KEY, &bytes(b"the old one")).await;
    world.fake.plan(Fault::once("DELETE", FILES, Action::Close));
    world.put_fails(KEY, &bytes(b"the new one")).await;
    world.restart();
    world.patient().abandon(KEY).await.unwrap();
    world.ends_with(&[(KEY, b"the new one")]).await;
}

pub async fn a_content_is_replaced_while_searches_lag() {
    let world = World::new().await;
    world.fake.lag(TimeDelta::minutes(30));
    for content in ["one", "two", "three"] {
        world.puts(KEY, &bytes(content.as_bytes())).await;
        assert_eq!(read_small(&*world.storage, KEY, 1000).await.unwrap(), content.as_bytes());
    }
    world.ends_with(&[(KEY, b"three")]).await;
    world.time.advance(TimeDelta::hours(2));
    world.ends_with(&[(KEY, b"three")]).await;
}

/// The process ended, and what it wrote last did not show in searches yet: the next one could not know of it. Both are of the key.
pub async fn two_contents_of_one_key_are_read_as_one_and_deleted_both() {
    let mut world = World::new().await;
    world.puts("nightly/2026-11-26T02-30-00Z/files/other", &bytes(b"x")).await;
    world.time.advance(TimeDelta::hours(3));
    world.fake.lag(TimeDelta::minutes(5));
    world.puts(KEY, &bytes(b"one")).await;
    world.restart();
    world.puts(KEY, &bytes(b"two")).await;
    world.time.advance(TimeDelta::hours(1));
    assert_eq!(world.objects().len(), 3);
    world.restart();
    assert_eq!(world.keys().await, [KEY, "nightly/2026-11-26T02-30-00Z/files/other"]);
    assert_eq!(read_small(&*world.storage, KEY, 1000).await.unwrap(), b"two");
    world.patient().delete(KEY).await.unwrap();
    world.ends_with(&[("nightly/2026-11-26T02-30-00Z/files/other", b"x")]).await;
}

/// Another program with the same client id, and people, have files of that name there.
pub async fn files_of_the_same_name_that_are_not_ours_stay() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"ours")).await;
    let path = format!("{ROOT}/{KEY}");
    world.fake.human_puts(&path, b"theirs");
    world.fake.other_program_puts(&path, b"another's");
    world.puts(KEY, &bytes(b"ours again")).await;
    assert_eq!(read_small(&*world.storage, KEY, 1000).await.unwrap(), b"ours again");
    world.patient().delete(KEY).await.unwrap();
    world.patient().delete(KEY).await.unwrap();
    assert_eq!(world.storage.stat(KEY).await.unwrap_err().kind, ErrorKind::NotFound);
    world.patient().remove_empty_dir(DIR).await.unwrap();
    assert_eq!(world.fake.trashed_inside(), Vec::<String>::new(), "the folder is not empty");
    world.ends_with(&[]).await;
}

/// Somebody saved an archive by moving it into the folder of another copy, where there is one of the same name.
pub async fn a_file_that_people_moved_is_not_deleted_with_its_namesake() {
    let world = World::new().await;
    let other = "nightly/2026-11-27T02-30-00Z/files/files.tgz";
    world.puts(KEY, &bytes(b"saved")).await;
    world.puts(other, &bytes(b"swept")).await;
    let folder = format!("{ROOT}/nightly/2026-11-27T02-30-00Z/files");
    world.fake.move_into(&format!("{ROOT}/{KEY}"), &folder);
    assert_eq!(world.keys().await, [other]);
    assert_eq!(world.storage.stat(KEY).await.unwrap_err().kind, ErrorKind::NotFound);
    world.patient().delete(other).await.unwrap();
    let left = world.objects();
    assert_eq!(left, [(other.to_string(), b"saved".to_vec())], "it lies there still, under the other's name");
    assert_eq!(world.keys().await, Vec::<String>::new());
    world.fake.record().assert_clean();
}

pub async fn a_file_that_people_renamed_is_theirs() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"ours")).await;
    world.fake.rename(&format!("{ROOT}/{KEY}"), "keep this.tgz");
    assert_eq!(world.storage.stat(KEY).await.unwrap_err().kind, ErrorKind::NotFound);
    world.patient().delete(KEY).await.unwrap();
    assert_eq!(world.objects().len(), 1);
    world.puts(KEY, &bytes(b"ours again")).await;
    assert_eq!(world.keys().await, [KEY]);
    assert_eq!(world.objects().len(), 2);
    world.fake.record().assert_clean();
}

pub async fn a_file_that_people_put_into_the_trash_is_gone() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"ours")).await;
    world.fake.trash(&format!("{ROOT}/{KEY}"));
    assert_eq!(world.storage.stat(KEY).await.unwrap_err().kind, ErrorKind::NotFound);
    assert!(world.storage.open(KEY, 0).await.is_err());
    world.patient().delete(KEY).await.unwrap();
    world.ends_with(&[]).await;
    world.puts(KEY, &bytes(b"again")).await;
    world.ends_with(&[(KEY, b"again")]).await;
}

pub async fn deleting_what_is_gone_already() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"ours")).await;
    world.fake.delete(&format!("{ROOT}/{KEY}"));
    world.patient().delete(KEY).await.unwrap();
    world.patient().delete("never/was").await.unwrap();
    world.ends_with(&[]).await;
}

pub async fn the_answer_to_a_deletion_is_lost() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"ours")).await;
    world.fake.plan(Fault::once("DELETE", FILES, Action::LoseReply));
    world.patient().delete(KEY).await.unwrap();
    world.ends_with(&[]).await;
}

/// A sweep that was cut short: what is left goes with the next.
pub async fn a_sweep_that_is_cut_short() {
    let mut world = World::new().await;
    let keys = ["nightly/c/manifest.json", "nightly/c/files/files.tgz", "nightly/c/db/db.sql.gz"];
    for key in keys {
        world.puts(key, &bytes(key.as_bytes())).await;
    }
    world.fake.plan(Fault::always("DELETE", FILES, Action::Close).skip(1));
    world.storage.delete(keys[0]).await.unwrap();
    let error = world.check_error(world.storage.delete(keys[1]).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::Unavailable);
    world.fake.heal();
    world.restart();
    for key in keys {
        world.patient().delete(key).await.unwrap();
    }
    for dir in ["nightly/c/files", "nightly/c/db", "nightly/c"] {
        world.patient().remove_empty_dir(dir).await.unwrap();
    }
    assert_eq!(world.fake.folders(), ["Backups", "Backups/shop", "Backups/shop/nightly"]);
    world.ends_with(&[]).await;
}

/// On a shared drive not everybody who may write may delete for good.
pub async fn what_may_not_be_deleted_goes_to_the_trash() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"ours")).await;
    world.fake.may_not_delete(true);
    world.patient().delete(KEY).await.unwrap();
    world.ends_with(&[]).await;
}
