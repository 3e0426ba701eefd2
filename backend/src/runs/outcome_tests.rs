use super::outcome::*;
use super::repo::Held;
use crate::redact::Redactor;
use crate::testing::rows::at;
use contract::{OverallStatus, RowResult, RowStatus};
use engine::archive::ArchiveFile;
use engine::event::Warning;
use engine::pipeline::{self, Outcome, Status};
use engine::storage::StorageKind;
use rstest::rstest;

fn facts() -> Facts {
    let held = Held {
        log_id: 7,
        backup_id: 3,
        owner: "me".into(),
        attempt: 1,
        started_at: at("2026-05-01T10:00:00Z"),
        trigger: "schedule".into(),
        retries: 0,
        again: None,
    };
    let roots = vec![("local".into(), String::new()), ("5".into(), "one".into()), ("5".into(), "two".into())];
    Facts { held, backup_title: "Alpha".into(), roots }
}

fn row(id: &str, ok: bool) -> pipeline::RowResult {
    pipeline::RowResult {
        storage_id: id.into(),
        title: "T".into(),
        kind: StorageKind::AmazonS3,
        ok,
        message: "put failed: secret=abc123".into(),
        bytes: 9,
        seconds: 0.5,
        swept: Vec::new(),
    }
}

fn outcome(status: Status) -> Outcome {
    Outcome {
        status,
        copy_path: Some("alpha/2026-05-01T10-00-00Z".into()),
        archives: vec![ArchiveFile { name: "files/files.tgz".into(), size_bytes: 9, sha256: "ab".into() }],
        complete: true,
        rows: vec![row("local", true), row("5", true), row("5", false)],
        warnings: vec![Warning::note("x", Some("a".into()), "mysql://u:hunter2@h/d")],
        error: Some("password=hunter2".into()),
        swept: vec!["alpha/2026-04-01T10-00-00Z".into()],
        local_copy_kept: true,
    }
}

#[rstest]
#[case(Status::Success, OverallStatus::Success)]
#[case(Status::Partial, OverallStatus::Partial)]
#[case(Status::Failed, OverallStatus::Failed)]
fn an_outcome_becomes_a_log_without_secrets(#[case] status: Status, #[case] expected: OverallStatus) {
    let finished = at("2026-05-01T10:00:02.5Z");
    let ending = ending(&facts(), &outcome(status), &Redactor::default(), finished).unwrap();
    assert_eq!(ending.status, expected);
    assert_eq!((ending.log.duration_sec, ending.log.finished_at), (2.5, finished));
    let text = format!("{:?}", ending.log);
    assert!(!text.contains("hunter2") && !text.contains("abc123"), "{text}");
    let rows: Vec<RowResult> = serde_json::from_str(&ending.log.storages).unwrap();
    let states: Vec<_> = rows.iter().map(|r| r.status).collect();
    assert_eq!(states, [RowStatus::Success, RowStatus::Success, RowStatus::Failed]);
}

#[test]
fn the_catalogue_loses_what_is_gone_at_each_destination() {
    let mut outcome = outcome(Status::Success);
    outcome.rows[0].swept = vec!["alpha/2".into()];
    outcome.rows[1].swept = vec!["alpha/1".into(), "alpha/2".into()];
    let mut facts = facts();
    facts.roots[1].1 = "/one/".into();
    let now = at("2026-05-01T10:00:02Z");
    let ending = ending(&facts, &outcome, &Redactor::default(), now).unwrap();
    let gone = |destination: &str, root: &str, path: &str| (destination.into(), root.into(), path.into());
    assert_eq!(
        ending.swept,
        [
            gone("local", "", "alpha/2026-04-01T10-00-00Z"),
            gone("local", "", "alpha/2"),
            gone("5", "one", "alpha/1"),
            gone("5", "one", "alpha/2"),
        ]
    );
    assert_eq!(ending.copies[1].root, "one", "as it is looked for");
}

#[test]
fn the_catalogue_gets_what_is_there() {
    let now = at("2026-05-01T10:00:02Z");
    let copies = |outcome: &Outcome, facts: &Facts| {
        let ending = ending(facts, outcome, &Redactor::default(), now).unwrap();
        ending.copies.into_iter().map(|c| (c.destination, c.root, c.staging)).collect::<Vec<_>>()
    };
    let all = outcome(Status::Failed);
    let expected =
        vec![("local".to_owned(), String::new(), false), ("5".to_owned(), "one".to_owned(), false)];
    assert_eq!(copies(&all, &facts()), expected);
    // Without a local row the copy that was kept for a retry is staging.
    let roots = vec![("5".to_owned(), "one".to_owned())];
    let remote = Outcome { rows: vec![row("5", false)], ..outcome(Status::Failed) };
    assert_eq!(
        copies(&remote, &Facts { roots: roots.clone(), ..facts() }),
        [("local".into(), String::new(), true)]
    );
    let gone = Outcome { local_copy_kept: false, rows: vec![row("5", true)], ..outcome(Status::Success) };
    assert_eq!(copies(&gone, &Facts { roots, ..facts() }), [("5".into(), "one".into(), false)]);
    let nothing = Outcome { copy_path: None, ..outcome(Status::Failed) };
    assert_eq!(copies(&nothing, &facts()), []);
}

#[test]
fn a_clock_that_was_set_back_gives_no_negative_duration() {
    let ending = failure(&facts().held, "x", &[], at("2026-05-01T09:00:00Z"));
    assert_eq!(ending.log.duration_sec, 0.0);
}
