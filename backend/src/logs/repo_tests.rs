use super::repo::*;
use crate::testing::On::{self, MariaDb, Postgres, Sqlite};
use crate::testing::rows::{self, at};
use rstest::rstest;

#[rstest]
#[tokio::test]
async fn lists_are_filtered_sorted_and_paged(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let a = rows::backup(&db, "Alpha", None).await;
    let b = rows::backup(&db, "Beta", None).await;
    let mut ids = Vec::new();
    for (n, (set, title, status)) in
        [(a, "Alpha", "success"), (b, "Beta", "failed"), (a, "Alpha", "failed")].into_iter().enumerate()
    {
        let started = at("2026-05-01T10:00:00Z") + chrono::TimeDelta::microseconds(n as i64);
        ids.push(rows::log(&db, set, title, status, started).await);
    }
    let found = async |filter: Filter, sort, range| {
        let (logs, total) = list(&db, &filter, sort, range).await.unwrap();
        (logs.into_iter().map(|l| l.id).collect::<Vec<_>>(), total)
    };
    let newest = ("started_at", true);
    let (all, total) = found(Filter::default(), newest, (0, 10)).await;
    assert_eq!((all, total), (vec![ids[2], ids[1], ids[0]], 3));
    assert_eq!(found(Filter::default(), newest, (1, 1)).await, (vec![ids[1]], 3));
    let set = Filter { backup_id: Some(a), ..Filter::default() };
    assert_eq!(found(set, newest, (0, 10)).await.0, [ids[2], ids[0]]);
    let failed = Filter { overall_status: Some("failed".into()), ..Filter::default() };
    assert_eq!(found(failed, ("id", false), (0, 10)).await.0, [ids[1], ids[2]]);
    let cli = Filter { trigger: Some("cli".into()), ..Filter::default() };
    assert_eq!(found(cli, newest, (0, 10)).await.1, 0);
    let q = Filter { q: Some("BET".into()), ..Filter::default() };
    assert_eq!(found(q, newest, (0, 10)).await.0, [ids[1]]);
    let by_title = found(Filter::default(), ("backup_title", false), (0, 10)).await.0;
    assert_eq!(by_title, [ids[0], ids[2], ids[1]]);
}

#[rstest]
#[tokio::test]
async fn a_log_comes_back_as_it_is(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let set = rows::backup(&db, "Alpha", None).await;
    let started = at("2026-05-01T10:00:00.000001Z");
    let id = rows::log(&db, set, "Alpha", "success", started).await;
    let log = find(&db, id).await.unwrap().unwrap();
    assert_eq!((log.backup_id, log.started_at, log.duration_sec), (Some(set), started, Some(0.25)));
    assert!(!log.queued && !log.local_copy);
    assert_eq!(find(&db, id + 1).await.unwrap(), None);
    assert_eq!(local_copy(&db, id).await.unwrap(), None);
}
