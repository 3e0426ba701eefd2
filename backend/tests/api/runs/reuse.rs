//! Which passes copy from the one before.

use super::request;
use crate::support::{TestApp, files_only};
use chrono::TimeDelta;
use contract::{BackupSetInput, OverallStatus, SettingsInput, Verify};
use engine::archive::ArchiveFile;
use engine::archive::reuse::read_index;
use std::time::Duration;

/// A pass of the Set; how many passes in a row have copied by now.
async fn generation(app: &TestApp, set: i64) -> u32 {
    let id = app.app.runs.start(request(set), Duration::ZERO).await.unwrap().id;
    let log = app.ended(id).await;
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(log.overall_status, OverallStatus::Success, "{log:?}");
    let archives: Vec<ArchiveFile> = log
        .files
        .iter()
        .map(|file| ArchiveFile {
            name: file.name.clone(),
            size_bytes: file.size_bytes.try_into().unwrap(),
            sha256: file.sha256.clone(),
        })
        .collect();
    let dir = app.archive_dir().join(log.copy_path.unwrap());
    read_index(&dir, &archives).unwrap().0.generation
}

#[actix_web::test]
async fn a_set_copies_unless_it_wants_everything_read_or_it_is_time_for_that() {
    let app = TestApp::with_store().await;
    let _work = app.work();
    let settings = SettingsInput {
        enabled: true,
        time_zone: "UTC".into(),
        log_retention_days: 10,
        max_parallel_passes: 1,
        pass_time_limit_hours: None,
        missed_grace_min: None,
        full_pass_every: Some(3),
    };
    app.app.settings.save(&settings, None).await.unwrap();
    let copied = app.set(&files_only("Copied")).await.id;
    let full = app.set(&BackupSetInput { verify: Verify::Full, ..files_only("Full") }).await.id;
    let mut generations = Vec::new();
    for _ in 0..5 {
        generations.push(generation(&app, copied).await);
    }
    assert_eq!(generations, [0, 1, 2, 0, 1]);
    assert_eq!((generation(&app, full).await, generation(&app, full).await), (0, 0));
}
