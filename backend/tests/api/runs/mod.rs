mod clearing;
mod create;
mod destinations;
mod inventory;
mod outcome;
mod panic;
mod recovery;
mod reuse;
mod schedule;
mod shell;
mod stop;

pub use recovery::left_behind_of;

use crate::support::{Someone, TestApp, monday};
use contract::{Resource, Trigger};
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use storekeep::entity::storages;
use storekeep::runs::Request;

pub async fn runner(app: &TestApp) -> Someone {
    app.someone_with(&[Resource::Backups, Resource::BackupsRun, Resource::BackupsDelete, Resource::Logs])
        .await
}

pub fn request(backup_id: i64) -> Request {
    Request { backup_id, trigger: Trigger::Manual, label: None, idempotency_key: None }
}

/// A Storage Set that is not linked; its id.
pub async fn storage(app: &TestApp, title: &str, enabled: bool) -> i64 {
    let storage = storages::ActiveModel {
        enabled: Set(enabled),
        title: Set(title.into()),
        title_key: Set(title.to_lowercase()),
        kind: Set("dropbox".into()),
        client_id: Set("x".into()),
        path_style: Set(false),
        encryption: Set("none".into()),
        incremental: Set(true),
        link_generation: Set(0),
        link_confirmed: Set(false),
        linked: Set(false),
        created_at: Set(monday()),
        updated_at: Set(monday()),
        revision: Set(1),
        ..Default::default()
    };
    storage.insert(&app.app.db).await.unwrap().id
}
