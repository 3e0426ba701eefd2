use super::repo::*;
use crate::testing::On::{self, MariaDb, Postgres, Sqlite};
use crate::testing::rows::at;
use rstest::rstest;

fn notice(key: &str, now: &str) -> Post {
    Post {
        severity: "error".into(),
        title: "Link the account again".into(),
        message: "Größter Laden 🛒".into(),
        dedupe_key: key.into(),
        now: at(now),
    }
}

async fn keys(db: &crate::db::Db, open: Option<bool>) -> Vec<(i64, Option<String>)> {
    let (rows, total) = list(db, open, ("id", false), (0, 10)).await.unwrap();
    assert_eq!(total, rows.len() as u64);
    rows.into_iter().map(|r| (r.id, r.dedupe_key)).collect()
}

#[rstest]
#[tokio::test]
async fn a_matter_is_posted_once_while_it_is_open(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let tries = (0..8).map(|_| {
        let db = db.clone();
        tokio::spawn(async move { post(&db, &notice("storage:7", "2026-05-01T10:00:00Z")).await.unwrap() })
    });
    let results = futures_util::future::join_all(tries).await;
    assert_eq!(results.into_iter().filter(|r| *r.as_ref().unwrap()).count(), 1);
    assert!(post(&db, &notice("storage:8", "2026-05-01T10:00:00Z")).await.unwrap());
    settle(&db, "storage:7", at("2026-05-01T11:00:00Z")).await.unwrap();
    settle(&db, "storage:7", at("2026-05-01T12:00:00Z")).await.unwrap();
    assert_eq!(keys(&db, Some(true)).await.len(), 1);
    let (rows, _) = list(&db, Some(false), ("id", false), (0, 10)).await.unwrap();
    assert_eq!(rows[0].dismissed_at, Some(at("2026-05-01T11:00:00Z")));
    assert!(post(&db, &notice("storage:7", "2026-05-01T13:00:00Z")).await.unwrap());
    assert_eq!(keys(&db, None).await.len(), 3);
}

#[rstest]
#[tokio::test]
async fn what_is_dismissed_can_be_posted_again(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    assert!(post(&db, &notice("a", "2026-05-01T10:00:00Z")).await.unwrap());
    let id = keys(&db, Some(true)).await[0].0;
    assert!(dismiss(&db, id, at("2026-05-01T10:05:00Z")).await.unwrap());
    assert!(dismiss(&db, id, at("2026-05-01T10:06:00Z")).await.unwrap());
    assert!(!dismiss(&db, id + 1, at("2026-05-01T10:06:00Z")).await.unwrap());
    let (rows, _) = list(&db, None, ("created_at", true), (0, 1)).await.unwrap();
    assert_eq!(rows[0].dismissed_at, Some(at("2026-05-01T10:05:00Z")));
    assert!(post(&db, &notice("a", "2026-05-01T11:00:00Z")).await.unwrap());
    let (newest, total) = list(&db, None, ("created_at", true), (0, 1)).await.unwrap();
    assert_eq!((newest[0].created_at, total), (at("2026-05-01T11:00:00Z"), 2));
}

#[rstest]
#[tokio::test]
async fn what_is_replaced_stays_one_matter(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    for (text, now) in [("first", "2026-05-01T10:00:00Z"), ("second", "2026-05-01T11:00:00Z")] {
        let post = &Post { message: text.into(), ..notice("backup:7", now) };
        crate::db::transaction(&db, |tx| async move { replace(&tx, post).await }).await.unwrap();
    }
    let (rows, total) = list(&db, Some(true), ("id", false), (0, 10)).await.unwrap();
    assert_eq!((total, rows[0].message.as_str()), (1, "second"));
    assert_eq!(rows[0].created_at, at("2026-05-01T11:00:00Z"));
    let settle = |now: &'static str| {
        crate::db::transaction(&db, move |tx| async move { settle_in(&tx, "backup:7", at(now)).await })
    };
    settle("2026-05-01T12:00:00Z").await.unwrap();
    let post = &notice("backup:7", "2026-05-01T13:00:00Z");
    crate::db::transaction(&db, |tx| async move { replace(&tx, post).await }).await.unwrap();
    assert_eq!((keys(&db, Some(true)).await.len(), keys(&db, None).await.len()), (1, 2));
}
