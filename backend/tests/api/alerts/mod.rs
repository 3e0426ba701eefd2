mod delivery;
mod get;
mod missed;
mod pings;
mod put;
mod retries;
mod test;

use crate::runs::request;
use crate::support::{MailServer, Receiver, TestApp, files_only};
use contract::{
    Alerts, AlertsInput, BackupLog, BackupSetInput, BackupType, Notification, Resource, endpoints as ep,
};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use std::time::Duration;
use storekeep::entity::messages;

/// A webhook that everything is sent to, and nothing else.
pub fn to_webhook(receiver: &Receiver) -> Value {
    json!({
        "email": {"enabled": false},
        "webhook": {"enabled": true, "url": receiver.url("/hook"), "secret": "0123456789abcdef", "allow_private": true},
    })
}

/// The same for a mail server.
pub fn to_mail(server: &MailServer) -> Value {
    json!({
        "email": {
            "enabled": true, "host": "127.0.0.1", "port": server.port, "security": "none", "username": "storekeep",
            "password": "the-mail-password", "from": "backups@example.org", "to": ["ops@example.org", "boss@example.org"],
        },
        "webhook": {"enabled": false},
    })
}

/// Saved past the API.
pub async fn saved(app: &TestApp, input: Value) -> Alerts {
    let input: AlertsInput = serde_json::from_value(input).unwrap();
    app.app.alerts.save(&input, None).await.unwrap()
}

/// A Set that cannot succeed: the database of the store is not there, and nothing else is wanted.
pub fn failing(title: &str) -> BackupSetInput {
    BackupSetInput { backup_types: vec![BackupType::Database], ..files_only(title) }
}

/// A pass of the Set to its end, at a time of its own.
pub async fn run(app: &TestApp, set: i64) -> BackupLog {
    app.clock.advance(chrono::TimeDelta::seconds(7));
    let log = app.app.runs.start(request(set), Duration::from_secs(60)).await.unwrap();
    assert!(log.finished_at.is_some(), "{log:?}");
    log
}

/// Gives a Set the content of another one.
pub async fn change(app: &TestApp, set: i64, input: &BackupSetInput) {
    app.app.backups.update(set, None, input).await.unwrap();
}

pub async fn outbox(app: &TestApp) -> Vec<messages::Model> {
    messages::Entity::find().all(&app.app.db).await.unwrap()
}

/// The events that are still to be sent, in order.
pub async fn events(app: &TestApp) -> Vec<String> {
    outbox(app).await.into_iter().map(|m| m.event).collect()
}

/// What is open in the inbox.
pub async fn inbox(app: &TestApp) -> Vec<Notification> {
    let someone = app.someone_with(&[]).await;
    let page = app.call(&ep::LIST_NOTIFICATIONS, &[]).query("/api/v1/notifications?open=true").by(&someone);
    page.send().await.ok().items
}

pub async fn keeper(app: &TestApp) -> crate::support::Someone {
    app.someone_with(&[Resource::Config]).await
}
