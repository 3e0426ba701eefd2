use super::repo::*;
use crate::testing::On::{self, MariaDb, Postgres, Sqlite};
use crate::testing::rows::at;
use rstest::rstest;

#[rstest]
#[tokio::test]
async fn a_chore_is_done_by_one_server_at_its_time(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let (first, second) = (at("2026-05-02T03:00:00Z"), at("2026-05-03T03:00:00Z"));
    // Nobody knows it yet: it waits for its time.
    assert!(!claim(&db, "daily", first, at("2026-05-01T10:00:00Z")).await.unwrap());
    assert!(!claim(&db, "daily", first, at("2026-05-02T02:59:59Z")).await.unwrap());
    let other = db.another().await;
    let tries = (0..8).map(|n| {
        let db = if n % 2 == 0 { db.clone() } else { other.clone() };
        tokio::spawn(async move { claim(&db, "daily", second, first).await.unwrap() })
    });
    let done = futures_util::future::join_all(tries).await;
    assert_eq!(done.into_iter().filter(|won| *won.as_ref().unwrap()).count(), 1);
    // Missed while no server ran: made up for at the next start.
    assert!(claim(&db, "daily", at("2026-05-09T03:00:00Z"), at("2026-05-08T12:00:00Z")).await.unwrap());
    // A zone in which the time comes earlier.
    assert!(!claim(&db, "daily", at("2026-05-08T22:00:00Z"), at("2026-05-08T13:00:00Z")).await.unwrap());
    assert!(claim(&db, "daily", at("2026-05-09T22:00:00Z"), at("2026-05-08T22:00:00Z")).await.unwrap());
}
