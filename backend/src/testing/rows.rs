//! Rows that tests begin with.

use crate::db::{Db, key};
use crate::entity::{backups, logs, storages};
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
