mod create;
mod delete;
mod get;
mod list;
mod preview;
mod update;

use crate::support::{Someone, TestApp};
use contract::{
    BackupSet, BackupSetInput, BackupType, Resource, StorageRow, Symlinks, Verify, endpoints as ep,
};

/// A daily Set of both types with a local row; its folder is called as its title.
pub fn input(title: &str) -> BackupSetInput {
    BackupSetInput {
        enabled: true,
        title: title.into(),
        folder_name: title.to_lowercase(),
        backup_types: vec![BackupType::Database, BackupType::Files],
        frequency: Some(24),
        cron: None,
        time_of_day: Some("02:30".into()),
        exclude_directories: vec!["var/cache".into()],
        exclude_tables: vec!["@log".into()],
        symlinks: Symlinks::FollowShared,
        verify: Verify::Copied,
        retry_attempts: 0,
        retry_delay_min: 10,
        jitter_min: 0,
        ping_url: None,
        storages: vec![StorageRow { storage_id: None, enabled: true, keep_copies: 3, path: String::new() }],
    }
}

pub async fn operator(app: &TestApp) -> Someone {
    use Resource::*;
    app.someone_with(&[Backups, BackupsSave, BackupsDelete, BackupsRun, Logs, Archives, Config]).await
}

pub async fn create(app: &TestApp, someone: &Someone, input: &BackupSetInput) -> BackupSet {
    app.call(&ep::CREATE_BACKUP, &[]).by(someone).body(input).send().await.ok()
}
