//! A tiny store on disk, and the work of the server around it.

use super::TestApp;
use contract::{BackupLog, BackupSet, BackupSetInput, BackupType, StorageRow, Symlinks, Verify};
use engine::testing::until_told;
use sea_orm::ActiveModelTrait;
use sea_orm::ActiveValue::Set;
use std::path::{Path, PathBuf};
use std::time::Duration;
use storekeep::config::Config;
use storekeep::entity::copies;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Makes `<dir>/store` with a few files. `database` is `<socket>|<name>`; without it the database cannot be reached.
pub fn make_store(dir: &Path, database: Option<&str>) -> PathBuf {
    let root = dir.join("store");
    for (path, content) in [
        ("app/etc/env.php", env_php(database)),
        ("composer.json", r#"{"name": "shop/store"}"#.into()),
        ("bin/magento", "#!/usr/bin/env php\n".into()),
        ("pub/index.php", "<?php echo 'hello';\n".into()),
        ("var/cache/x", "gone".into()),
    ] {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    root
}

fn env_php(database: Option<&str>) -> String {
    let (host, name, password) = match database.and_then(|s| s.split_once('|')) {
        Some((socket, name)) => (socket, name, ""),
        None => ("127.0.0.1:9", "shop", "hunter2"),
    };
    format!(
        "<?php\nreturn ['db' => ['table_prefix' => '', 'connection' => ['default' => ['host' => '{host}', 'dbname' => '{name}', \
         'username' => 'root', 'password' => '{password}', 'active' => '1']]]];\n"
    )
}

/// A Set of the store's files alone, every hour, with a local row.
pub fn files_only(title: &str) -> BackupSetInput {
    BackupSetInput {
        enabled: true,
        title: title.into(),
        folder_name: title.to_lowercase(),
        backup_types: vec![BackupType::Files],
        frequency: Some(1),
        cron: None,
        time_of_day: None,
        exclude_directories: vec!["var/cache".into()],
        exclude_tables: vec![],
        symlinks: Symlinks::FollowShared,
        verify: Verify::Copied,
        retry_attempts: 0,
        retry_delay_min: 10,
        jitter_min: 0,
        ping_url: None,
        storages: vec![StorageRow { storage_id: None, enabled: true, keep_copies: 2, path: String::new() }],
    }
}

impl TestApp {
    /// A server with a tiny store in its folder.
    pub async fn with_store() -> Self {
        TestApp::with_store_and(|_| {}).await
    }

    pub async fn with_store_and(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = config_with_store(&dir, change);
        TestApp::on(dir, config).await
    }

    /// Works on the queue of passes until the result is dropped.
    pub fn work(&self) -> DropGuard {
        let stop = CancellationToken::new();
        let (runs, token) = (self.app.runs.clone(), stop.clone());
        tokio::spawn(async move { runs.work(token).await });
        stop.drop_guard()
    }

    /// A pass of `set` that is reading a file which takes it a while: 4 GiB of nothing. An earlier copy says that a small part of
    /// it is enough room, so that a disk without 4 GiB to spare does.
    pub async fn long_pass(&self, set: &BackupSet) -> i64 {
        let large = std::fs::File::create(self.dir.path().join("store/pub/large.bin")).unwrap();
        large.set_len(4 << 30).unwrap();
        let earlier = copies::ActiveModel {
            backup_id: Set(Some(set.id)),
            backup_title: Set(set.title.clone()),
            destination: Set("local".into()),
            root: Set(String::new()),
            copy_path: Set(format!("{}/2026-01-01T00-00-00Z", set.folder_name)),
            complete: Set(true),
            staging: Set(false),
            size_bytes: Set(100 << 20),
            files: Set("[]".into()),
            created_at: Set(super::monday() - chrono::TimeDelta::days(60)),
            ..Default::default()
        };
        earlier.insert(&self.app.db).await.unwrap();
        let id = self.app.runs.start(crate::runs::request(set.id), Duration::ZERO).await.unwrap().id;
        until_told("the pass reads its large file", async || {
            let log = self.app.logs.get(id).await.unwrap();
            assert!(log.finished_at.is_none(), "it ended before anybody could end it: {log:?}");
            self.app.logs.watch(id).is_some_and(|w| w.snapshot().phases.iter().any(|p| p.bytes_done > 0))
        })
        .await;
        id
    }

    /// Ends everything at once and leaves the files.
    pub fn crash(self) -> TempDir {
        self.dir
    }

    /// The Set, made past the API.
    pub async fn set(&self, input: &BackupSetInput) -> BackupSet {
        self.app.backups.create(input).await.unwrap()
    }

    /// The log once its pass has ended.
    pub async fn ended(&self, log: i64) -> BackupLog {
        let log = self.app.logs.wait(log, Duration::from_secs(60)).await.unwrap();
        assert!(log.finished_at.is_some(), "{log:?}");
        log
    }

    pub fn archive_dir(&self) -> PathBuf {
        self.dir.path().join("data/archives")
    }
}

pub fn config_with_store(dir: &TempDir, change: impl FnOnce(&mut Config)) -> Config {
    let mut config = super::config_in(dir);
    config.store.magento_root = Some(make_store(dir.path(), None));
    change(&mut config);
    config
}
