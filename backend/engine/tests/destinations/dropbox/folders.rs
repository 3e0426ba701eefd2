//! Listings and deletions.

use super::world::World;
use crate::support::put;
use engine::storage::{Cloud, ErrorKind, Storage};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::until;
use std::sync::Arc;
use std::time::Duration;

const LIST: &str = "files/list_folder";
const DELETE: &str = "files/delete_v2";

async fn world_with(keys: &[&str]) -> World {
    let world = World::new().await;
    for key in keys {
        put(&*world.storage, key, key.as_bytes()).await.unwrap();
    }
    world
}

fn contents<'a>(keys: &[&'a str]) -> Vec<(&'a str, &'a [u8])> {
    keys.iter().map(|key| (*key, key.as_bytes())).collect()
}

const KEYS: [&str; 5] =
    ["shop/a/db/db.sql.gz", "shop/a/files/files.tgz", "shop/a/manifest.json", "shop/b/x", "shop-2/y"];
const IN_SHOP: [&str; 4] =
    ["shop/a/db/db.sql.gz", "shop/a/files/files.tgz", "shop/a/manifest.json", "shop/b/x"];

/// The keys below a prefix, sorted, and whether these are all.
async fn list(storage: &dyn Storage, prefix: &str) -> (Vec<String>, bool) {
    let listing = storage.list(prefix).await.unwrap();
    let mut keys: Vec<_> = listing.entries.into_iter().map(|entry| entry.key).collect();
    keys.sort();
    (keys, listing.complete)
}

fn all(keys: &[&str]) -> (Vec<String>, bool) {
    (keys.iter().map(|key| (*key).to_owned()).collect(), true)
}

pub async fn a_listing_comes_in_small_pages() {
    for empty_between in [false, true] {
        let world = world_with(&KEYS).await;
        world.fake.pages(1, empty_between);
        assert_eq!(list(&*world.storage, "shop").await, all(&IN_SHOP));
        // Files, folders, and the folder itself.
        assert!(world.count(LIST) >= 9, "{}", world.count(LIST));
        world.ends_with(&contents(&KEYS));
    }
}

pub async fn a_cursor_becomes_invalid_once() {
    let world = world_with(&KEYS).await;
    world.fake.pages(2, false);
    world.fake.reset_cursors(1);
    assert_eq!(list(&*world.storage, "shop").await, all(&IN_SHOP));
    world.ends_with(&contents(&KEYS));
}

pub async fn cursors_become_invalid_all_the_time() {
    let world = world_with(&KEYS).await;
    world.fake.pages(2, false);
    world.fake.reset_cursors(1000);
    let (keys, complete) = list(&*world.storage, "shop").await;
    assert!(!complete, "nothing may be concluded from {keys:?}");
    assert_eq!(world.count(LIST), 4);
    world.ends_with(&contents(&KEYS));
}

pub async fn a_page_fails_in_the_middle_of_a_listing() {
    let world = world_with(&KEYS).await;
    world.fake.pages(2, false);
    world.plan(Fault::once("POST", "list_folder/continue", Action::Answer(Reply::html_502())).skip(1));
    world.fails(world.storage.list("shop").await, &ErrorKind::Unavailable);
    world.plan(Fault::once("POST", "list_folder/continue", Action::CutReply(50)).skip(1));
    assert_eq!(list(&world.patient(), "shop").await, all(&IN_SHOP));
    world.ends_with(&contents(&KEYS));
}

pub async fn a_listing_that_never_ends_is_not_complete() {
    let world = world_with(&KEYS).await;
    world.fake.endless_listings();
    let (keys, complete) = list(&*world.storage, "shop").await;
    assert_eq!((keys.len(), complete), (4, false));
    world.ends_with(&contents(&KEYS));
}

pub async fn a_person_changes_the_case_of_a_folder() {
    let world = World::new().await;
    world.fake.sloppy_display();
    world.fake.put_foreign_folder("/Backups/SHOP/CoPy");
    put(&*world.storage, "shop/copy/manifest.json", b"{}").await.unwrap();
    // What was asked for comes back as it was asked for; the rest as it is there.
    assert_eq!(list(&*world.storage, "shop").await, all(&["shop/CoPy/manifest.json"]));
    assert_eq!(list(&*world.storage, "shop/copy").await, all(&["shop/copy/manifest.json"]));
    assert_eq!(list(&*world.storage, "").await, all(&["SHOP/CoPy/manifest.json"]));
    assert_eq!(world.storage.stat("shop/copy/manifest.json").await.unwrap().size_bytes, 2);
    world.ends_with(&[("/Backups/SHOP/CoPy/manifest.json", b"{}")]);
}

pub async fn other_files_of_the_account_are_not_listed() {
    let world = world_with(&KEYS).await;
    world.fake.put_foreign("/holiday.jpg", b"sun");
    world.fake.put_foreign("/backups2/shop/z", b"z");
    world.fake.put_foreign("/backups/shop/a\\b", b"odd");
    assert_eq!(
        list(&*world.storage, "").await,
        all(&["shop-2/y", IN_SHOP[0], IN_SHOP[1], IN_SHOP[2], IN_SHOP[3]])
    );
    let mut expected = contents(&KEYS);
    expected.extend([
        ("/holiday.jpg", &b"sun"[..]),
        ("/backups2/shop/z", &b"z"[..]),
        ("/backups/shop/a\\b", &b"odd"[..]),
    ]);
    world.ends_with(&expected);
}

pub async fn the_root_of_the_account_can_be_the_destination() {
    let world = World::new().await;
    let storage = Arc::clone(&world.cloud).storage("/", world.states.clone()).unwrap();
    assert_eq!(list(&*storage, "").await, all(&[]));
    put(&*storage, "shop/a", b"a").await.unwrap();
    assert_eq!(list(&*storage, "").await, all(&["shop/a"]));
    storage.remove_empty_dir("shop").await.unwrap();
    world.fails(storage.remove_empty_dir("").await, &ErrorKind::InvalidConfig);
    world.ends_with(&[("/shop/a", b"a")]);
}

pub async fn roots_that_are_no_folders_are_refused() {
    let world = World::new().await;
    for root in ["../x", "a//b", "a/./b", "a\\b", "a\nb"] {
        let storage = Arc::clone(&world.cloud).storage(root, world.states.clone());
        world.fails(storage.map(drop), &ErrorKind::InvalidConfig);
    }
    world.ends_with(&[]);
}

pub async fn the_folder_is_deleted_between_two_passes() {
    let world = world_with(&["shop/a/x"]).await;
    world.fake.remove_foreign("/backups");
    assert_eq!(list(&*world.storage, "shop").await, all(&[]));
    world.fails(world.storage.stat("shop/a/x").await, &ErrorKind::NotFound);
    put(&*world.storage, "shop/b/x", b"new").await.unwrap();
    world.ends_with(&[("shop/b/x", b"new")]);
}

pub async fn what_is_gone_is_deleted_again() {
    let world = world_with(&["shop/a/x"]).await;
    for _ in 0..2 {
        world.storage.delete("shop/a/x").await.unwrap();
        world.storage.remove_empty_dir("shop/a").await.unwrap();
        world.storage.remove_empty_dir("shop").await.unwrap();
    }
    assert_eq!(world.fake.folders(), ["/backups"]);
    world.ends_with(&[]);
}

pub async fn the_reply_to_a_deletion_is_lost() {
    let world = world_with(&["shop/a/x", "shop/a/y"]).await;
    world.plan(Fault::once("POST", DELETE, Action::LoseReply));
    world.patient().delete("shop/a/x").await.unwrap();
    world.plan(Fault::once("POST", DELETE, Action::Twice));
    world.patient().delete("shop/a/y").await.unwrap();
    world.plan(Fault::once("POST", DELETE, Action::LoseReply));
    world.patient().remove_empty_dir("shop/a").await.unwrap();
    assert_eq!(world.fake.folders(), ["/backups", "/backups/shop"]);
    world.ends_with(&[]);
}

pub async fn a_deletion_comes_upon_too_many_writes() {
    let world = world_with(&["shop/a/x"]).await;
    world.fake.limit_next(DELETE, "too_many_write_operations", None, None);
    world.fake.refuse_next(DELETE, &["too_many_write_operations"]);
    world.patient().delete("shop/a/x").await.unwrap();
    world.fake.refuse_next(DELETE, &["too_many_write_operations"]);
    world.patient().remove_empty_dir("shop/a").await.unwrap();
    assert_eq!(world.fake.folders(), ["/backups", "/backups/shop"]);
    world.ends_with(&[]);
}

pub async fn a_folder_in_the_place_of_an_object_is_never_deleted() {
    let world = World::new().await;
    world.fake.put_foreign("/backups/shop/a/holiday.jpg", b"sun");
    world.storage.delete("shop/a").await.unwrap();
    world.storage.delete("shop").await.unwrap();
    assert_eq!(world.count(DELETE), 0);
    world.ends_with(&[("shop/a/holiday.jpg", b"sun")]);
}

pub async fn a_folder_takes_the_place_of_an_object_that_is_being_deleted() {
    let world = world_with(&["shop/a"]).await;
    world.plan(Fault::once("POST", DELETE, Action::Delay(Duration::from_millis(100))));
    let meddling = async {
        until("the deletion", || world.count(DELETE) == 1).await;
        world.fake.remove_foreign("/backups/shop/a");
        world.fake.put_foreign("/backups/shop/a/holiday.jpg", b"sun");
    };
    let (deleted, ()) = tokio::join!(world.storage.delete("shop/a"), meddling);
    assert!(deleted.is_err());
    world.ends_with(&[("shop/a/holiday.jpg", b"sun")]);
}

pub async fn somebody_writes_to_an_object_that_is_being_deleted() {
    let world = world_with(&["shop/a"]).await;
    world.plan(Fault::once("POST", DELETE, Action::Delay(Duration::from_millis(100))));
    let meddling = async {
        until("the deletion", || world.count(DELETE) == 1).await;
        world.fake.put_foreign("/backups/shop/a", b"by hand");
    };
    let (deleted, ()) = tokio::join!(world.storage.delete("shop/a"), meddling);
    world.fails(deleted, &ErrorKind::Unavailable);
    world.ends_with(&[("shop/a", b"by hand")]);
}

pub async fn folders_with_anything_in_them_stay() {
    let world = world_with(&["shop/a/x"]).await;
    world.fake.put_foreign("/backups/shop/b/holiday.jpg", b"sun");
    world.fake.put_foreign_folder("/backups/shop/c/only/folders");
    world.fake.pages(1, true);
    for folder in ["shop/a", "shop/a/", "shop/b", "shop/c", "shop", "shop/a/x"] {
        world.storage.remove_empty_dir(folder).await.unwrap();
    }
    assert_eq!(world.count(DELETE), 0);
    world.ends_with(&[("shop/a/x", b"shop/a/x"), ("shop/b/holiday.jpg", b"sun")]);
}

pub async fn a_folder_whose_list_does_not_end_stays() {
    let world = world_with(&["shop/a/x"]).await;
    world.storage.delete("shop/a/x").await.unwrap();
    world.fake.endless_listings();
    world.fails(world.storage.remove_empty_dir("shop/a").await, &ErrorKind::Unavailable);
    assert_eq!(world.fake.folders().len(), 3);
    world.ends_with(&[]);
}

pub async fn a_commit_into_a_folder_that_is_being_removed_waits() {
    let world = world_with(&["shop/a/x"]).await;
    world.storage.delete("shop/a/x").await.unwrap();
    world.plan(Fault::once("POST", DELETE, Action::Delay(Duration::from_millis(100))));
    let putting = async {
        until("the removal", || world.count(DELETE) == 2).await;
        put(&*world.storage, "shop/a/y", b"y").await.unwrap();
    };
    let (removed, ()) = tokio::join!(world.storage.remove_empty_dir("shop/a"), putting);
    removed.unwrap();
    world.ends_with(&[("shop/a/y", b"y")]);
}

pub async fn a_deletion_of_a_copy_is_cut_short_and_done_again() {
    let mut world = world_with(&KEYS).await;
    let copy = ["shop/a/manifest.json", "shop/a/db/db.sql.gz", "shop/a/files/files.tgz"];
    world.plan(Fault::always("POST", DELETE, Action::Close).skip(1));
    let mut done = 0;
    for key in copy {
        if world.patient().delete(key).await.is_err() {
            break;
        }
        done += 1;
    }
    assert_eq!(done, 1);
    world.fake.server().heal();
    world.restart();
    assert_eq!(
        list(&*world.storage, "shop/a").await,
        all(&["shop/a/db/db.sql.gz", "shop/a/files/files.tgz"])
    );
    for key in copy {
        world.storage.delete(key).await.unwrap();
    }
    for folder in ["shop/a/db", "shop/a/files", "shop/a"] {
        world.storage.remove_empty_dir(folder).await.unwrap();
    }
    assert_eq!(world.fake.folders(), ["/backups", "/backups/shop", "/backups/shop-2", "/backups/shop/b"]);
    world.ends_with(&contents(&["shop/b/x", "shop-2/y"]));
}

pub async fn a_file_may_not_be_deleted() {
    let world = world_with(&["shop/a"]).await;
    world.fake.refuse_next(DELETE, &["path_write", "no_write_permission"]);
    world.fails(world.patient().delete("shop/a").await, &ErrorKind::PermissionDenied);
    world.ends_with(&contents(&["shop/a"]));
}

pub async fn a_folder_is_no_object() {
    let world = world_with(&["shop/a"]).await;
    world.fails(world.storage.stat("shop").await, &ErrorKind::NotFound);
    world.fails(world.storage.open("shop", 0).await.map(drop), &ErrorKind::NotFound);
    assert_eq!(list(&*world.storage, "shop/a").await, all(&[]), "nothing is below an object");
    world.ends_with(&contents(&["shop/a"]));
}
