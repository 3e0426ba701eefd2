mod create;
mod delete;
mod get;
mod key;

mod link;
mod list;
mod options;
mod test;
mod update;

use crate::support::{CLIENT_SECRET, CloudApp, Someone, TestApp};
use contract::{Encryption, Resource, StorageSet, StorageSetInput, StorageType, endpoints as ep};

pub fn input(title: &str, kind: StorageType) -> StorageSetInput {
    StorageSetInput {
        enabled: true,
        title: title.into(),
        kind,
        client_id: "the-client-id".into(),
        client_secret: Some(CLIENT_SECRET.into()),
        authentication_code: None,
        region: None,
        endpoint: None,
        path_style: false,
        storage_class: None,
        encryption: Encryption::None,
        kms_key_id: None,
        incremental: true,
        tenant: None,
        max_bytes_per_sec: None,
        confirm_other_account: false,
    }
}

pub fn drive(title: &str) -> StorageSetInput {
    input(title, StorageType::GoogleDrive)
}

pub async fn keeper(app: &TestApp) -> Someone {
    use Resource::*;
    app.someone_with(&[Storages, StoragesSave, StoragesDelete, Backups, BackupsSave, BackupsRun, Logs]).await
}

pub async fn create(app: &TestApp, someone: &Someone, input: &StorageSetInput) -> StorageSet {
    app.call(&ep::CREATE_STORAGE, &[]).by(someone).body(input).send().await.ok()
}

pub async fn get(app: &TestApp, someone: &Someone, id: i64) -> StorageSet {
    app.call(&ep::GET_STORAGE, &[&id.to_string()]).by(someone).send().await.ok()
}

/// Links the Storage Set as a browser does; returns the page that it ends at.
pub async fn link(app: &CloudApp, someone: &Someone, id: i64, account: &str) -> String {
    let id = id.to_string();
    let link = app.call(&ep::LINK_STORAGE, &[&id]).by(someone).send().await.ok();
    callback(app, &app.clouds.consent(&link.authorize_url, account)).await
}

pub async fn callback(app: &TestApp, query: &str) -> String {
    let uri = format!("/oauth/callback?{query}");
    app.call(&ep::OAUTH_CALLBACK, &[]).query(&uri).send().await.is(200).text()
}

/// A Storage Set that is linked already.
pub async fn linked(app: &CloudApp, someone: &Someone, input: &StorageSetInput, account: &str) -> StorageSet {
    let id = create(app, someone, input).await.id;
    let page = link(app, someone, id, account).await;
    assert!(page.contains("The account is linked"), "{page}");
    get(app, someone, id).await
}
