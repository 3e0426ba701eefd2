mod archives;
mod cancel;
mod clean_up;
mod events;
mod get;
mod lasting;
mod list;
mod retry;

use crate::support::{Someone, TestApp, files_only};
use contract::{BackupLog, Resource, Trigger};
use std::time::Duration;
use storekeep::runs::Request;

pub async fn reader(app: &TestApp) -> Someone {
    app.someone_with(&[Resource::Logs, Resource::Archives]).await
}

pub fn request(backup_id: i64) -> Request {
    Request { backup_id, trigger: Trigger::Manual, label: Some("v1".into()), idempotency_key: None }
}

/// A finished pass of a new Set.
pub async fn pass(app: &TestApp, title: &str) -> BackupLog {
    let _work = app.work();
    let set = app.set(&files_only(title)).await;
    app.app.runs.start(request(set.id), Duration::from_secs(60)).await.unwrap()
}
