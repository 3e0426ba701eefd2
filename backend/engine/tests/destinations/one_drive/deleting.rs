//! Deleting: what goes, what stays, where it goes.

use super::support::{KEY, ROOT, Rig, SIZE, failed, kind, small};
use crate::support::{Archive, put};
use engine::storage::one_drive::{Deletion, Tuning};
use engine::storage::{ErrorKind, Storage};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::fakes::one_drive::Deed;

const FOLDER: &str = "shop/2026-11-22T02-30-00Z/files";

pub async fn what_is_deleted_goes_to_the_recycle_bin() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.put(&archive).await.unwrap();
    rig.storage.delete(KEY).await.unwrap();
    rig.storage.remove_empty_dir(FOLDER).await.unwrap();
    rig.assert_only(&[]);
    assert_eq!(rig.fake.bin(), ["files.tgz", "files"]);
    assert_eq!(rig.fake.record().count("POST", "permanentDelete"), 0);
    rig.assert_clean();
}

pub async fn what_is_deleted_is_gone_for_good_where_that_is_wanted() {
    let rig = Rig::tuned(Tuning { deletion: Deletion::Permanent, ..small() }).await;
    put(rig.storage.as_ref(), KEY, b"x").await.unwrap();
    rig.storage.delete(KEY).await.unwrap();
    assert_eq!(rig.fake.bin(), Vec::<String>::new());
    // A folder is only removed in a way that people can take back.
    rig.storage.remove_empty_dir(FOLDER).await.unwrap();
    assert_eq!(rig.fake.bin(), ["files"]);
    rig.assert_clean();
}

pub async fn accounts_that_cannot_delete_for_good_recycle() {
    for status in [400, 403, 404, 405, 501] {
        let rig = Rig::tuned(Tuning { deletion: Deletion::Permanent, ..small() }).await;
        rig.fake.set(|k| k.permanent_delete = status);
        put(rig.storage.as_ref(), KEY, b"x").await.unwrap();
        rig.storage.delete(KEY).await.unwrap();
        assert_eq!(rig.fake.bin(), ["files.tgz"], "{status}");
        rig.assert_clean();
    }
}

pub async fn what_is_gone_already_is_deleted() {
    let rig = Rig::new().await;
    rig.storage.delete(KEY).await.unwrap();
    put(rig.storage.as_ref(), KEY, b"x").await.unwrap();
    rig.fake.remove(&format!("{ROOT}/{KEY}"));
    rig.storage.delete(KEY).await.unwrap();
    rig.storage.remove_empty_dir(FOLDER).await.unwrap();
    rig.storage.remove_empty_dir(FOLDER).await.unwrap();
    rig.assert_clean();
}

pub async fn it_goes_between_the_look_and_the_deletion() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"x").await.unwrap();
    rig.fake.graph().plan(Fault::once("DELETE", "/items/", Action::Twice));
    rig.storage.delete(KEY).await.unwrap();
    rig.assert_only(&[]);
    rig.assert_clean();
}

pub async fn the_answer_to_a_deletion_is_lost() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"x").await.unwrap();
    rig.fake.graph().plan(Fault::once("DELETE", "/items/", Action::LoseReply));
    rig.patient().delete(KEY).await.unwrap();
    rig.fake.graph().plan(Fault::once("DELETE", "/items/", Action::LoseReply));
    rig.patient().remove_empty_dir(FOLDER).await.unwrap();
    rig.assert_only(&[]);
    assert_eq!(rig.fake.bin(), ["files.tgz", "files"]);
    rig.assert_clean();
}

pub async fn a_file_that_is_held_stays() {
    let cases = [
        (423, "resourceLocked", ErrorKind::Unavailable),
        (403, "accessDenied", ErrorKind::PermissionDenied),
        (503, "serviceNotAvailable", ErrorKind::Unavailable),
    ];
    for (status, code, expected) in cases {
        let rig = Rig::new().await;
        put(rig.storage.as_ref(), KEY, b"x").await.unwrap();
        rig.fake.set(|k| k.refuse_deletions = vec![(status, code)]);
        let error = failed(rig.storage.delete(KEY).await);
        assert_eq!(error.kind, expected, "{code}");
        assert!(error.message.starts_with("Deleting `"), "{error}");
        rig.assert_stored(b"x").await;
        rig.storage.delete(KEY).await.unwrap();
        rig.assert_only(&[]);
    }
}

pub async fn a_folder_with_somebody_elses_file_stays() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"x").await.unwrap();
    rig.fake.put_foreign(&format!("{ROOT}/{FOLDER}/notes.txt"), b"mine");
    rig.storage.delete(KEY).await.unwrap();
    rig.storage.remove_empty_dir(FOLDER).await.unwrap();
    rig.storage.remove_empty_dir("shop/2026-11-22T02-30-00Z").await.unwrap();
    rig.storage.remove_empty_dir("shop").await.unwrap();
    rig.assert_only(&[(&format!("{FOLDER}/notes.txt"), b"mine")]);
    rig.assert_clean();
}

pub async fn a_folder_that_changes_while_it_is_looked_at_stays() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"x").await.unwrap();
    rig.storage.delete(KEY).await.unwrap();
    let renamed = Deed::Rename(format!("{ROOT}/{FOLDER}"), "precious".into());
    rig.fake.meanwhile("DELETE", "/items/", 0, renamed);
    rig.storage.remove_empty_dir(FOLDER).await.unwrap();
    assert!(rig.fake.folders().contains(&format!("{ROOT}/shop/2026-11-22T02-30-00Z/precious")));
    rig.assert_clean();
}

pub async fn a_folder_whose_list_fails_stays() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"x").await.unwrap();
    rig.storage.delete(KEY).await.unwrap();
    for action in [Action::Close, Action::Garbage, Action::Answer(Reply::html_502())] {
        rig.fake.graph().plan(Fault::once("GET", "/children", action));
        assert_eq!(kind(rig.storage.remove_empty_dir(FOLDER).await), ErrorKind::Unavailable);
    }
    assert!(rig.fake.folders().contains(&format!("{ROOT}/{FOLDER}")));
    rig.storage.remove_empty_dir(FOLDER).await.unwrap();
    rig.assert_clean();
}

/// As the pipeline clears up behind an upload that failed, with a fault at each request.
pub async fn clearing_up_is_interrupted_at_each_request() {
    for n in 0..12 {
        let rig = Rig::new().await;
        put(rig.storage.as_ref(), KEY, b"x").await.unwrap();
        rig.fake.graph().plan(Fault::once("", "/v1.0/", Action::LoseReply).skip(n));
        let storage = rig.patient();
        storage.abandon(KEY).await.unwrap();
        storage.delete(KEY).await.unwrap();
        storage.remove_empty_dir(FOLDER).await.unwrap();
        storage.remove_empty_dir("shop/2026-11-22T02-30-00Z").await.unwrap();
        assert_eq!(rig.fake.folders(), ["Backups", ROOT, "Backups/Shop/shop"], "request {n}");
        rig.assert_only(&[]);
        rig.assert_clean();
    }
}
