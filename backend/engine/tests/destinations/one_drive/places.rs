//! Folders and names: what is in the way, what people do meanwhile.

use super::support::{KEY, ROOT, Rig, SIZE, failed, killed_after, kind};
use crate::support::{Archive, put};
use chrono::TimeDelta;
use engine::storage::{ErrorKind, read_small};
use engine::testing::fake::{Action, Fault};
use engine::testing::fakes::one_drive::Deed;

async fn survives_lag(status: u16, code: &'static str) {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.set(|k| {
        k.folder_lag = TimeDelta::seconds(3);
        k.lag_is = (status, code);
    });
    rig.storage.put(KEY, &archive.body()).await.unwrap();
    put(rig.storage.as_ref(), "shop/2026-11-23T02-30-00Z/manifest.json", b"{}").await.unwrap();
    rig.assert_only(&[(KEY, &archive.content), ("shop/2026-11-23T02-30-00Z/manifest.json", b"{}")]);
    rig.assert_nothing_open();
    rig.assert_clean();
}

pub async fn a_new_folder_is_not_known_at_once() {
    survives_lag(404, "itemNotFound").await;
}

pub async fn a_new_folder_makes_requests_invalid_for_a_moment() {
    survives_lag(400, "invalidRequest").await;
}

pub async fn a_new_folder_is_in_conflict_for_a_moment() {
    survives_lag(409, "conflict").await;
}

pub async fn a_new_folder_stays_unknown_for_long() {
    let rig = Rig::new().await;
    rig.fake.set(|k| k.folder_lag = TimeDelta::seconds(9));
    put(&rig.patient(), KEY, b"x").await.unwrap();
    rig.assert_stored(b"x").await;
}

pub async fn many_tasks_need_the_same_folders() {
    let rig = Rig::new().await;
    let keys: Vec<_> = (0..8).map(|n| format!("shop/2026-11-22T02-30-00Z/files/files.tgz.00{n}")).collect();
    let puts = keys.iter().map(|key| put(rig.storage.as_ref(), key, b"x"));
    for stored in futures_util::future::join_all(puts).await {
        stored.unwrap();
    }
    assert_eq!(rig.fake.folders().len(), 5, "{:?}", rig.fake.folders());
    assert_eq!(rig.fake.record().count("POST", "/children"), 5, "made by one of them");
    rig.assert_clean();
}

pub async fn two_servers_make_the_same_folders() {
    let rig = Rig::new().await;
    let others = [rig.restarted(), rig.restarted(), rig.restarted()];
    let keys = ["shop/a/x", "shop/a/y", "shop/a/z"];
    let puts = others.iter().zip(keys).map(|(storage, key)| put(storage.as_ref(), key, b"x"));
    for stored in futures_util::future::join_all(puts).await {
        stored.unwrap();
    }
    assert_eq!(rig.fake.folders(), ["Backups", ROOT, "Backups/Shop/shop", "Backups/Shop/shop/a"]);
    rig.assert_clean();
}

pub async fn the_folder_is_deleted_between_two_runs() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 2).await;
    rig.fake.remove("Backups");
    rig.restarted().put(KEY, &archive.body()).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!(rig.sessions_opened(), 2, "the old session leads to the deleted folder");
}

pub async fn the_folder_is_deleted_in_the_middle_of_an_upload() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.meanwhile("PUT", "/up/", 4, Deed::Remove("Backups".into()));
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
}

pub async fn the_folder_is_deleted_right_before_the_session_is_opened() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    let gone =
        engine::testing::fake::Reply::json(404, &serde_json::json!({"error": {"code": "itemNotFound"}}));
    rig.fake.graph().plan(Fault::once("POST", "createUploadSession", Action::Answer(gone)).times(4));
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
}

pub async fn a_file_is_in_place_of_a_folder() {
    let rig = Rig::new().await;
    rig.fake.put_foreign("Backups/Shop/shop", b"a note of somebody's");
    let error = failed(put(&rig.patient(), KEY, b"x").await);
    assert_eq!(error.kind, ErrorKind::InvalidConfig);
    assert!(error.message.contains("`shop`"), "{error}");
    assert_eq!(rig.storage.list("shop").await.unwrap().entries, []);
    rig.storage.delete(KEY).await.unwrap();
    rig.storage.remove_empty_dir("shop").await.unwrap();
    rig.assert_only(&[("shop", b"a note of somebody's")]);
    rig.assert_nothing_open();
    rig.assert_clean();
}

pub async fn a_folder_is_in_place_of_a_file() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.put_foreign(&format!("{ROOT}/{KEY}/holiday.jpg"), b"jpg");
    assert_eq!(kind(rig.put(&archive).await), ErrorKind::InvalidConfig);
    assert_eq!(kind(put(&rig.patient(), KEY, b"x").await), ErrorKind::InvalidConfig);
    assert_eq!(kind(rig.storage.stat(KEY).await), ErrorKind::NotFound);
    assert_eq!(kind(rig.storage.open(KEY, 0).await), ErrorKind::NotFound);
    assert_eq!(kind(rig.storage.delete(KEY).await), ErrorKind::InvalidConfig);
    rig.assert_only(&[(&format!("{KEY}/holiday.jpg"), b"jpg")]);
    rig.assert_nothing_open();
    rig.assert_clean();
}

pub async fn somebody_elses_file_of_that_name_is_replaced() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.put_foreign(&format!("{ROOT}/{KEY}"), b"what was there");
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
}

pub async fn a_folder_differs_in_case_only() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), "Shop/2026/manifest.json", b"the other Set's").await.unwrap();
    let error = failed(put(&rig.patient(), "shop/2026/manifest.json", b"ours").await);
    assert_eq!(error.kind, ErrorKind::InvalidConfig);
    assert!(error.message.contains("`Shop`") && error.message.contains("`shop`"), "{error}");
    assert_eq!(kind(put(&rig.patient(), "shop/new", b"ours").await), ErrorKind::InvalidConfig);
    assert_eq!(kind(put(&rig.patient(), "shop/2027/deeper/new", b"ours").await), ErrorKind::InvalidConfig);
    // What is called otherwise is not ours to see, and not ours to delete.
    assert_eq!(rig.storage.list("shop").await.unwrap().entries, []);
    assert_eq!(kind(rig.storage.stat("shop/2026/manifest.json").await), ErrorKind::NotFound);
    rig.storage.delete("shop/2026/manifest.json").await.unwrap();
    rig.storage.delete("Shop/2026/MANIFEST.json").await.unwrap();
    rig.storage.remove_empty_dir("shop/2026").await.unwrap();
    rig.assert_only(&[("Shop/2026/manifest.json", b"the other Set's")]);
    rig.assert_clean();
}

pub async fn a_file_differs_in_case_only() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), "shop/a/Notes.txt", b"1").await.unwrap();
    assert_eq!(kind(put(&rig.patient(), "shop/a/notes.txt", b"2").await), ErrorKind::InvalidConfig);
    rig.assert_only(&[("shop/a/Notes.txt", b"1")]);
    rig.assert_clean();
}

pub async fn the_folder_of_a_row_may_be_written_in_any_case() {
    let rig = Rig::new().await;
    rig.fake.make_foreign_folder("backups/SHOP");
    let storage = rig.at("Backups/Shop");
    put(storage.as_ref(), "shop/a/x", b"1").await.unwrap();
    assert_eq!(read_small(storage.as_ref(), "shop/a/x", 10).await.unwrap(), b"1");
    assert_eq!(storage.list("shop").await.unwrap().entries[0].key, "shop/a/x");
    assert_eq!(rig.fake.files().keys().collect::<Vec<_>>(), ["backups/SHOP/shop/a/x"]);
    rig.assert_clean();
}

pub async fn the_root_of_the_account_is_a_folder_too() {
    let rig = Rig::new().await;
    let storage = rig.at("");
    put(storage.as_ref(), "manifest.json", b"1").await.unwrap();
    put(storage.as_ref(), "shop/ä ö/x#1%", b"2").await.unwrap();
    assert_eq!(storage.list("").await.unwrap().entries.len(), 2);
    assert_eq!(storage.list("shop/").await.unwrap().entries[0].key, "shop/ä ö/x#1%");
    rig.assert_clean();
}

pub async fn names_that_onedrive_forbids_are_refused_without_a_request() {
    use engine::storage::{Cloud, MemorySessions};
    let rig = Rig::new().await;
    for root in ["Shop: backups", "a/../b", "Backups/CON", "what?", "trailing. /x."] {
        let made = rig.cloud().storage(root, std::sync::Arc::new(MemorySessions::default()));
        assert_eq!(kind(made.map(drop)), ErrorKind::InvalidConfig, "{root}");
    }
    for key in ["shop:1/x", "shop/desktop.ini", "shop/x.", "~$shop/x"] {
        let error = failed(put(&rig.patient(), key, b"x").await);
        assert_eq!(error.kind, ErrorKind::InvalidConfig, "{key}");
        assert!(error.message.contains("Choose another name"), "{error}");
        assert_eq!(kind(rig.storage.stat(key).await), ErrorKind::InvalidConfig, "{key}");
    }
    assert_eq!(rig.fake.record().requests().len(), 0);
}

pub async fn the_folder_is_renamed_by_somebody() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"1").await.unwrap();
    rig.fake.rename("Backups", "Old backups");
    put(rig.storage.as_ref(), KEY, b"2").await.unwrap();
    let paths: Vec<_> = rig.fake.files().into_keys().collect();
    assert_eq!(paths, [format!("{ROOT}/{KEY}"), format!("Old backups/Shop/{KEY}")]);
    assert_eq!(rig.fake.read(&format!("{ROOT}/{KEY}")).unwrap(), b"2");
    rig.assert_clean();
}
