use super::*;
use crate::clock::{Clock, SystemClock};
use crate::config::Secret;
use crate::crypto::Spot;
use crate::entity::storages as table;
use crate::testing::On::{self, MariaDb, Postgres, Sqlite};
use crate::testing::{TestDb, rows};
use clap::Parser;
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set as To, EntityTrait};
use std::sync::Arc;
use tempfile::TempDir;

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// An installation with one secret.
struct House {
    dir: TempDir,
    config: Config,
    db: TestDb,
    storage: i64,
}

fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

fn sealer(key: &MasterKey) -> Sealer {
    Sealer::new(key, storages::PURPOSE).unwrap()
}

fn spot(storage: i64) -> Spot {
    Spot::new("storages", "client_secret_enc", storage)
}

impl House {
    async fn new(on: On) -> House {
        let dir = tempfile::tempdir().unwrap();
        let flags = Flags::parse_from(["x", "--data-dir", &dir.path().to_string_lossy()]);
        let config = flags.config.without_empty_values();
        let db = on.fresh().await;
        let storage = rows::storage(&db, "Cold").await;
        let house = House { dir, config, db, storage };
        let key = house.key().await;
        house.put(&key).await;
        house
    }

    async fn key(&self) -> MasterKey {
        open(&self.db, &self.config, SystemClock.now()).await.unwrap()
    }

    async fn put(&self, key: &MasterKey) {
        let sealed = sealer(key).seal(&spot(self.storage), "hunter2").unwrap();
        let row = table::ActiveModel {
            id: To(self.storage),
            client_secret_enc: To(Some(sealed)),
            ..Default::default()
        };
        row.update(&*self.db).await.unwrap();
    }

    /// What the key in use makes of the secret.
    async fn reads(&self) -> bool {
        let row = table::Entity::find_by_id(self.storage).one(&*self.db).await.unwrap().unwrap();
        sealer(&self.key().await).open(&spot(self.storage), &row.client_secret_enc.unwrap()).as_deref()
            == Ok("hunter2")
    }

    fn files(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|n| n.starts_with("key")).collect();
        names.sort();
        names
    }

    async fn begin(&self) -> Rotation<'_> {
        Rotation::begin(&self.db, &self.dir.path().join("key"), self.key().await, clock()).await.unwrap()
    }
}

#[rstest]
#[tokio::test]
async fn a_rotation_brings_a_new_key_that_reads_every_secret(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let house = House::new(on).await;
    let old = house.key().await;
    let done = rotate(&house.db, &house.config, clock()).await.unwrap();
    assert_eq!((done.secrets, done.unreadable), (1, 0));
    let new = house.key().await;
    assert_ne!(new.id(), old.id());
    assert!(house.reads().await);
    assert_eq!(house.files(), ["key"]);
    let row = table::Entity::find_by_id(house.storage).one(&*house.db).await.unwrap().unwrap();
    assert!(sealer(&old).open(&spot(house.storage), &row.client_secret_enc.unwrap()).is_err());
    assert_eq!(repo::key_id(&house.db).await.unwrap(), Some(new.id()));
}

#[rstest]
#[tokio::test]
async fn a_crash_before_the_database_has_switched_leaves_the_old_key(
    #[values(Sqlite, Postgres, MariaDb)] on: On,
) {
    let house = House::new(on).await;
    let old = house.key().await.id();
    drop(house.begin().await);
    assert_eq!(house.files(), ["key", "key.next"]);
    assert!(house.reads().await);
    assert_eq!((house.key().await.id(), house.files()), (old, vec!["key".to_owned()]));
}

#[rstest]
#[tokio::test]
async fn a_crash_after_the_database_has_switched_is_completed_by_the_next_start(
    #[values(Sqlite, Postgres, MariaDb)] on: On,
) {
    let house = House::new(on).await;
    let rotation = house.begin().await;
    let new = rotation.next.key().id();
    rotation.switch().await.unwrap();
    drop(rotation);
    assert_eq!(house.files(), ["key", "key.next"]);
    assert!(house.reads().await);
    assert_eq!((house.key().await.id(), house.files()), (new, vec!["key".to_owned()]));
    // And once more from there.
    rotate(&house.db, &house.config, clock()).await.unwrap();
    assert!(house.reads().await);
}

#[tokio::test]
async fn nobody_starts_while_the_key_is_being_changed() {
    let house = House::new(Sqlite).await;
    let rotation = house.begin().await;
    let error = open(&house.db, &house.config, SystemClock.now()).await.unwrap_err().to_string();
    assert!(error.contains("is being changed right now"), "{error}");
    rotation.give_up().unwrap();
    assert!(house.reads().await);
}

#[tokio::test]
async fn it_refuses_while_a_server_or_a_pass_runs() {
    let house = House::new(Sqlite).await;
    let server = Instance::of_server(house.dir.path()).unwrap();
    let error = rotate(&house.db, &house.config, clock()).await.unwrap_err().to_string();
    assert!(error.contains("stop it first"), "{error}");
    drop(server);
    let set = rows::backup(&house.db, "nightly", None).await;
    let log = rows::running_log(&house.db, set, "nightly", SystemClock.now()).await;
    rows::lease(&house.db, log, SystemClock.now() + chrono::TimeDelta::minutes(1)).await;
    let error = rotate(&house.db, &house.config, clock()).await.unwrap_err().to_string();
    assert!(error.contains("a pass is running"), "{error}");
    assert_eq!(house.files(), ["key"]);
    rows::lease(&house.db, log, SystemClock.now() - chrono::TimeDelta::minutes(1)).await;
    rotate(&house.db, &house.config, clock()).await.unwrap();
    assert!(house.reads().await);
}

#[tokio::test]
async fn a_key_from_a_variable_is_refused_with_what_to_do() {
    let mut house = House::new(Sqlite).await;
    let key = std::fs::read_to_string(house.dir.path().join("key")).unwrap();
    house.config.keys.encryption_key = Some(Secret::new(key.trim()));
    let error = rotate(&house.db, &house.config, clock()).await.unwrap_err().to_string();
    assert!(error.contains("STOREKEEP_ENCRYPTION_KEY") && error.contains("unset the variable"), "{error}");
    assert!(!error.contains(key.trim()));
    assert!(house.reads().await);
}

#[tokio::test]
async fn a_key_file_elsewhere_is_rotated_where_it_is() {
    let mut house = House::new(Sqlite).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("secret.b64");
    std::fs::rename(house.dir.path().join("key"), &path).unwrap();
    house.config.keys.encryption_key_file = Some(path.clone());
    let before = std::fs::read(&path).unwrap();
    assert_eq!(rotate(&house.db, &house.config, clock()).await.unwrap().path, path);
    assert_ne!(std::fs::read(&path).unwrap(), before);
    assert!(house.reads().await);
    assert_eq!(house.files(), Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_key_does_not_stand_in_the_way_of_a_new_one() {
    let house = House::new(Sqlite).await;
    std::fs::remove_file(house.dir.path().join("key")).unwrap();
    assert!(!house.reads().await);
    let done = rotate(&house.db, &house.config, clock()).await.unwrap();
    assert_eq!((done.secrets, done.unreadable), (0, 1));
    assert!(!house.reads().await);
    // A next key that belongs to another database is nobody's to throw away.
    let rotation = house.begin().await;
    drop(rotation);
    repo::set_key_id(&house.db, "the key of another database", SystemClock.now()).await.unwrap();
    let error = open(&house.db, &house.config, SystemClock.now()).await.unwrap_err().to_string();
    assert!(error.contains("STOREKEEP_DATABASE_URL"), "{error}");
    assert_eq!(house.files(), ["key", "key.next"]);
}
