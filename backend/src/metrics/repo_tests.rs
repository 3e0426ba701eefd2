use super::repo::*;
use crate::entity::{backup_storages, backups, copies, messages};
use crate::testing::On::{self, MariaDb, Postgres, Sqlite};
use crate::testing::rows::{self, at};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set as To};

async fn copy(
    db: &crate::db::Db,
    backup: i64,
    destination: &str,
    created_at: &str,
    complete: bool,
    staging: bool,
) {
    let row = copies::ActiveModel {
        backup_id: To(Some(backup)),
        backup_title: To("alpha".into()),
        destination: To(destination.into()),
        root: To(String::new()),
        copy_path: To(format!("alpha/{created_at}")),
        complete: To(complete),
        staging: To(staging),
        size_bytes: To(1),
        files: To("[]".into()),
        created_at: To(at(created_at)),
        ..Default::default()
    };
    row.insert(db).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn the_state_is_what_the_tables_say(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let (alpha, beta) = (rows::backup(&db, "alpha", None).await, rows::backup(&db, "beta", None).await);
    let cold = rows::storage(&db, "Cold").await;
    rows::backup_storage(&db, alpha, 1, cold, "x").await;
    let local = backup_storages::ActiveModel {
        backup_id: To(alpha),
        position: To(0),
        storage_id: To(None),
        enabled: To(true),
        keep_copies: To(3),
        path: To(String::new()),
        ..Default::default()
    };
    local.insert(&*db).await.unwrap();
    let missed = backups::ActiveModel {
        id: To(beta),
        missed_at: To(Some(at("2026-05-01T10:00:00Z"))),
        ..Default::default()
    };
    missed.update(&*db).await.unwrap();
    copy(&db, alpha, "local", "2026-05-01T10:00:00.000001Z", true, false).await;
    copy(&db, alpha, "local", "2026-05-02T10:00:00Z", true, false).await;
    copy(&db, alpha, "local", "2026-05-03T10:00:00Z", false, false).await;
    copy(&db, alpha, "local", "2026-05-04T10:00:00Z", true, true).await;
    copy(&db, alpha, &cold.to_string(), "2026-05-01T10:00:00.000001Z", true, false).await;
    copy(&db, alpha, "999", "2026-05-01T10:00:00Z", true, false).await;
    rows::running_log(&db, alpha, "alpha", at("2026-05-05T10:00:00Z")).await;
    let message = messages::ActiveModel {
        channel: To("email".into()),
        event: To("failed".into()),
        body: To("{}".into()),
        attempts: To(0),
        next_at: To(at("2026-05-05T10:00:00Z")),
        created_at: To(at("2026-05-05T10:00:00Z")),
        ..Default::default()
    };
    message.insert(&*db).await.unwrap();
    let state = state(&db).await.unwrap();
    assert_eq!((state.queued, state.running), (0, 1));
    assert_eq!(
        state.missed.into_iter().collect::<Vec<_>>(),
        [("alpha".into(), false), ("beta".into(), true)]
    );
    let place = |destination: &str| Place { backup: "alpha".into(), destination: destination.into() };
    let newest =
        [(place("Cold"), at("2026-05-01T10:00:00.000001Z")), (place("local"), at("2026-05-02T10:00:00Z"))];
    assert_eq!(state.newest.into_iter().collect::<Vec<_>>(), newest);
    assert_eq!(
        state.undelivered.into_iter().collect::<Vec<_>>(),
        [("email".into(), 1), ("webhook".into(), 0)]
    );
}
