//! Folders that people and lagging searches play tricks with.

use super::world::{DIR, KEY, PIECE, ROOT, World};
use crate::support::{Archive, bytes};
use chrono::TimeDelta;
use engine::storage::{Cloud, ErrorKind, Storage, read_small};
use engine::testing::fake::{Action, Fault};
use engine::testing::until;

fn path(below: &str) -> String {
    format!("{ROOT}/{below}")
}

/// An upload stops half-way, something happens to its folder, and it goes on.
async fn a_folder_goes_while_an_upload_waits(goes: fn(&World)) {
    let mut world = World::new().await;
    let archive = Archive::new(3 * PIECE);
    world.fake.plan(Fault::once("PUT", "/upload", Action::Close).skip(2));
    world.put_fails(KEY, &archive.body()).await;
    goes(&world);
    world.restart();
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_folder_that_goes_to_the_trash_between_two_runs() {
    a_folder_goes_while_an_upload_waits(|world| world.fake.trash(&path(DIR))).await;
}

pub async fn a_folder_above_that_goes_to_the_trash_between_two_runs() {
    a_folder_goes_while_an_upload_waits(|world| world.fake.trash("Backups")).await;
}

pub async fn a_folder_that_is_deleted_between_two_runs() {
    a_folder_goes_while_an_upload_waits(|world| world.fake.delete(&path("nightly"))).await;
}

pub async fn a_folder_that_is_renamed_between_two_runs() {
    a_folder_goes_while_an_upload_waits(|world| world.fake.rename(&path(DIR), "old files")).await;
}

/// The same process does not know of it: what it believed to know is found out to be wrong.
pub async fn folders_that_go_between_two_uploads_of_one_process() {
    for gone in ["Backups", "Backups/shop/nightly", &path(DIR)] {
        let world = World::new().await;
        world.puts(KEY, &bytes(b"one")).await;
        world.fake.trash(gone);
        world.puts(KEY, &bytes(b"two")).await;
        world.ends_with(&[(KEY, b"two")]).await;
    }
}

/// It goes after the session was opened: the file comes to lie in the trash, and is sent again.
pub async fn a_folder_that_goes_to_the_trash_during_an_upload() {
    let world = World::new().await;
    let archive = Archive::new(3 * PIECE);
    let body = archive.body();
    world
        .fake
        .plan(Fault::once("PUT", "/upload", Action::Delay(std::time::Duration::from_millis(60))).skip(1));
    let people = async {
        until("another task came so far", || world.fake.record().count("PUT", "/upload") == 2).await;
        world.fake.trash(&path(DIR));
    };
    let (stored, ()) = tokio::join!(world.storage.put(KEY, &body), people);
    assert_eq!(stored.unwrap().size_bytes, archive.content.len() as u64);
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_folder_that_is_deleted_during_an_upload() {
    let world = World::new().await;
    let archive = Archive::new(3 * PIECE);
    let body = archive.body();
    world
        .fake
        .plan(Fault::once("PUT", "/upload", Action::Delay(std::time::Duration::from_millis(60))).skip(1));
    let people = async {
        until("another task came so far", || world.fake.record().count("PUT", "/upload") == 2).await;
        world.fake.delete(&path(DIR));
    };
    let (first, ()) = tokio::join!(world.storage.put(KEY, &body), people);
    if let Err(error) = first {
        assert_eq!(world.check_error(error).kind, ErrorKind::Unavailable);
    }
    world.puts(KEY, &body).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

/// What reads looks again after a minute.
pub async fn a_folder_that_people_move_away_and_replace() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"one")).await;
    world.fake.rename(&path("nightly"), "kept");
    world.time.advance(TimeDelta::minutes(2));
    assert_eq!(world.keys().await, Vec::<String>::new().as_slice());
    assert_eq!(world.storage.stat(KEY).await.unwrap_err().kind, ErrorKind::NotFound);
    world.patient().delete(KEY).await.unwrap();
    world.puts(KEY, &bytes(b"two")).await;
    assert_eq!(world.objects().len(), 2, "what was moved away is not touched");
    assert_eq!(world.keys().await, [KEY]);
    world.fake.record().assert_clean();
}

/// Two servers made the same folder: the older one is written to, and both are read.
pub async fn a_folder_that_exists_twice() {
    let mut world = World::new().await;
    world.puts(KEY, &bytes(b"one")).await;
    let second = "nightly/2026-11-26T02-30-00Z/files/two";
    world.fake.double_folder(&path(DIR));
    world.fake.double_folder(&path("nightly"));
    world.restart();
    world.puts(second, &bytes(b"two")).await;
    let folders = world.fake.folders();
    assert_eq!(folders.len(), 7, "nothing is merged, and no third is made: {folders:?}");
    world.ends_with(&[(KEY, b"one"), (second, b"two")]).await;
}

/// A process that ended at once, and another that could not see what it had made yet: everything is there twice, and all of it is read.
pub async fn folders_that_exist_twice_with_files_in_both() {
    let mut world = World::new().await;
    let other = "nightly/2026-11-26T02-30-00Z/files/other";
    world.fake.lag(TimeDelta::minutes(10));
    world.puts(KEY, &bytes(b"one")).await;
    world.restart();
    world.puts(other, &bytes(b"two")).await;
    world.time.advance(TimeDelta::hours(2));
    assert_eq!(world.fake.folders().len(), 10);
    world.restart();
    assert_eq!(world.keys().await, [KEY, other]);
    world.ends_with(&[(KEY, b"one"), (other, b"two")]).await;
    for key in [KEY, other] {
        world.patient().delete(key).await.unwrap();
    }
    world.patient().remove_empty_dir(DIR).await.unwrap();
    assert_eq!(world.fake.folders().len(), 8, "both are empty, and both go");
    world.time.advance(TimeDelta::hours(2));
    world.ends_with(&[]).await;
}

pub async fn searches_that_lag() {
    let world = World::new().await;
    world.fake.lag(TimeDelta::hours(1));
    let keys = ["nightly/a/files/x", "nightly/a/manifest.json", "nightly/b/files/x"];
    for key in keys {
        world.puts(key, &bytes(key.as_bytes())).await;
    }
    assert_eq!(world.keys().await, keys);
    let below = world.patient().list("nightly/a").await.unwrap();
    assert_eq!(below.entries.len(), 2);
    world.patient().remove_empty_dir("nightly/a/files").await.unwrap();
    world.patient().remove_empty_dir("nightly/a").await.unwrap();
    world.patient().remove_empty_dir("nightly").await.unwrap();
    assert_eq!(world.fake.folders().len(), 7, "what does not show yet is there nevertheless");
    world.patient().delete("nightly/a/files/x").await.unwrap();
    world.patient().remove_empty_dir("nightly/a/files").await.unwrap();
    assert_eq!(world.fake.folders().len(), 6);
    let left: Vec<(&str, &[u8])> = keys[1..].iter().map(|key| (*key, key.as_bytes())).collect();
    world.ends_with(&left).await;
    world.time.advance(TimeDelta::hours(3));
    world.ends_with(&left).await;
}

/// Searches show for a while what is gone.
pub async fn searches_that_show_what_is_gone() {
    let world = World::new().await;
    world.puts("nightly/a/x", &bytes(b"x")).await;
    world.puts("nightly/b/y", &bytes(b"y")).await;
    world.time.advance(TimeDelta::hours(3));
    world.fake.lag(TimeDelta::minutes(30));
    world.patient().delete("nightly/a/x").await.unwrap();
    assert_eq!(world.keys().await, ["nightly/b/y"]);
    assert_eq!(world.storage.stat("nightly/a/x").await.unwrap_err().kind, ErrorKind::NotFound);
    world.patient().delete("nightly/a/x").await.unwrap();
    world.patient().remove_empty_dir("nightly/a").await.unwrap();
    assert_eq!(world.fake.folders().len(), 4, "it was empty");
    world.fake.delete(&path("nightly/b/y"));
    assert_eq!(world.storage.stat("nightly/b/y").await.unwrap_err().kind, ErrorKind::NotFound);
    world.time.advance(TimeDelta::hours(3));
    world.ends_with(&[]).await;
}

/// Folders that are called like ours and are not: people's, which the app does not see, and another program's.
pub async fn folders_of_the_same_name_that_are_not_ours() {
    let world = World::new().await;
    world.fake.human_puts("Backups/shop/photo.jpg", b"theirs");
    world.fake.other_program_puts("Archive/x", b"another's");
    world.puts(KEY, &bytes(b"ours")).await;
    let archive = std::sync::Arc::clone(&world.drive).storage("Archive", world.sessions.clone()).unwrap();
    archive.put("x", &bytes(b"ours too")).await.unwrap();
    assert_eq!(archive.list("").await.unwrap().entries.len(), 1);
    assert_eq!(read_small(&*archive, "x", 100).await.unwrap(), b"ours too");
    archive.delete("x").await.unwrap();
    world.ends_with(&[(KEY, b"ours")]).await;
}

/// `drive.file` does not show what people put into our folder, and Google removes a folder with all that is in it.
pub async fn what_people_put_into_an_emptied_folder_can_be_had_back() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"ours")).await;
    world.fake.human_puts(&path(&format!("{DIR}/notes.txt")), b"theirs");
    world.patient().delete(KEY).await.unwrap();
    world.patient().remove_empty_dir(DIR).await.unwrap();
    assert_eq!(world.fake.trashed_inside(), [path(&format!("{DIR}/notes.txt"))], "in the trash, not lost");
    world.ends_with(&[]).await;
}

pub async fn a_folder_with_a_file_in_it_stays() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"ours")).await;
    world.fake.other_program_puts(&path("nightly/theirs/x"), b"another's");
    for dir in [DIR, "nightly/2026-11-26T02-30-00Z", "nightly", "absent", "nightly/theirs"] {
        world.patient().remove_empty_dir(dir).await.unwrap();
    }
    assert_eq!(world.fake.folders().len(), 6);
    world.ends_with(&[(KEY, b"ours")]).await;
}

pub async fn names_that_searches_take_for_the_same() {
    let world = World::new().await;
    let keys = ["SET/File", "Set/FILE", "it's a \\\"set\\\"".trim_matches('\\'), "set/file"];
    let keys: Vec<String> = keys.iter().map(|key| key.replace('\\', "")).collect();
    for key in &keys {
        world.puts(key, &bytes(key.as_bytes())).await;
    }
    for key in &keys {
        assert_eq!(read_small(&*world.storage, key, 100).await.unwrap(), key.as_bytes());
    }
    world.patient().delete(&keys[0]).await.unwrap();
    let mut left: Vec<(&str, &[u8])> = keys[1..].iter().map(|key| (key.as_str(), key.as_bytes())).collect();
    left.sort_unstable();
    world.ends_with(&left).await;
}

/// Rows of one account: one below the other, and one at the account's own root.
pub async fn destinations_within_each_other() {
    let world = World::new().await;
    let at = |root: &str| {
        std::sync::Arc::clone(&world.drive)
            .storage(root, std::sync::Arc::new(engine::storage::MemorySessions::default()))
            .unwrap()
    };
    let (top, outer) = (at(""), at("/Backups/"));
    top.put("manifest.json", &bytes(b"top")).await.unwrap();
    outer.put("shop/x", &bytes(b"outer")).await.unwrap();
    world.puts("x", &bytes(b"inner")).await;
    assert_eq!(read_small(&*top, "manifest.json", 100).await.unwrap(), b"top");
    assert_eq!(read_small(&*outer, "shop/x", 100).await.unwrap(), b"outer");
    assert_eq!(read_small(&*world.storage, "x", 100).await.unwrap(), b"inner");
    assert_eq!(top.list("").await.unwrap().entries.len(), 1);
    outer.delete("shop/x").await.unwrap();
    top.delete("manifest.json").await.unwrap();
    world.ends_with(&[("x", b"inner")]).await;
    for bad in ["a//b", "../x", "a/./b", "a\0"] {
        let refused = std::sync::Arc::clone(&world.drive).storage(bad, world.sessions.clone());
        assert_eq!(refused.err().unwrap().kind, ErrorKind::InvalidConfig, "{bad:?}");
    }
}
