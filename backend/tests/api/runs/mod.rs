mod clearing;
mod create;
mod destinations;
mod outcome;
mod recovery;
mod schedule;
mod shell;
mod stop;

use crate::support::{Someone, TestApp};
use contract::{Resource, Trigger};
use storekeep::runs::Request;

pub async fn runner(app: &TestApp) -> Someone {
    app.someone_with(&[Resource::Backups, Resource::BackupsRun, Resource::BackupsDelete, Resource::Logs])
        .await
}

pub fn request(backup_id: i64) -> Request {
    Request { backup_id, trigger: Trigger::Manual, label: None, idempotency_key: None }
}
