//! Uploads that were half-made when their pass ended.

use super::request;
use crate::storages::{create, input, keeper};
use crate::support::{CloudApp, config_with_store, files_only};
use chrono::TimeDelta;
use contract::{BackupSetInput, OverallStatus, StorageRow, StorageType, endpoints as ep};
use engine::pipeline::Target;
use engine::storage::{BytesBody, ErrorKind, Storage};
use engine::testing::fault::{Effect, Fault, Op};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use std::sync::Arc;
use std::time::Duration;
use storekeep::crypto::hash_token;
use storekeep::entity::{backup_storages, logs, uploads};
use storekeep::storages::{Pauses, Tidied};

const ROOT: &str = "shop-backups/eu";
const COPY: &str = "nightly/2026-03-02T10-00-00Z";

fn body(text: &'static str) -> BytesBody {
    BytesBody(text.into())
}

fn key(name: &str) -> String {
    format!("{COPY}/{name}")
}

/// A server with a Set that sends to S3, whose pass is under way: the server's own, with what it puts.
struct Broken {
    app: CloudApp,
    log: i64,
    target: Arc<dyn Storage>,
}

async fn broken() -> Broken {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let storage = create(&app, &someone, &input("Cold", StorageType::AmazonS3)).await.id;
    let row = StorageRow { storage_id: Some(storage), enabled: true, keep_copies: 2, path: ROOT.into() };
    let set = app.set(&BackupSetInput { storages: vec![row], ..files_only("Nightly") }).await.id;
    let log = app.app.runs.start(request(set), Duration::ZERO).await.unwrap();
    let owner = std::fs::read_to_string(app.dir.path().join("data/server.lock")).unwrap();
    let held = logs::ActiveModel {
        id: Set(log.id),
        owner: Set(Some(owner)),
        lease_until: Set(Some(log.started_at + TimeDelta::seconds(60))),
        attempt: Set(1),
        ..Default::default()
    };
    held.update(&app.app.db).await.unwrap();
    let rows = [(storage, ROOT.to_owned())];
    let mut targets = app.app.storages.destinations(&rows, log.id).await.unwrap();
    let Target::Remote(target) = targets.remove(&rows[0]).unwrap().target else { panic!("unusable") };
    Broken { app, log: log.id, target }
}

/// The server dies, and the next one starts on what it left.
async fn restart(broken: Broken) -> CloudApp {
    let Broken { app: CloudApp { server, clouds }, log, target, .. } = broken;
    drop(target);
    let dir = server.crash();
    let config = config_with_store(&dir, |_| {});
    let app = CloudApp::on(dir, config, Some(clouds)).await;
    app.app.runs.recover().await.unwrap();
    assert_eq!(app.app.logs.get(log).await.unwrap().overall_status, OverallStatus::Failed);
    app
}

async fn noted(app: &CloudApp) -> usize {
    uploads::Entity::find().all(&app.app.db).await.unwrap().len()
}

async fn tidy(app: &CloudApp) -> Tidied {
    app.app.storages.tidy(&mut Pauses::new()).await.unwrap()
}

#[actix_web::test]
async fn after_a_crash_what_is_half_made_goes_and_nothing_else() {
    let broken = broken().await;
    let place = broken.app.clouds.place("the-client-id", ROOT);
    for foreign in ["notes.txt", &key("files/notes.txt"), "nightly/2026-03-01T10-00-00Z/manifest.json"] {
        place.put(foreign, &body("foreign")).await.unwrap();
    }
    broken.target.put(&key("files/files.tgz.001"), &body("whole")).await.unwrap();
    // The second part breaks off, and its session stays open.
    place.plan(Fault::once(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)));
    broken.target.put(&key("files/files.tgz.002"), &body("half")).await.unwrap_err();
    // While the pass runs, nobody touches what it puts.
    assert_eq!(tidy(&broken.app).await, Tidied::default());
    let app = restart(broken).await;
    assert_eq!(noted(&app).await, 2);
    assert_eq!(tidy(&app).await, Tidied { removed: 1, ..Tidied::default() });
    assert_eq!(*app.clouds.abandoned.lock().unwrap(), [key("files/files.tgz.002")]);
    assert_eq!(
        app.clouds.keys("the-client-id", ROOT).await,
        ["nightly/2026-03-01T10-00-00Z/manifest.json".to_owned(), key("files/notes.txt"), "notes.txt".into()]
    );
    assert_eq!((noted(&app).await, tidy(&app).await), (0, Tidied::default()));
}

#[actix_web::test]
async fn a_copy_that_was_complete_stays_although_its_pass_was_interrupted() {
    let broken = broken().await;
    for name in ["files/files.tgz", "manifest.json"] {
        broken.target.put(&key(name), &body("x")).await.unwrap();
    }
    assert_eq!(noted(&broken.app).await, 0, "a complete copy is nobody's to clear up");
    // As if the server had died between the manifest and the note that it is there.
    let row = uploads::ActiveModel {
        storage_id: Set(1),
        root: Set(ROOT.into()),
        object_key: Set(key("files/files.tgz")),
        place_hash: Set(hash_token(&format!("1\n{ROOT}\n{}", key("files/files.tgz")))),
        log_id: Set(Some(broken.log)),
        created_at: Set(crate::support::monday()),
        updated_at: Set(crate::support::monday()),
        ..Default::default()
    };
    row.insert(&broken.app.app.db).await.unwrap();
    let app = restart(broken).await;
    let tidied = tidy(&app).await;
    assert_eq!((tidied.complete, tidied.removed), (1, 0));
    assert_eq!(app.clouds.keys("the-client-id", ROOT).await.len(), 2);
    assert_eq!((noted(&app).await, tidy(&app).await), (0, Tidied::default()), "it is looked at once");
}

/// Providers' searches lag, and a driver that was started again knows a finished file by its upload alone.
#[actix_web::test]
async fn a_manifest_that_shows_once_its_upload_is_given_up_keeps_its_copy() {
    let broken = broken().await;
    let place = broken.app.clouds.place("the-client-id", ROOT);
    broken.target.put(&key("files/files.tgz"), &body("whole")).await.unwrap();
    // It arrives, and its answer does not.
    place.plan(Fault::once(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)));
    broken.target.put(&key("manifest.json"), &body("{}")).await.unwrap_err();
    place.put(&key("manifest.json"), &body("{}")).await.unwrap();
    let app = restart(broken).await;
    app.clock.advance(TimeDelta::minutes(3));
    let place = app.clouds.place("the-client-id", ROOT);
    place.plan(Fault::once(Op::Stat, Effect::Fail(ErrorKind::NotFound)));
    assert_eq!(tidy(&app).await, Tidied { complete: 1, ..Tidied::default() });
    assert_eq!(app.clouds.keys("the-client-id", ROOT).await.len(), 2);
    assert_eq!(noted(&app).await, 0);
}

#[actix_web::test]
async fn a_manifest_that_may_only_be_slow_to_show_is_waited_for() {
    let broken = broken().await;
    let place = broken.app.clouds.place("the-client-id", ROOT);
    broken.target.put(&key("files/files.tgz"), &body("whole")).await.unwrap();
    place.plan(Fault::once(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)));
    broken.target.put(&key("manifest.json"), &body("{}")).await.unwrap_err();
    let app = restart(broken).await;
    assert_eq!(tidy(&app).await, Tidied { kept: 1, ..Tidied::default() });
    assert_eq!(app.clouds.keys("the-client-id", ROOT).await.len(), 1);
    app.clock.advance(TimeDelta::minutes(3));
    assert_eq!(tidy(&app).await, Tidied { removed: 1, ..Tidied::default() });
    assert!(app.clouds.keys("the-client-id", ROOT).await.is_empty());
}

#[actix_web::test]
async fn what_cannot_be_reached_now_is_tried_again_later() {
    let broken = broken().await;
    broken.target.put(&key("files/files.tgz"), &body("whole")).await.unwrap();
    let app = restart(broken).await;
    let place = app.clouds.place("the-client-id", ROOT);
    place.plan(Fault::always(Op::Stat, Effect::Fail(ErrorKind::PermissionDenied)));
    let mut pauses = Pauses::new();
    let mut round = async || app.app.storages.tidy(&mut pauses).await.unwrap();
    assert_eq!(round().await, Tidied { kept: 1, ..Tidied::default() });
    // It is left alone for a while, so that a dead destination costs little.
    let asked = place.calls().len();
    assert_eq!(round().await, Tidied::default());
    assert_eq!(place.calls().len(), asked);
    app.clock.advance(TimeDelta::minutes(2));
    assert_eq!(round().await, Tidied { kept: 1, ..Tidied::default() });
    place.heal();
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(round().await, Tidied::default());
    app.clock.advance(TimeDelta::minutes(2));
    assert_eq!(round().await, Tidied { removed: 1, ..Tidied::default() });
    assert!(app.clouds.keys("the-client-id", ROOT).await.is_empty());
}

#[actix_web::test]
async fn what_is_deleted_in_one_call_is_noted_no_more() {
    let broken = broken().await;
    let place = broken.app.clouds.place("the-client-id", ROOT);
    let keys = ["files/files.tgz.001", "files/files.tgz.002"].map(key);
    for key in &keys {
        broken.target.put(key, &body("whole")).await.unwrap();
    }
    place.plan(Fault::once(Op::Delete, Effect::Fail(ErrorKind::PermissionDenied)).on("002"));
    broken.target.delete_all(&keys).await.unwrap_err();
    assert_eq!(noted(&broken.app).await, 2, "which of them is gone is not known");
    broken.target.delete_all(&keys).await.unwrap();
    assert_eq!(place.keys(Op::DeleteAll).len(), 2, "one call each");
    assert_eq!(noted(&broken.app).await, 0);
}

#[actix_web::test]
async fn a_pass_that_could_not_clear_up_behind_itself_is_cleared_up_after() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let _work = app.work();
    let storage = create(&app, &someone, &input("Cold", StorageType::AmazonS3)).await.id;
    let row = StorageRow { storage_id: Some(storage), enabled: true, keep_copies: 2, path: ROOT.into() };
    let set = app.set(&BackupSetInput { storages: vec![row], ..files_only("Nightly") }).await.id;
    let place = app.clouds.place("the-client-id", ROOT);
    place.plan(Fault::once(Op::Put, Effect::Fail(ErrorKind::QuotaExceeded)).on("manifest.json"));
    place.plan(Fault::always(Op::Delete, Effect::Fail(ErrorKind::PermissionDenied)));
    let log = app.app.runs.start(request(set), Duration::from_secs(60)).await.unwrap();
    assert_eq!(log.overall_status, OverallStatus::Failed);
    assert_eq!(app.clouds.keys("the-client-id", ROOT).await, [key("files/files.tgz")]);
    place.heal();
    app.clock.advance(TimeDelta::minutes(3));
    assert_eq!(tidy(&app).await, Tidied { removed: 1, ..Tidied::default() });
    assert!(app.clouds.keys("the-client-id", ROOT).await.is_empty());
}

#[actix_web::test]
async fn a_storage_set_that_is_deleted_during_a_pass_fails_its_row_at_once_and_by_its_id() {
    let broken = broken().await;
    let someone = keeper(&broken.app).await;
    broken.target.put(&key("files/files.tgz.001"), &body("whole")).await.unwrap();
    // Somebody takes the row out of the Set, and then the Storage Set away.
    backup_storages::Entity::delete_many().exec(&broken.app.app.db).await.unwrap();
    broken.app.call(&ep::DELETE_STORAGE, &["1"]).by(&someone).send().await.is(204);
    let error = broken.target.put(&key("files/files.tgz.002"), &body("more")).await.unwrap_err();
    assert_eq!(error.message, "Storage with id '1' does not exist.");
    assert!(!error.kind.is_retryable(), "{error:?}");
}
