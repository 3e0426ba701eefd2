use super::merge::{earlier, resumed};
use super::next_retry;
use crate::redact::Redactor;
use crate::runs::repo::{Again, Held};
use crate::testing::rows::at;
use contract::{BackupSet, OverallStatus, RowResult, RowStatus, StorageType, Warning};
use engine::archive::ArchiveFile;
use engine::pipeline::{self, Outcome, Row, Status, Target};
use engine::storage::StorageKind;
use rstest::rstest;

fn result(id: &str, ok: bool) -> RowResult {
    RowResult {
        storage_id: id.into(),
        title: format!("Storage {id}"),
        kind: StorageType::AmazonS3,
        status: if ok { RowStatus::Success } else { RowStatus::Failed },
        message: "before".into(),
        bytes: 5,
        seconds: 1.0,
    }
}

fn row(id: &str, path: &str) -> Row {
    Row {
        storage_id: id.into(),
        title: format!("Storage {id}"),
        kind: StorageKind::AmazonS3,
        keep_copies: 1,
        path: path.into(),
        target: Target::Unusable("for tests".into()),
    }
}

fn tried(id: &str, ok: bool) -> pipeline::RowResult {
    pipeline::RowResult {
        storage_id: id.into(),
        title: format!("Storage {id}"),
        kind: StorageKind::AmazonS3,
        ok,
        message: "again".into(),
        bytes: 9,
        seconds: 2.0,
        swept: if ok { vec!["alpha/old".into()] } else { Vec::new() },
    }
}

fn held() -> Held {
    Held {
        log_id: 7,
        backup_id: 3,
        owner: "me".into(),
        attempt: 2,
        started_at: at("2026-05-01T10:00:00Z"),
        trigger: "schedule".into(),
        retries: 1,
        again: Some(before()),
    }
}

fn before() -> Again {
    Again {
        copy_path: "alpha/2026-05-01T10-00-00Z".into(),
        resumed_at: at("2026-05-01T11:00:00Z"),
        duration_sec: 30.0,
        files: r#"[{"name":"files/files.tgz","size_bytes":9,"sha256":"ab"}]"#.into(),
        storages: "[]".into(),
        warnings: r#"[{"code":"tried_again","subject":null,"message":"Attempt 1 ended."}]"#.into(),
    }
}

fn outcome(rows: Vec<pipeline::RowResult>, complete: bool) -> Outcome {
    let ok = rows.iter().all(|row| row.ok);
    Outcome {
        status: if !ok {
            Status::Failed
        } else if complete {
            Status::Success
        } else {
            Status::Partial
        },
        copy_path: Some("alpha/2026-05-01T10-00-00Z".into()),
        archives: vec![ArchiveFile { name: "files/files.tgz".into(), size_bytes: 9, sha256: "ab".into() }],
        complete,
        rows,
        warnings: Vec::new(),
        error: None,
        swept: Vec::new(),
        local_copy_kept: true,
    }
}

#[test]
fn only_what_failed_and_is_still_wanted_is_tried() {
    let results = vec![result("local", true), result("5", true), result("5", false), result("6", false)];
    // Row 6 is switched off by now, row 8 is new.
    let rows = vec![row("local", ""), row("5", "one"), row("5", "two"), row("8", "x")];
    let (_, again) = earlier(results, rows);
    let again: Vec<_> = again.iter().map(|row| (row.storage_id.as_str(), row.path.as_str())).collect();
    // Of two rows of one Storage Set nobody knows any more which one had it.
    assert_eq!(again, [("5", "one"), ("5", "two")]);
}

#[rstest]
#[case::all_have_it(true, true, OverallStatus::Success, true)]
#[case::what_was_made_is_not_complete(true, false, OverallStatus::Partial, false)]
#[case::one_failed_again(false, true, OverallStatus::Failed, false)]
fn the_log_goes_on(
    #[case] ok: bool,
    #[case] complete: bool,
    #[case] status: OverallStatus,
    #[case] good: bool,
) {
    let (earlier, rows) = earlier(
        vec![result("local", true), result("5", false)],
        vec![row("local", ""), row("5", "/in/here/")],
    );
    assert_eq!(rows.len(), 1);
    let ended = at("2026-05-01T11:00:10Z");
    let outcome = outcome(vec![tried("5", ok)], complete);
    let ending =
        resumed(&held(), &before(), "Alpha", &earlier, &outcome, &Redactor::default(), ended).unwrap();
    assert_eq!((ending.status, ending.log.good), (status, good));
    assert_eq!((ending.log.duration_sec, ending.log.finished_at), (40.0, ended));
    assert_eq!((&ending.log.files, ending.log.copy_path), (&before().files, Some(before().copy_path)));
    let rows: Vec<RowResult> = serde_json::from_str(&ending.log.storages).unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.storage_id.as_str(), row.message.as_str())).collect();
    assert_eq!(told, [("local", "before"), ("5", "again")]);
    let warnings: Vec<Warning> = serde_json::from_str(&ending.log.warnings).unwrap();
    assert_eq!(warnings[0].code, "tried_again");
    let copies: Vec<_> =
        ending.copies.iter().map(|c| (c.destination.as_str(), c.root.as_str(), c.complete)).collect();
    assert_eq!(copies, if ok { vec![("5", "in/here", complete)] } else { vec![] });
    let swept = vec![("5".to_owned(), "in/here".to_owned(), "alpha/old".to_owned())];
    assert_eq!(ending.swept, if ok { swept } else { vec![] });
}

#[test]
fn without_the_rows_that_failed_the_rest_counts() {
    let (earlier, rows) = earlier(vec![result("5", true), result("6", false)], vec![row("5", "x")]);
    assert!(rows.is_empty());
    let ended = at("2026-05-01T11:00:10Z");
    let ending = |outcome: &Outcome| {
        let redactor = Redactor::default();
        resumed(&held(), &before(), "Alpha", &earlier, outcome, &redactor, ended).unwrap().status
    };
    assert_eq!(ending(&outcome(vec![], true)), OverallStatus::Success);
    let gone = Outcome { error: Some("The archives are not here.".into()), ..outcome(vec![], true) };
    assert_eq!(ending(&gone), OverallStatus::Failed);
}

#[rstest]
#[case::as_often_as_wanted("schedule", 1, 2, true, OverallStatus::Failed, true)]
#[case::no_more("schedule", 2, 2, true, OverallStatus::Failed, false)]
#[case::never("schedule", 0, 0, true, OverallStatus::Failed, false)]
#[case::by_hand("manual", 0, 2, true, OverallStatus::Failed, false)]
#[case::switched_off("schedule", 0, 2, false, OverallStatus::Failed, false)]
#[case::a_good_one("schedule", 0, 2, true, OverallStatus::Success, false)]
#[case::an_incomplete_one("schedule", 0, 2, true, OverallStatus::Partial, false)]
fn a_scheduled_pass_that_failed_is_tried_again(
    #[case] trigger: &str,
    #[case] retries: i32,
    #[case] retry_attempts: i32,
    #[case] enabled: bool,
    #[case] status: OverallStatus,
    #[case] expected: bool,
) {
    let set: BackupSet = serde_json::from_value(serde_json::json!({
        "id": 3, "enabled": enabled, "title": "Alpha", "folder_name": "alpha", "backup_types": ["files"], "frequency": 1,
        "cron": null, "time_of_day": null, "exclude_directories": [], "exclude_tables": [], "symlinks": "keep", "verify": "copied", "storages": [],
        "retry_attempts": retry_attempts, "retry_delay_min": 15, "jitter_min": 0, "ping_url": null, "last_time": null,
        "next_run_at": null, "last_status": null, "last_log_id": null, "running_log_id": null, "revision": 1,
        "created_at": "2026-05-01T10:00:00Z", "updated_at": "2026-05-01T10:00:00Z"
    }))
    .unwrap();
    let held = Held { trigger: trigger.into(), retries, ..held() };
    let when = next_retry(&set, &held, status, at("2026-05-01T10:00:00Z"));
    assert_eq!(when, expected.then(|| at("2026-05-01T10:15:00Z")));
}
