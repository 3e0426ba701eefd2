use super::repo::*;
use crate::db::{self, Db};
use crate::entity::{backups, logs};
use crate::testing::On::{self, MariaDb, Postgres, Sqlite};
use crate::testing::rows::{self, at};
use chrono::TimeDelta;
use rstest::rstest;
use sea_orm::EntityTrait;
use std::collections::HashSet;

const NOW: &str = "2026-05-01T10:00:00Z";

fn new(backup_id: i64) -> New {
    New {
        backup_id,
        trigger: "manual".into(),
        label: Some("Release 7".into()),
        idempotency_key: None,
        holder: None,
        repeats: None,
        now: at(NOW),
    }
}

fn holder(owner: &str) -> Holder {
    Holder { owner: owner.into(), lease_until: at(NOW) + TimeDelta::seconds(60) }
}

fn end(status: &str) -> Final {
    Final {
        overall_status: status.into(),
        finished_at: at(NOW) + TimeDelta::seconds(5),
        duration_sec: 5.0,
        files: r#"[{"name":"files/files.tgz"}]"#.into(),
        storages: "[]".into(),
        warnings: "x".repeat(100_000),
        error_message: None,
        copy_path: Some("alpha/2026-05-01T10-00-00Z".into()),
        retry_at: None,
        good: false,
    }
}

fn nowhere(_: &str) -> bool {
    false
}

async fn close_now(db: &Db, held: &Held, status: &str) -> bool {
    let end = end(status);
    let end = &end;
    db::transaction(db, |tx| async move { close(&tx, held, end).await }).await.unwrap()
}

#[rstest]
#[tokio::test]
async fn of_ten_requests_at_once_one_opens_a_log(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let other = db.another().await;
    let set = rows::backup(&db, "alpha", None).await;
    let tries = (0..10).map(|n| {
        let db = if n % 2 == 0 { db.clone() } else { other.clone() };
        tokio::spawn(async move { open(&db, &new(set)).await.unwrap() })
    });
    let results: Vec<Opened> =
        futures_util::future::join_all(tries).await.into_iter().map(Result::unwrap).collect();
    let opened: Vec<i64> =
        results.iter().filter_map(|r| if let Opened::New(id) = r { Some(*id) } else { None }).collect();
    assert_eq!(opened.len(), 1, "{results:?}");
    let running = results.iter().filter(|r| **r == Opened::Running(opened[0])).count();
    assert_eq!(running, 9, "{results:?}");
    assert_eq!(open(&db, &new(set + 1)).await.unwrap(), Opened::Missing);
}

#[rstest]
#[tokio::test]
async fn one_idempotency_key_is_one_log(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let set = rows::backup(&db, "alpha", None).await;
    let other = rows::backup(&db, "beta", None).await;
    let keyed = |set| New { idempotency_key: Some("Deploy-1".into()), ..new(set) };
    let tries = (0..6).map(|_| {
        let (db, new) = (db.clone(), keyed(set));
        tokio::spawn(async move { open(&db, &new).await.unwrap() })
    });
    let mut ids = HashSet::new();
    for result in futures_util::future::join_all(tries).await {
        match result.unwrap() {
            Opened::New(id) | Opened::Known(id) => ids.insert(id),
            other => panic!("{other:?}"),
        };
    }
    assert_eq!(ids.len(), 1);
    let id = *ids.iter().next().unwrap();
    let held = take(&db, &holder("me"), at(NOW), &nowhere).await.unwrap().unwrap();
    assert!(close_now(&db, &held, "success").await);
    // It is known after its end as well; another case or another Set is another pass.
    assert_eq!(open(&db, &keyed(set)).await.unwrap(), Opened::Known(id));
    assert_eq!(known(&db, set, "Deploy-1").await.unwrap(), Some(id));
    assert_eq!(known(&db, set, "deploy-1").await.unwrap(), None);
    assert!(matches!(open(&db, &keyed(other)).await.unwrap(), Opened::New(_)));
}

#[rstest]
#[tokio::test]
async fn every_pass_is_taken_once_and_in_order(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    for n in 0..12 {
        let set = rows::backup(&db, &format!("s{n}"), None).await;
        open(&db, &new(set)).await.unwrap();
    }
    let mut pools = Vec::new();
    for _ in 0..3 {
        pools.push(db.another().await);
    }
    let takers = pools.into_iter().enumerate().map(|(n, db)| {
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Some(held) =
                take(&db, &holder(&format!("server {n}")), at(NOW), &nowhere).await.unwrap()
            {
                taken.push(held);
            }
            taken
        })
    });
    let taken: Vec<Held> =
        futures_util::future::join_all(takers).await.into_iter().flat_map(Result::unwrap).collect();
    let distinct: HashSet<i64> = taken.iter().map(|h| h.log_id).collect();
    assert_eq!((taken.len(), distinct.len()), (12, 12));
    assert!(taken.iter().all(|h| h.attempt == 1));
    let set = backups::Entity::find_by_id(taken[0].backup_id).one(&*db).await.unwrap().unwrap();
    assert_eq!(set.last_time, Some(at(NOW)));
}

#[rstest]
#[tokio::test]
async fn who_lost_a_pass_changes_nothing(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let set = rows::backup(&db, "alpha", None).await;
    open(&db, &new(set)).await.unwrap();
    let held = take(&db, &holder("me"), at(NOW), &nowhere).await.unwrap().unwrap();
    let later = at(NOW) + TimeDelta::seconds(120);
    assert!(renew(&db, &held, later).await.unwrap());
    for stranger in [Held { owner: "you".into(), ..held.clone() }, Held { attempt: 2, ..held.clone() }] {
        assert!(!renew(&db, &stranger, later).await.unwrap());
        assert!(!close_now(&db, &stranger, "success").await);
    }
    assert!(close_now(&db, &held, "partial").await);
    // Once closed, it is nobody's.
    assert!(!renew(&db, &held, later).await.unwrap());
    assert!(!close_now(&db, &held, "failed").await);
    let log = logs::Entity::find_by_id(held.log_id).one(&*db).await.unwrap().unwrap();
    assert_eq!((log.overall_status.as_str(), log.active_key, log.duration_sec), ("partial", None, Some(5.0)));
    assert_eq!((log.warnings.len(), log.label.as_deref()), (100_000, Some("Release 7")));
    let set = backups::Entity::find_by_id(set).one(&*db).await.unwrap().unwrap();
    assert_eq!(set.last_status.as_deref(), Some("partial"));
    assert!(matches!(open(&db, &new(set.id)).await.unwrap(), Opened::New(_)));
}

#[rstest]
#[tokio::test]
async fn abandoned_are_those_whose_lease_is_over_and_those_of_the_gone(
    #[values(Sqlite, Postgres, MariaDb)] on: On,
) {
    let db = on.fresh().await;
    let mut ids = Vec::new();
    for (title, owner) in [("a", "me"), ("b", "you"), ("c", "")] {
        let set = rows::backup(&db, title, None).await;
        let holder = (!owner.is_empty()).then(|| holder(owner));
        let Opened::New(id) = open(&db, &New { holder, ..new(set) }).await.unwrap() else { panic!() };
        ids.push(id);
    }
    let found = async |gone: &[&str], seconds| {
        let gone: Vec<String> = gone.iter().map(|g| (*g).to_owned()).collect();
        let found = abandoned(&db, &gone, at(NOW) + TimeDelta::seconds(seconds)).await.unwrap();
        found.into_iter().map(|h| h.log_id).collect::<Vec<_>>()
    };
    assert!(found(&[], 59).await.is_empty());
    assert_eq!(found(&["me", "nobody"], 59).await, [ids[0]]);
    assert_eq!(found(&[], 61).await, [ids[0], ids[1]]);
    let held = abandoned(&db, &["me".into()], at(NOW)).await.unwrap().remove(0);
    assert!(close_now(&db, &held, "failed").await);
    assert!(found(&["me"], 59).await.is_empty());
}
