//! Storage Sets and the encryption key: another one, and a new one.

use super::{drive, get, link, linked};
use crate::runs::request;
use crate::support::{CLIENT_SECRET, CloudApp, PASSWORD, Someone, config_with_store, files_only};
use contract::{
    ProblemCode, RefreshInput, Resource, RowStatus, StorageRow, StorageSetInput, StorageState,
    endpoints as ep,
};
use std::process::{Command, Output};
use std::time::Duration;

async fn keeper(app: &CloudApp) -> Someone {
    use Resource::*;
    app.someone_with(&[Storages, StoragesSave, StoragesDelete, Logs]).await
}

/// The next server on the same folder and the same clouds.
async fn restart(app: CloudApp, meanwhile: impl FnOnce(&std::path::Path)) -> CloudApp {
    let CloudApp { server, clouds } = app;
    let dir = server.stop().await;
    meanwhile(dir.path());
    let config = config_with_store(&dir, |_| {});
    CloudApp::on(dir, config, Some(clouds)).await
}

fn rotate(dir: &std::path::Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_storekeep"));
    command.args(["key", "rotate"]).env("STOREKEEP_DATA_DIR", dir.join("data"));
    command.env_remove("STOREKEEP_ENCRYPTION_KEY").output().unwrap()
}

#[actix_web::test]
async fn with_another_key_every_storage_asks_for_its_credentials_and_nothing_breaks() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id;
    let row = StorageRow { storage_id: Some(id), enabled: true, keep_copies: 2, path: "x".into() };
    let mut input = files_only("Nightly");
    input.storages.push(row);
    let set = app.set(&input).await.id;
    let app = restart(app, |dir| std::fs::remove_file(dir.join("data/key")).unwrap()).await;
    // The sessions were signed with the old key.
    app.call(&ep::GET_STORAGE, &[&id.to_string()])
        .by(&someone)
        .send()
        .await
        .refused(ProblemCode::NotSignedIn);
    let someone = app.sign_in(&someone.username, PASSWORD).await;

    let shown = get(&app, &someone, id).await;
    assert_eq!((shown.state, shown.linked), (StorageState::CredentialsUnreadable, false));
    assert!(shown.client_secret_set && shown.account.as_deref() == Some("ada@example.org"));
    app.call(&ep::LIST_STORAGES, &[]).by(&someone).send().await.is(200);
    let work = app.work();
    let log = app.app.runs.start(request(set), Duration::from_secs(60)).await.unwrap();
    assert_eq!((log.storages[0].status, log.storages[1].status), (RowStatus::Success, RowStatus::Failed));
    assert_eq!(
        log.storages[1].message,
        "The credentials of storage 'Drive' cannot be decrypted (the encryption key has changed). Enter them again and link the account \
         again."
    );
    let path = id.to_string();
    let report = app.call(&ep::TEST_STORAGE, &[&path]).by(&someone).send().await.ok();
    assert!(!report.ok && report.steps[0].message.contains("cannot be decrypted"), "{report:?}");
    let refused = app.call(&ep::LINK_STORAGE, &[&path]).by(&someone).send().await;
    assert_eq!(refused.fields(), ["client_secret"]);

    // New ones can be saved.
    let again = StorageSetInput { client_secret: Some(CLIENT_SECRET.into()), ..drive("Drive") };
    app.call(&ep::UPDATE_STORAGE, &[&path]).by(&someone).body(&again).send().await.is(200);
    assert!(link(&app, &someone, id, "ada@example.org").await.contains("The account is linked"));
    assert_eq!(get(&app, &someone, id).await.state, StorageState::Ready);
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let log = app.app.runs.start(request(set), Duration::from_secs(60)).await.unwrap();
    assert_eq!(log.storages[1].status, RowStatus::Success, "{log:?}");
    drop(work);
}

#[actix_web::test]
async fn after_a_rotation_links_still_work_and_what_was_signed_before_does_not() {
    let app = CloudApp::with_store().await;
    let someone = keeper(&app).await;
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id;
    let refused = rotate(app.dir.path());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("stop it first"), "{said}");

    let mut said = String::new();
    let app = restart(app, |dir| {
        let before = std::fs::read(dir.join("data/key")).unwrap();
        let done = rotate(dir);
        said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{said}");
        assert_ne!(std::fs::read(dir.join("data/key")).unwrap(), before);
    })
    .await;
    assert!(said.contains("sign in again") && said.contains("API token"), "{said}");
    app.call(&ep::GET_STORAGE, &[&id.to_string()])
        .by(&someone)
        .send()
        .await
        .refused(ProblemCode::NotSignedIn);
    let refresh = RefreshInput { refresh_token: Some(someone.refresh_token.clone()) };
    let session = app.call(&ep::REFRESH, &[]).body(&refresh).send().await.ok();
    let ask = app.call(&ep::TEST_STORAGE, &[&id.to_string()]).token(&session.access_token);
    let report = ask.send().await.ok();
    assert!(report.ok, "{report:?}");
    // A refresh with the secret and the token that were encrypted anew.
    app.clouds.expire();
    let ask = app.call(&ep::TEST_STORAGE, &[&id.to_string()]).token(&session.access_token);
    assert!(ask.send().await.ok().ok);
}
