//! The wire as clients see it: golden JSON, so that a renamed field or a changed spelling is noticed although both ends compile.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use chrono::{DateTime, Utc};
use contract::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The value writes exactly this JSON, and this JSON reads back as the value.
fn same<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, expected: Value) {
    assert_eq!(serde_json::to_value(value).unwrap(), expected);
    assert_eq!(&serde_json::from_value::<T>(expected).unwrap(), value);
}

#[test]
fn a_backup_set_is_spelled_as_documented() {
    let set = BackupSet {
        id: 3,
        enabled: true,
        title: "Nightly".into(),
        folder_name: "nightly".into(),
        backup_types: vec![BackupType::Database, BackupType::Files],
        frequency: Some(24),
        cron: None,
        time_of_day: Some("02:30".into()),
        exclude_directories: vec!["var/cache".into()],
        exclude_tables: vec!["@log".into()],
        symlinks: Symlinks::FollowShared,
        verify: Verify::Full,
        retry_attempts: 2,
        retry_delay_min: 10,
        jitter_min: 0,
        ping_url: None,
        storages: vec![StorageRow { storage_id: None, enabled: true, keep_copies: 7, path: String::new() }],
        last_time: None,
        next_run_at: Some(at("2026-03-29T00:30:00Z")),
        last_status: Some(OverallStatus::Partial),
        last_log_id: Some(12),
        running_log_id: None,
        revision: 4,
        created_at: at("2026-01-02T03:04:05Z"),
        updated_at: at("2026-01-02T03:04:05Z"),
    };
    same(
        &set,
        json!({
            "id": 3, "enabled": true, "title": "Nightly", "folder_name": "nightly",
            "backup_types": ["database", "files"], "frequency": 24, "cron": null, "time_of_day": "02:30",
            "exclude_directories": ["var/cache"], "exclude_tables": ["@log"], "symlinks": "follow_shared", "verify": "full", "retry_attempts": 2, "retry_delay_min": 10,
            "jitter_min": 0, "ping_url": null,
            "storages": [{"storage_id": null, "enabled": true, "keep_copies": 7, "path": ""}],
            "last_time": null, "next_run_at": "2026-03-29T00:30:00Z", "last_status": "partial", "last_log_id": 12,
            "running_log_id": null, "revision": 4,
            "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z"
        }),
    );
}

#[test]
fn a_log_is_spelled_as_documented() {
    let log = BackupLog {
        id: 12,
        backup_id: None,
        backup_title: "Nightly".into(),
        trigger: Trigger::Cli,
        label: Some("v1.2".into()),
        overall_status: OverallStatus::Failed,
        queued: false,
        started_at: at("2026-03-29T00:30:00.123456Z"),
        finished_at: Some(at("2026-03-29T00:31:00Z")),
        duration_sec: Some(59.5),
        files: vec![ArchiveFile {
            name: "db/db.sql.gz".into(),
            size_bytes: 5_000_000_000,
            sha256: "ab".into(),
        }],
        storages: vec![RowResult {
            storage_id: "7".into(),
            title: "Cold".into(),
            kind: StorageType::AmazonS3,
            status: RowStatus::Failed,
            message: "Storage with id '7' does not exist.".into(),
            bytes: 0,
            seconds: 0.5,
        }],
        error_message: None,
        warnings: vec![Warning {
            code: "unreadable".into(),
            subject: Some("var/x".into()),
            message: "m".into(),
        }],
        copy_path: Some("nightly/2026-03-29T00-30-00Z".into()),
        downloadable: true,
        cancelling: false,
        retryable: true,
        retry_at: Some(at("2026-03-29T00:41:00Z")),
        retry_of: Some(11),
    };
    same(
        &log,
        json!({
            "id": 12, "backup_id": null, "backup_title": "Nightly", "trigger": "cli", "label": "v1.2",
            "overall_status": "failed", "queued": false, "started_at": "2026-03-29T00:30:00.123456Z",
            "finished_at": "2026-03-29T00:31:00Z", "duration_sec": 59.5,
            "files": [{"name": "db/db.sql.gz", "size_bytes": 5_000_000_000_i64, "sha256": "ab"}],
            "storages": [{
                "storage_id": "7", "title": "Cold", "type": "amazon_s3", "status": "failed",
                "message": "Storage with id '7' does not exist.", "bytes": 0, "seconds": 0.5
            }],
            "error_message": null,
            "warnings": [{"code": "unreadable", "subject": "var/x", "message": "m"}],
            "copy_path": "nightly/2026-03-29T00-30-00Z", "downloadable": true,
            "cancelling": false, "retryable": true, "retry_at": "2026-03-29T00:41:00Z", "retry_of": 11
        }),
    );
}

#[test]
fn problems_are_rfc_9457_documents() {
    same(
        &Problem::taken("title", "Another Backup Set has this title."),
        json!({
            "type": "urn:storekeep:problem:taken", "title": "Already taken", "status": 409, "code": "taken",
            "detail": "Another Backup Set has this title.",
            "errors": [{"field": "title", "code": "taken", "message": "Another Backup Set has this title."}]
        }),
    );
}

#[test]
fn inputs_refuse_unknown_fields_and_fill_in_defaults() {
    let minimal = json!({
        "title": "T", "folder_name": "t", "backup_types": ["files"], "frequency": 1,
        "storages": [{"keep_copies": 1}]
    });
    let set: BackupSetInput = serde_json::from_value(minimal.clone()).unwrap();
    assert_eq!(set.check(), vec![]);
    assert!(set.enabled && set.storages[0].enabled && set.storages[0].storage_id.is_none());

    let mut unknown = minimal;
    unknown["folder"] = json!("x");
    let error = serde_json::from_value::<BackupSetInput>(unknown).unwrap_err().to_string();
    assert!(error.contains("unknown field `folder`"), "{error}");
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let login = LoginInput { username: "ada".into(), password: "correct horse".into() };
    assert!(!format!("{login:?}").contains("horse"));
}

#[test]
fn rows_have_unique_ids_and_routes_and_paths_below_the_base() {
    let mut ids = std::collections::BTreeSet::new();
    let mut routes = std::collections::BTreeSet::new();
    for row in endpoints::ALL {
        assert!(ids.insert(row.id), "{} twice", row.id);
        assert!(routes.insert((row.method, row.path)), "{} {} twice", row.method.as_str(), row.path);
        let outside =
            ["/healthz", "/readyz", "/metrics", "/api/openapi.json", "/oauth/callback"].contains(&row.path);
        assert!(outside || row.path.starts_with("/api/v1/"), "{}", row.path);
    }
}
