use super::repo::{self, Taken};
use crate::entity::backups;
use crate::runs::repo::{self as queue, New};
use crate::testing::On::{self, MariaDb, Postgres, Sqlite};
use crate::testing::rows::{self, at};
use chrono_tz::Tz;
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set as To, EntityTrait, IntoActiveModel};

const SLOT: &str = "2026-05-01T10:00:00.000001Z";

fn pass(backup_id: i64) -> New {
    New {
        backup_id,
        trigger: "schedule".into(),
        label: None,
        idempotency_key: None,
        holder: None,
        repeats: None,
        now: at(SLOT),
    }
}

async fn row(db: &crate::db::Db, id: i64) -> backups::Model {
    backups::Entity::find_by_id(id).one(db).await.unwrap().unwrap()
}

#[rstest]
#[tokio::test]
async fn due_are_those_that_are_on_and_whose_slot_has_come(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let late = rows::backup(&db, "late", Some(at("2026-05-01T09:00:00Z"))).await;
    let exact = rows::backup(&db, "exact", Some(at(SLOT))).await;
    rows::backup(&db, "soon", Some(at("2026-05-01T10:00:00.000002Z"))).await;
    rows::backup(&db, "never", None).await;
    let off = rows::backup(&db, "off", Some(at(SLOT))).await;
    let mut model = row(&db, off).await.into_active_model();
    model.enabled = To(false);
    model.update(&*db).await.unwrap();
    let due = repo::due(&db, at(SLOT)).await.unwrap();
    assert_eq!(due.iter().map(|s| s.id).collect::<Vec<_>>(), [late, exact]);
}

#[rstest]
#[tokio::test]
async fn a_slot_is_taken_by_one_of_many_servers(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let id = rows::backup(&db, "alpha", Some(at(SLOT))).await;
    let due = repo::due(&db, at(SLOT)).await.unwrap().remove(0);
    let next = Some(at("2026-05-01T11:00:00Z"));
    let mut pools = Vec::new();
    for _ in 0..4 {
        pools.push(db.another().await);
    }
    let servers = pools.into_iter().map(|db| {
        let due = due.clone();
        tokio::spawn(async move { repo::take(&db, &due, next, "UTC", &pass(id)).await.unwrap() })
    });
    let results: Vec<Taken> =
        futures_util::future::join_all(servers).await.into_iter().map(Result::unwrap).collect();
    let queued = results.iter().filter(|t| matches!(t, Taken::Queued(_))).count();
    let lost = results.iter().filter(|t| **t == Taken::Lost).count();
    assert_eq!((queued, lost), (1, 3), "{results:?}");
    let set = row(&db, id).await;
    assert_eq!((set.next_run_at, set.last_slot_at), (next, Some(at(SLOT))));
}

#[rstest]
#[tokio::test]
async fn a_busy_set_loses_the_slot_and_keeps_its_rhythm(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let id = rows::backup(&db, "alpha", Some(at(SLOT))).await;
    let queue::Opened::New(log) = queue::open(&db, &pass(id)).await.unwrap() else { panic!() };
    let due = repo::due(&db, at(SLOT)).await.unwrap().remove(0);
    let next = Some(at("2026-05-01T11:00:00Z"));
    assert_eq!(repo::take(&db, &due, next, "UTC", &pass(id)).await.unwrap(), Taken::Busy(log));
    assert_eq!(row(&db, id).await.next_run_at, next);
}

#[rstest]
#[tokio::test]
async fn missed_slots_count_once_and_the_grid_stays(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let id = rows::backup(&db, "alpha", Some(at("2026-05-01T00:17:00Z"))).await;
    let now = at("2026-05-01T10:00:00Z");
    assert_eq!(super::start_due(&db, Tz::UTC, now).await.unwrap().len(), 1);
    assert_eq!(super::start_due(&db, Tz::UTC, now).await.unwrap().len(), 0);
    assert_eq!(row(&db, id).await.next_run_at, Some(at("2026-05-01T10:17:00Z")));
}

#[rstest]
#[tokio::test]
async fn daily_slots_follow_the_time_zone(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let hourly = rows::backup(&db, "hourly", Some(at("2026-05-01T11:17:00Z"))).await;
    let daily = rows::backup(&db, "daily", Some(at("2026-05-02T02:30:00Z"))).await;
    let mut model = row(&db, daily).await.into_active_model();
    model.frequency = To(Some(24));
    model.time_of_day = To(Some("02:30".into()));
    model.update(&*db).await.unwrap();
    let now = at("2026-05-01T10:00:00Z");
    super::follow_zone(&db, Tz::Europe__Berlin, now).await.unwrap();
    assert_eq!(row(&db, daily).await.next_run_at, Some(at("2026-05-02T00:30:00Z")));
    assert_eq!(row(&db, hourly).await.next_run_at, Some(at("2026-05-01T11:17:00Z")));
    assert_eq!(row(&db, hourly).await.slot_zone.as_deref(), Some("Europe/Berlin"));
    assert!(repo::in_other_zones(&db, "Europe/Berlin").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_stops_that_set_alone() {
    let db = Sqlite.fresh().await;
    let broken = rows::backup(&db, "broken", Some(at(SLOT))).await;
    let fine = rows::backup(&db, "fine", Some(at(SLOT))).await;
    let mut model = row(&db, broken).await.into_active_model();
    model.frequency = To(Some(7));
    model.update(&*db).await.unwrap();
    assert_eq!(super::start_due(&db, Tz::UTC, at(SLOT)).await.unwrap().len(), 1);
    assert_eq!(row(&db, broken).await.next_run_at, None);
    assert!(row(&db, fine).await.next_run_at.is_some());
}
