//! The catalogue of copies, compared with what is there.

use super::request;
use crate::storages::{create, input, keeper};
use crate::support::{CloudApp, files_only};
use chrono::TimeDelta;
use contract::{OverallStatus, StorageRow, StorageType};
use engine::storage::{ErrorKind, Storage};
use engine::testing::fault::{Effect, Fault, Op};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::time::Duration;
use storekeep::entity::{copies, logs};

const PATH: &str = "shop-backups/x";

/// A Set with a local row and S3, after three passes.
struct Three {
    app: CloudApp,
    storage: String,
    copies: Vec<String>,
}

async fn three() -> Three {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let storage = create(&app, &someone, &input("Cold", StorageType::AmazonS3)).await.id;
    let mut set = files_only("Nightly");
    set.storages[0].keep_copies = 9;
    set.storages.push(StorageRow {
        storage_id: Some(storage),
        enabled: true,
        keep_copies: 9,
        path: PATH.into(),
    });
    let set = app.set(&set).await.id;
    let _work = app.work();
    let mut made = Vec::new();
    for _ in 0..3 {
        app.clock.advance(TimeDelta::hours(1));
        let log = app.app.runs.start(request(set), Duration::from_secs(60)).await.unwrap();
        assert_eq!(log.overall_status, OverallStatus::Success, "{log:?}");
        made.push(log.copy_path.unwrap());
    }
    app.clock.advance(TimeDelta::hours(1));
    Three { app, storage: storage.to_string(), copies: made }
}

impl Three {
    /// What the catalogue has: the destination, and the place of the copy among the three.
    async fn known(&self) -> Vec<(String, usize, bool)> {
        let found = copies::Entity::find().all(&self.app.app.db).await.unwrap();
        let at = |path: &str| self.copies.iter().position(|copy| copy == path).unwrap();
        let mut known: Vec<_> =
            found.iter().map(|c| (c.destination.clone(), at(&c.copy_path), c.complete)).collect();
        known.sort();
        known
    }

    async fn delete_there(&self, copy: usize, name: &str) {
        let key = format!("{}/{name}", self.copies[copy]);
        self.app.clouds.place("the-client-id", PATH).delete(&key).await.unwrap();
    }
}

fn sorted(mut known: Vec<(String, usize, bool)>) -> Vec<(String, usize, bool)> {
    known.sort();
    known
}

#[actix_web::test]
async fn what_is_gone_is_forgotten_and_what_is_there_is_learnt() {
    let three = three().await;
    let (local, cold) = ("local".to_owned(), three.storage.clone());
    assert_eq!(three.known().await.len(), 6);
    // Somebody removed a copy here and one there, took an archive from a third, and the catalogue lost two entries.
    std::fs::remove_dir_all(three.app.archive_dir().join(&three.copies[0])).unwrap();
    three.delete_there(1, "manifest.json").await;
    three.delete_there(1, "files/files.tgz").await;
    three.delete_there(2, "files/files.tgz").await;
    copies::Entity::delete_many()
        .filter(copies::Column::CopyPath.eq(&three.copies[2]))
        .filter(copies::Column::Destination.eq("local"))
        .exec(&three.app.app.db)
        .await
        .unwrap();
    copies::Entity::delete_many()
        .filter(copies::Column::CopyPath.eq(&three.copies[0]))
        .filter(copies::Column::Destination.eq(&cold))
        .exec(&three.app.app.db)
        .await
        .unwrap();
    three.app.app.runs.reconcile().await.unwrap();
    assert_eq!(
        three.known().await,
        sorted(vec![
            (local.clone(), 1, true),
            (local.clone(), 2, true),
            (cold.clone(), 0, true),
            (cold, 2, false),
        ])
    );
    // What was learnt leads to its log again: its archives can be downloaded.
    let log = logs::Entity::find().filter(logs::Column::CopyPath.eq(&three.copies[2]));
    let log = log.one(&three.app.app.db).await.unwrap().unwrap().id;
    assert!(three.app.app.logs.get(log).await.unwrap().downloadable);
}

#[actix_web::test]
async fn a_destination_that_does_not_tell_everything_changes_nothing() {
    let three = three().await;
    let before = three.known().await;
    let place = three.app.clouds.place("the-client-id", PATH);
    three.delete_there(0, "manifest.json").await;
    for effect in [Effect::Fail(ErrorKind::PermissionDenied), Effect::CutListing(1)] {
        place.plan(Fault::always(Op::List, effect));
        three.app.app.runs.reconcile().await.unwrap();
        assert_eq!(three.known().await, before);
        place.heal();
    }
    three.app.app.runs.reconcile().await.unwrap();
    assert_eq!(three.known().await.len(), before.len() - 1);
}

#[actix_web::test]
async fn a_set_whose_pass_is_under_way_is_left_alone() {
    let three = three().await;
    let before = three.known().await;
    std::fs::remove_dir_all(three.app.archive_dir().join(&three.copies[0])).unwrap();
    let set = three.app.app.backups.all().await.unwrap()[0].id;
    three.app.app.runs.start(request(set), Duration::ZERO).await.unwrap();
    three.app.app.runs.reconcile().await.unwrap();
    assert_eq!(three.known().await, before);
}
