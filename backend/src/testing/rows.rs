//! Rows that tests begin with.

use crate::db::{Db, key};
use crate::entity::{backup_storages, backups, logs, storages};
use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue::Set as To};

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A switched-on hourly Set; its folder is called as its title.
pub async fn backup(db: &Db, title: &str, next_run_at: Option<DateTime<Utc>>) -> i64 {
    let now = at("2026-01-01T00:00:00Z");
    let row = backups::ActiveModel {
        enabled: To(true),
        title: To(title.into()),
        title_key: To(key(title)),
        folder_name: To(title.into()),
        folder_key: To(key(title)),
        backup_types: To(r#"["files"]"#.into()),
        frequency: To(Some(1)),
        exclude_directories: To("[]".into()),
        exclude_tables: To("[]".into()),
        symlinks: To("follow_shared".into()),
        verify: To("copied".into()),
        next_run_at: To(next_run_at),
        slot_zone: To(Some("UTC".into())),
        created_at: To(now),
        updated_at: To(now),
        revision: To(1),
        ..Default::default()
    };
    row.insert(db).await.unwrap().id
}

pub async fn storage(db: &Db, title: &str) -> i64 {
    let now = at("2026-01-01T00:00:00Z");
    let row = storages::ActiveModel {
        enabled: To(true),
        title: To(title.into()),
        title_key: To(key(title)),
        kind: To("amazon_s3".into()),
        client_id: To("AKIA".into()),
        path_style: To(false),
        encryption: To("none".into()),
        incremental: To(true),
        link_generation: To(0),
        link_confirmed: To(false),
        linked: To(false),
        created_at: To(now),
        updated_at: To(now),
        revision: To(1),
        ..Default::default()
    };
    row.insert(db).await.unwrap().id
}

/// A row of a Set that leads to a Storage Set.
pub async fn backup_storage(db: &Db, backup_id: i64, position: i32, storage_id: i64, path: &str) {
    let row = backup_storages::ActiveModel {
        backup_id: To(backup_id),
        position: To(position),
        storage_id: To(Some(storage_id)),
        enabled: To(true),
        keep_copies: To(3),
        path: To(path.into()),
        ..Default::default()
    };
    row.insert(db).await.unwrap();
}

/// A pass of a Set that is under way.
pub async fn running_log(db: &Db, backup_id: i64, title: &str, started_at: DateTime<Utc>) -> i64 {
    let log = log(db, backup_id, title, "pending", started_at).await;
    let row = logs::ActiveModel {
        id: To(log),
        active_key: To(Some(backup_id)),
        owner: To(Some("somebody".into())),
        finished_at: To(None),
        ..Default::default()
    };
    row.update(db).await.unwrap();
    log
}

/// Whoever runs the pass holds it until then.
pub async fn lease(db: &Db, log: i64, until: DateTime<Utc>) {
    let row = logs::ActiveModel { id: To(log), lease_until: To(Some(until)), ..Default::default() };
    row.update(db).await.unwrap();
}

/// A finished pass of a Set.
pub async fn log(db: &Db, backup_id: i64, title: &str, status: &str, started_at: DateTime<Utc>) -> i64 {
    let row = logs::ActiveModel {
        backup_id: To(Some(backup_id)),
        backup_title: To(title.into()),
        trigger: To("manual".into()),
        search_key: To(key(title)),
        overall_status: To(status.into()),
        attempt: To(1),
        started_at: To(started_at),
        finished_at: To(Some(started_at)),
        duration_sec: To(Some(0.25)),
        files: To("[]".into()),
        storages: To("[]".into()),
        warnings: To("[]".into()),
        ..Default::default()
    };
    row.insert(db).await.unwrap().id
}
