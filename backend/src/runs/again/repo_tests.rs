use super::repo::*;
use crate::db::Db;
use crate::entity::{backups, copies, logs};
use crate::runs::repo::{Final, Held, Holder, New, Opened, close, open, take};
use crate::testing::On::{self, MariaDb, Postgres, Sqlite};
use crate::testing::rows::{self, at};
use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};

const NOW: &str = "2026-05-01T10:00:00Z";
const COPY: &str = "alpha/2026-05-01T10-00-00Z";

fn later(minutes: i64) -> DateTime<Utc> {
    at(NOW) + TimeDelta::minutes(minutes)
}

async fn started(db: &Db, set: i64) -> Held {
    let new = New {
        backup_id: set,
        trigger: "schedule".into(),
        label: Some("v1".into()),
        idempotency_key: None,
        holder: None,
        repeats: None,
        now: at(NOW),
    };
    assert!(matches!(open(db, &new).await.unwrap(), Opened::New(_)));
    taken(db, at(NOW), true).await.unwrap()
}

async fn taken(db: &Db, now: DateTime<Utc>, has: bool) -> Option<Held> {
    let holder = Holder { owner: "me".into(), lease_until: now + TimeDelta::seconds(60) };
    take(db, &holder, now, &move |_| has).await.unwrap()
}

/// A pass that failed; with its archives kept or without.
async fn failed(db: &Db, set: i64, kept: bool, retry_at: Option<DateTime<Utc>>) -> Held {
    let held = started(db, set).await;
    let end = Final {
        overall_status: "failed".into(),
        finished_at: later(1),
        duration_sec: 60.0,
        files: "[]".into(),
        storages: r#"[{"storage_id":"7","title":"Cold","type":"amazon_s3","status":"failed","message":"No space.","bytes":0,"seconds":1.0}]"#.into(),
        warnings: "[]".into(),
        error_message: None,
        copy_path: kept.then(|| COPY.to_owned()),
        retry_at,
        good: false,
    };
    crate::db::transaction(db, |tx| {
        let (held, end) = (held.clone(), end.clone());
        async move { close(&tx, &held, &end).await }
    })
    .await
    .unwrap();
    if kept {
        let copy = copies::ActiveModel {
            backup_id: Set(Some(set)),
            log_id: Set(Some(held.log_id)),
            backup_title: Set("alpha".into()),
            destination: Set("local".into()),
            root: Set(String::new()),
            copy_path: Set(COPY.into()),
            complete: Set(true),
            staging: Set(false),
            size_bytes: Set(1),
            files: Set("[]".into()),
            created_at: Set(at(NOW)),
            ..Default::default()
        };
        copy.insert(db).await.unwrap();
    }
    held
}

async fn log(db: &Db, id: i64) -> logs::Model {
    logs::Entity::find_by_id(id).one(db).await.unwrap().unwrap()
}

#[rstest]
#[tokio::test]
async fn who_wants_the_end_of_a_pass_is_remembered(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let set = rows::backup(&db, "alpha", None).await;
    let held = started(&db, set).await;
    assert_eq!(asked_for_end(&db, held.log_id).await.unwrap(), None);
    assert_eq!(ask_for_end(&db, held.log_id, "ada", later(1)).await.unwrap(), Asked::Yes);
    assert_eq!(ask_for_end(&db, held.log_id, "bob", later(2)).await.unwrap(), Asked::Yes);
    assert_eq!(asked_for_end(&db, held.log_id).await.unwrap().as_deref(), Some("ada"));
    assert_eq!(ask_for_end(&db, held.log_id + 1, "ada", later(2)).await.unwrap(), Asked::Missing);
    let ended = rows::log(&db, set, "alpha", "failed", at(NOW)).await;
    assert_eq!(ask_for_end(&db, ended, "ada", later(2)).await.unwrap(), Asked::Ended);
}

#[rstest]
#[tokio::test]
async fn a_log_goes_on_where_its_archives_are(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let set = rows::backup(&db, "alpha", None).await;
    let held = failed(&db, set, true, None).await;
    assert_eq!(reopen(&db, held.log_id, false, later(9)).await.unwrap(), Reopened::Done);
    assert_eq!(reopen(&db, held.log_id, false, later(9)).await.unwrap(), Reopened::Running(held.log_id));
    let row = log(&db, held.log_id).await;
    assert_eq!((row.overall_status.as_str(), row.finished_at, row.retries), ("pending", None, 0));
    assert!(row.warnings.contains("Attempt 1 ended as failed") && row.warnings.contains("Cold: No space."));
    // Servers without the archives leave it to one that has them, for a while.
    assert_eq!(taken(&db, later(9), false).await, None);
    let other = db.another().await;
    let again = taken(&other, later(9), true).await.unwrap();
    assert_eq!((again.attempt, again.started_at), (2, at(NOW)), "the copy keeps its name");
    let known = again.again.unwrap();
    assert_eq!((known.copy_path.as_str(), known.resumed_at, known.duration_sec), (COPY, later(9), 60.0));
    let set = backups::Entity::find_by_id(set).one(&*db).await.unwrap().unwrap();
    assert_eq!(set.last_time, Some(at(NOW)), "a pass that goes on is no new one");
}

#[rstest]
#[tokio::test]
async fn who_has_no_archives_takes_it_in_the_end(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let set = rows::backup(&db, "alpha", None).await;
    let held = failed(&db, set, true, None).await;
    reopen(&db, held.log_id, false, at(NOW)).await.unwrap();
    assert_eq!(taken(&db, later(10) - TimeDelta::milliseconds(1), false).await, None);
    assert_eq!(taken(&db, later(10), false).await.map(|held| held.log_id), Some(held.log_id));
}

#[rstest]
#[tokio::test]
async fn nothing_goes_on_without_archives_or_beside_another_pass(
    #[values(Sqlite, Postgres, MariaDb)] on: On,
) {
    let db = on.fresh().await;
    let set = rows::backup(&db, "alpha", None).await;
    let bare = failed(&db, set, false, None).await;
    assert_eq!(reopen(&db, bare.log_id, false, later(9)).await.unwrap(), Reopened::Not);
    let kept = failed(&db, set, true, None).await;
    let running = started(&db, set).await;
    assert_eq!(reopen(&db, kept.log_id, false, later(9)).await.unwrap(), Reopened::Running(running.log_id));
    assert_eq!(reopen(&db, running.log_id + 9, false, later(9)).await.unwrap(), Reopened::Not);
}

#[rstest]
#[tokio::test]
async fn of_any_number_of_servers_one_tries_again(
    #[values(Sqlite, Postgres, MariaDb)] on: On,
    #[values(true, false)] kept: bool,
) {
    let db = on.fresh().await;
    let set = rows::backup(&db, "alpha", None).await;
    let held = failed(&db, set, kept, Some(later(10))).await;
    assert_eq!(due(&db, later(10) - TimeDelta::milliseconds(1)).await.unwrap(), Vec::<i64>::new());
    assert_eq!(due(&db, later(10)).await.unwrap(), [held.log_id]);
    let other = db.another().await;
    let tries = (0..8).map(|n| {
        let db = if n % 2 == 0 { db.clone() } else { other.clone() };
        let id = held.log_id;
        tokio::spawn(async move { retry(&db, id, later(10)).await.unwrap() })
    });
    let done: Vec<Retried> =
        futures_util::future::join_all(tries).await.into_iter().map(Result::unwrap).collect();
    let did: Vec<&Retried> = done.iter().filter(|r| **r != Retried::Outdone).collect();
    assert_eq!(did.len(), 1, "{done:?}");
    match did[0] {
        Retried::Rows => {
            assert!(kept);
            assert_eq!(log(&db, held.log_id).await.retries, 1);
        }
        Retried::Whole(id) => {
            assert!(!kept);
            let new = log(&db, *id).await;
            assert_eq!((new.retry_of, new.retries, new.trigger.as_str()), (Some(held.log_id), 1, "schedule"));
            assert_eq!(new.label.as_deref(), Some("v1"));
        }
        Retried::Outdone => unreachable!(),
    }
    assert_eq!(due(&db, later(99)).await.unwrap(), Vec::<i64>::new());
}

#[rstest]
#[tokio::test]
async fn another_pass_outdoes_a_retry(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let set = rows::backup(&db, "alpha", None).await;
    let held = failed(&db, set, true, Some(later(10))).await;
    started(&db, set).await;
    assert_eq!(due(&db, later(99)).await.unwrap(), Vec::<i64>::new());
    assert_eq!(retry(&db, held.log_id, later(99)).await.unwrap(), Retried::Outdone);
}
