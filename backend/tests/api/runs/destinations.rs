//! Passes that send copies to Storage Sets.

use super::request;
use crate::storages::{callback, create, drive, get, input, keeper, link, linked};
use crate::support::{CloudApp, files_only};
use chrono::TimeDelta;
use contract::{
    BackupLog, BackupSetInput, OverallStatus, RowStatus, StorageLinkInput, StorageRow, StorageSetInput,
    StorageState, StorageType, endpoints as ep,
};
use engine::pipeline::Target;
use engine::storage::{BytesBody, ErrorKind, Storage};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use std::sync::Arc;
use std::time::Duration;
use storekeep::entity::{backup_storages, copies, storages, uploads};

fn row(id: i64, path: &str) -> StorageRow {
    StorageRow { storage_id: Some(id), enabled: true, keep_copies: 2, path: path.into() }
}

/// A Set with a local row and these.
fn sending(title: &str, rows: Vec<StorageRow>) -> BackupSetInput {
    let mut input = files_only(title);
    input.storages.extend(rows);
    input
}

async fn run(app: &CloudApp, id: i64) -> BackupLog {
    let log = app.app.runs.start(request(id), Duration::from_secs(60)).await.unwrap();
    assert!(log.finished_at.is_some(), "{log:?}");
    log
}

async fn notes(app: &CloudApp) -> Vec<String> {
    let rows = uploads::Entity::find().all(&app.app.db).await.unwrap();
    rows.into_iter().map(|u| u.object_key).collect()
}

#[actix_web::test]
async fn the_catalogue_knows_the_copies_that_are_there_and_no_others() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let _work = app.work();
    let drive = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id;
    let set = app.set(&sending("Nightly", vec![row(drive, "/Backups/Shop/")])).await.id;
    let mut made = Vec::new();
    for _ in 0..4 {
        app.clock.advance(TimeDelta::hours(1));
        made.push(run(&app, set).await.copy_path.unwrap());
    }
    let known = copies::Entity::find().all(&app.app.db).await.unwrap();
    let mut there: Vec<_> = known
        .into_iter()
        .filter(|c| c.destination == drive.to_string())
        .map(|c| (c.root, c.copy_path))
        .collect();
    there.sort();
    let newest = made[2..].iter().map(|path| ("Backups/Shop".to_owned(), path.clone()));
    assert_eq!(there, newest.collect::<Vec<_>>());
}

#[actix_web::test]
async fn every_destination_gets_the_whole_copy_below_its_path() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let _work = app.work();
    let s3 = StorageSetInput { client_id: "AKIA".into(), ..input("Cold", StorageType::AmazonS3) };
    let s3 = create(&app, &someone, &s3).await.id;
    let slow = StorageSetInput { max_bytes_per_sec: Some(200_000), ..drive("Drive") };
    let drive = linked(&app, &someone, &slow, "ada@example.org").await.id;
    let rows = vec![row(s3, "shop-backups/eu/"), row(drive, "/Backups/Shop"), row(drive, "Second")];
    let set = app.set(&sending("Nightly", rows)).await.id;
    let log = run(&app, set).await;
    assert_eq!(log.overall_status, OverallStatus::Success, "{log:?}");
    let states: Vec<_> = log.storages.iter().map(|r| (r.title.as_str(), r.kind, r.status)).collect();
    let good = RowStatus::Success;
    assert_eq!(
        states,
        [
            ("Local", StorageType::Local, good),
            ("Cold", StorageType::AmazonS3, good),
            ("Drive", StorageType::GoogleDrive, good),
            ("Drive", StorageType::GoogleDrive, good),
        ]
    );
    let copy = log.copy_path.unwrap();
    let expected = [format!("{copy}/files/files.tgz"), format!("{copy}/manifest.json")];
    for (client, root) in
        [("AKIA", "shop-backups/eu"), ("the-client-id", "Backups/Shop"), ("the-client-id", "Second")]
    {
        assert_eq!(app.clouds.keys(client, root).await, expected, "{client} {root}");
    }
    let local = app.archive_dir().join(&copy).join("files/files.tgz");
    let there =
        engine::storage::read_small(&*app.clouds.place("AKIA", "shop-backups/eu"), &expected[0], 1 << 20)
            .await;
    assert_eq!(there.unwrap(), std::fs::read(local).unwrap());
    assert_eq!(*app.clouds.throttled.lock().unwrap(), [(drive, 200_000), (drive, 200_000)]);
    // Nothing of a complete copy is half-made.
    assert_eq!(notes(&app).await, Vec::<String>::new());
}

#[actix_web::test]
async fn what_cannot_be_used_fails_alone_and_says_why() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let _work = app.work();
    let unlinked = create(&app, &someone, &drive("Unlinked")).await.id;
    let off = StorageSetInput { enabled: false, ..drive("Off") };
    let off = linked(&app, &someone, &off, "ada@example.org").await.id;
    let garbled = linked(&app, &someone, &drive("Garbled"), "ada@example.org").await.id;
    let no_bucket = create(&app, &someone, &input("Cold", StorageType::AmazonS3)).await.id;
    let fine = linked(&app, &someone, &drive("Fine"), "ada@example.org").await.id;
    // What another key has made looks like this.
    let broken = storages::ActiveModel {
        id: Set(garbled),
        client_secret_enc: Set(Some("v1.AAAA".into())),
        ..Default::default()
    };
    broken.update(&app.app.db).await.unwrap();
    let rows = vec![
        row(unlinked, "x"),
        row(off, "x"),
        row(garbled, "x"),
        row(no_bucket, "gone-bucket"),
        row(fine, "x"),
    ];
    let set = app.set(&sending("Nightly", rows)).await.id;
    let log = run(&app, set).await;
    assert_eq!((log.overall_status, log.error_message.as_deref()), (OverallStatus::Failed, None), "{log:?}");
    let told: Vec<_> = log.storages.iter().map(|r| (r.status, r.message.as_str())).collect();
    assert_eq!((told[0].0, told[5].0), (RowStatus::Success, RowStatus::Success), "{told:?}");
    for (i, message) in [
        (1, "Storage 'Unlinked' is not linked to an account."),
        (2, "Storage 'Off' is disabled."),
        (
            3,
            "The credentials of storage 'Garbled' cannot be decrypted (the encryption key has changed). Enter them again and link the \
             account again.",
        ),
        (4, "The bucket gone-bucket does not exist."),
    ] {
        assert_eq!(told[i].0, RowStatus::Failed);
        assert!(told[i].1.contains(message), "{}", told[i].1);
    }
    let shown = get(&app, &someone, garbled).await;
    assert_eq!((shown.state, shown.linked), (StorageState::CredentialsUnreadable, false));
}

#[actix_web::test]
async fn a_link_that_is_gone_is_told_once_and_cleared_by_the_next_good_call() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let _work = app.work();
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id;
    let set = app.set(&sending("Nightly", vec![row(id, "x")])).await.id;
    assert_eq!(run(&app, set).await.overall_status, OverallStatus::Success);
    app.clouds.revoke("ada@example.org");
    for _ in 0..2 {
        app.clock.advance(TimeDelta::minutes(1));
        let log = run(&app, set).await;
        assert_eq!(log.storages[0].status, RowStatus::Success);
        assert_eq!(log.storages[1].status, RowStatus::Failed);
        assert!(log.storages[1].message.contains("Link the account again"), "{}", log.storages[1].message);
    }
    let inbox = async || {
        let page = app.call(&ep::LIST_NOTIFICATIONS, &[]).by(&someone).send().await.ok();
        page.items.into_iter().map(|n| (n.title, n.message, n.dismissed_at.is_some())).collect::<Vec<_>>()
    };
    let mut posted = inbox().await;
    // That the pass failed is a matter of its own.
    posted.retain(|(title, ..)| !title.starts_with("Backup failed"));
    assert_eq!(posted.len(), 1, "{posted:?}");
    assert!(posted[0].0.contains("'Drive'") && !posted[0].2, "{posted:?}");
    // It was linked just now: then it is Google's testing mode, as a rule.
    assert!(posted[0].1.contains("testing mode"), "{posted:?}");
    let shown = get(&app, &someone, id).await;
    assert_eq!((shown.state, shown.linked), (StorageState::NeedsRelink, true));
    assert!(shown.oauth_error_notify_mess.unwrap().contains("Link the account again"));
    let page = link(&app, &someone, id, "ada@example.org").await;
    assert!(page.contains("The account is linked"), "{page}");
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(run(&app, set).await.overall_status, OverallStatus::Success);
    let shown = get(&app, &someone, id).await;
    assert_eq!((shown.state, shown.oauth_error_notify_mess), (StorageState::Ready, None));
    assert!(inbox().await.iter().all(|(_, _, dismissed)| *dismissed));
}

#[actix_web::test]
async fn a_good_call_clears_what_a_bad_one_left() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id;
    let broken = storages::ActiveModel {
        id: Set(id),
        oauth_error_notify_mess: Set(Some("The link has ended.".into())),
        ..Default::default()
    };
    broken.update(&app.app.db).await.unwrap();
    assert_eq!(get(&app, &someone, id).await.state, StorageState::NeedsRelink);
    let report = app.call(&ep::TEST_STORAGE, &[&id.to_string()]).by(&someone).send().await.ok();
    assert!(report.ok, "{report:?}");
    assert_eq!(get(&app, &someone, id).await.state, StorageState::Ready);
}

#[actix_web::test]
async fn passes_share_one_account_and_refresh_once() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id;
    let settings = serde_json::json!({"enabled": true, "time_zone": "UTC", "log_retention_days": 10, "max_parallel_passes": 3});
    let config = app.someone_with(&[contract::Resource::Config]).await;
    app.call(&ep::SAVE_CONFIG, &[]).by(&config).json(settings).send().await.ok();
    let mut logs = Vec::new();
    for title in ["One", "Two", "Three"] {
        let set = app.set(&sending(title, vec![row(id, title)])).await.id;
        logs.push(app.app.runs.start(request(set), Duration::ZERO).await.unwrap().id);
    }
    // Every token has run out: all of them have to refresh at once.
    app.clouds.expire();
    app.clock.advance(TimeDelta::hours(2));
    let (made, asked) = (*app.clouds.made.lock().unwrap(), app.clouds.record.count("POST", "/token"));
    let work = app.work();
    for log in logs {
        assert_eq!(app.ended(log).await.overall_status, OverallStatus::Success);
    }
    drop(work);
    assert_eq!(*app.clouds.made.lock().unwrap(), made + 1);
    assert_eq!(app.clouds.record.count("POST", "/token"), asked + 1);
    // Saving the title brings no second account into being; another secret does.
    let someone = app.sign_in(&someone.username, crate::support::PASSWORD).await;
    let renamed = StorageSetInput { client_secret: None, ..drive("Renamed") };
    app.call(&ep::UPDATE_STORAGE, &[&id.to_string()]).by(&someone).body(&renamed).send().await.ok();
    let test_by = async || app.call(&ep::TEST_STORAGE, &[&id.to_string()]).by(&someone).send().await.ok();
    assert!(test_by().await.ok);
    assert_eq!(*app.clouds.made.lock().unwrap(), made + 1);
    let other = StorageSetInput { client_secret: Some("another-secret".into()), ..drive("Renamed") };
    app.call(&ep::UPDATE_STORAGE, &[&id.to_string()]).by(&someone).body(&other).send().await.ok();
    assert!(test_by().await.ok);
    assert_eq!(*app.clouds.made.lock().unwrap(), made + 2);
}

#[actix_web::test]
async fn secrets_in_what_a_destination_says_are_masked() {
    use engine::testing::fault::{Effect, Fault, Op};
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let _work = app.work();
    // A destination that repeats what it was sent: its messages name the key, and the Set's folder is in it.
    let secret = StorageSetInput {
        client_secret: Some("very-secret-folder".into()),
        ..input("Cold", StorageType::AmazonS3)
    };
    let id = create(&app, &someone, &secret).await.id;
    app.clouds
        .place("the-client-id", "shop-backups")
        .plan(Fault::always(Op::Put, Effect::Fail(engine::storage::ErrorKind::PermissionDenied)));
    let named = BackupSetInput {
        folder_name: "very-secret-folder".into(),
        ..sending("Nightly", vec![row(id, "shop-backups")])
    };
    let set = app.set(&named).await.id;
    let log = run(&app, set).await;
    let message = &log.storages[1].message;
    assert!(message.contains("***") && !message.contains("very-secret-folder"), "{message}");
}

#[actix_web::test]
async fn of_rows_that_were_stored_with_the_same_folder_the_first_alone_is_used() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let _work = app.work();
    let id = linked(&app, &someone, &input("Box", StorageType::Dropbox), "ada@example.org").await.id;
    let rows = vec![row(id, "Shop"), row(id, "b"), row(id, "c")];
    let set = app.set(&sending("Nightly", rows)).await.id;
    // As an earlier version let them be saved.
    for stored in backup_storages::Entity::find().all(&app.app.db).await.unwrap() {
        let path = match stored.path.as_str() {
            "b" => "/shop/",
            "c" => "Shop",
            _ => continue,
        };
        let changed =
            backup_storages::ActiveModel { id: Set(stored.id), path: Set(path.into()), ..Default::default() };
        changed.update(&app.app.db).await.unwrap();
    }
    let log = run(&app, set).await;
    let told: Vec<_> = log.storages.iter().map(|r| (r.status, r.message.as_str())).collect();
    assert_eq!((told[0].0, told[1].0), (RowStatus::Success, RowStatus::Success), "{told:?}");
    for told in &told[2..] {
        assert_eq!(told.0, RowStatus::Failed);
        assert!(told.1.contains("Storage 'Box'") && told.1.contains("the same folder"), "{}", told.1);
    }
    let copy = log.copy_path.unwrap();
    let whole = [format!("{copy}/files/files.tgz"), format!("{copy}/manifest.json")];
    assert_eq!(app.clouds.keys("the-client-id", "Shop").await, whole);
    assert!(app.clouds.keys("the-client-id", "shop").await.is_empty());
}

/// What a pass that is under way sends to.
async fn under_way(app: &CloudApp, id: i64) -> Arc<dyn Storage> {
    let set = app.set(&sending("Nightly", vec![row(id, "x")])).await.id;
    let log = app.app.runs.start(request(set), Duration::ZERO).await.unwrap().id;
    let place = (id, "x".to_owned());
    let mut found = app.app.storages.destinations(std::slice::from_ref(&place), log).await.unwrap();
    let Target::Remote(target) = found.remove(&place).unwrap().target else { panic!("unusable") };
    target.put("nightly/2026-03-02T10-00-00Z/files/files.tgz.001", &BytesBody("one".into())).await.unwrap();
    target
}

/// The tokens that there are have run out by now.
async fn put_later(app: &CloudApp, target: &Arc<dyn Storage>) -> engine::storage::Result<()> {
    app.clouds.expire();
    app.clock.advance(TimeDelta::hours(2));
    let body = BytesBody("two".into());
    target.put("nightly/2026-03-02T10-00-00Z/files/files.tgz.002", &body).await.map(|_| ())
}

async fn is_healthy(app: &CloudApp, id: i64) {
    let row = storages::Entity::find_by_id(id).one(&app.app.db).await.unwrap().unwrap();
    assert_eq!((row.linked, row.oauth_error_notify_mess), (true, None));
    assert_eq!(storekeep::entity::notifications::Entity::find().all(&app.app.db).await.unwrap(), []);
}

#[actix_web::test]
async fn a_copy_is_never_split_over_two_accounts() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id;
    let target = under_way(&app, id).await;
    let agreed = StorageLinkInput { confirm_other_account: true };
    let start = app.call(&ep::LINK_STORAGE, &[&id.to_string()]).by(&someone).body(&agreed).send().await.ok();
    let page = callback(&app, &app.clouds.consent(&start.authorize_url, "eve@example.org")).await;
    assert!(page.contains("The account is linked"), "{page}");
    let error = put_later(&app, &target).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.message.contains("'Drive'") && error.message.contains("another account"), "{error}");
    is_healthy(&app, id).await;
}

#[actix_web::test]
async fn a_pass_goes_on_with_a_new_link_to_the_same_account() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id;
    let target = under_way(&app, id).await;
    app.clouds.revoke("ada@example.org");
    assert!(link(&app, &someone, id, "ada@example.org").await.contains("The account is linked"));
    put_later(&app, &target).await.unwrap();
    is_healthy(&app, id).await;
}

#[actix_web::test]
async fn a_pass_with_the_app_before_says_nothing_of_the_link_of_another_app() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id;
    let target = under_way(&app, id).await;
    let other =
        StorageSetInput { client_id: "another-client".into(), confirm_other_account: true, ..drive("Drive") };
    app.call(&ep::UPDATE_STORAGE, &[&id.to_string()]).by(&someone).body(&other).send().await.is(200);
    assert!(link(&app, &someone, id, "ada@example.org").await.contains("The account is linked"));
    let error = put_later(&app, &target).await.unwrap_err();
    is_healthy(&app, id).await;
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error:?}");
}

#[actix_web::test]
async fn nobody_masks_words_by_calling_them_a_code() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let _work = app.work();
    callback(&app, "code=gone-bucket+does+not+exist").await;
    callback(&app, "code=gone-bucket+does+not+exist&state=guess").await;
    // Nor by starting a linking for it.
    let drive = create(&app, &someone, &drive("Drive")).await.id;
    let start = app.call(&ep::LINK_STORAGE, &[&drive.to_string()]).by(&someone).send().await.ok();
    let (_, state) = app.clouds.consented(&start.authorize_url, "ada@example.org");
    callback(&app, &format!("code=bucket&state={state}")).await;
    let id = create(&app, &someone, &input("Cold", StorageType::AmazonS3)).await.id;
    let set = app.set(&sending("Nightly", vec![row(id, "gone-bucket")])).await.id;
    let log = run(&app, set).await;
    let message = &log.storages[1].message;
    assert!(message.contains("The bucket gone-bucket does not exist."), "{message}");
}
