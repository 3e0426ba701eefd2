use super::repo::*;
use crate::db::{self, Db};
use crate::entity::copies;
use crate::testing::On::{self, MariaDb, Postgres, Sqlite};
use crate::testing::rows::{self, at};
use rstest::rstest;
use sea_orm::{EntityTrait, QueryOrder};

async fn put(db: &Db, copy: &Copy) {
    db::transaction(db, |tx| async move { add(&tx, copy).await }).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn the_catalogue_knows_each_place_once(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let set = rows::backup(&db, "alpha", None).await;
    let log = rows::log(&db, set, "alpha", "success", at("2026-05-01T10:00:00Z")).await;
    let copy = Copy {
        backup_id: set,
        log_id: Some(log),
        backup_title: "alpha".into(),
        destination: "local".into(),
        root: String::new(),
        copy_path: "alpha/2026-05-01T10-00-00Z".into(),
        complete: true,
        staging: false,
        size_bytes: 5_000_000_000,
        files: "[]".into(),
        created_at: at("2026-05-01T10:00:00Z"),
    };
    assert_eq!(last_good_bytes(&db, set).await.unwrap(), None);
    put(&db, &copy).await;
    put(&db, &Copy { size_bytes: 6_000_000_000, ..copy.clone() }).await;
    put(&db, &Copy { destination: "7".into(), root: "a/".repeat(250), ..copy.clone() }).await;
    put(&db, &Copy { destination: "7".into(), root: "B".into(), ..copy.clone() }).await;
    put(&db, &Copy { destination: "7".into(), root: "b".into(), ..copy.clone() }).await;
    let stored = copies::Entity::find().order_by_asc(copies::Column::Id).all(&*db).await.unwrap();
    assert_eq!(stored.len(), 4);
    assert_eq!(stored[0].size_bytes, 6_000_000_000);
    let newer = Copy {
        copy_path: "alpha/2026-05-02T10-00-00Z".into(),
        created_at: at("2026-05-02T10:00:00Z"),
        size_bytes: 1,
        ..copy.clone()
    };
    put(&db, &Copy { complete: false, ..newer.clone() }).await;
    assert_eq!(last_good_bytes(&db, set).await.unwrap(), Some(5_000_000_000));
    put(&db, &newer).await;
    assert_eq!(last_good_bytes(&db, set).await.unwrap(), Some(1));
    let path = newer.copy_path.as_str();
    db::transaction(&db, |tx| async move { remove(&tx, "local", "", path).await }).await.unwrap();
    assert_eq!(copies::Entity::find().all(&*db).await.unwrap().len(), 4);
}
