//! What the unit tests of this crate share.

mod mariadb;
mod postgres;
pub mod rows;
mod scope;

use crate::db::{self, Db};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, Statement};
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;

/// The databases that every repository test runs on.
///
/// ```ignore
/// #[rstest]
/// #[tokio::test]
/// async fn a_title_is_taken_once(#[values(On::Sqlite, On::Postgres, On::MariaDb)] on: On) {
///     let db = on.fresh().await;
/// ```
///
/// PostgreSQL and MariaDB are private servers, started once per test program and ended with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
    MariaDb,
}

/// A database of its own.
pub struct TestDb {
    db: Db,
    url: String,
    _dir: Option<tempfile::TempDir>,
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl TestDb {
    /// A further connection pool to the same database: another server, or another process.
    pub async fn another(&self) -> Db {
        db::connect(&self.url).await.unwrap()
    }

    /// The same as another user, who is `name` and has no password.
    pub async fn by(&self, name: &str) -> Db {
        db::connect(&self.url.replace("//root", &format!("//{name}"))).await.unwrap()
    }
}

impl On {
    /// A migrated, empty database of its own.
    pub async fn fresh(self) -> TestDb {
        let db = self.bare().await;
        db::migrate(&db).await.unwrap();
        db
    }

    /// A database of its own without a schema.
    pub async fn bare(self) -> TestDb {
        let (url, dir) = match self {
            On::Sqlite => {
                let dir = tempfile::tempdir().unwrap();
                (format!("sqlite://{}/meta.db", dir.path().display()), Some(dir))
            }
            On::Postgres => (create_database(postgres_url().await).await, None),
            On::MariaDb => (create_database(mariadb_url().await).await, None),
        };
        let db = db::connect(&url).await.unwrap();
        TestDb { db, url, _dir: dir }
    }
}

impl On {
    /// Until a statement in this database waits for a lock. Not for SQLite, whose statements do not tell.
    pub async fn wait_for_a_lock(self, db: &Db) {
        let sql = match self {
            On::Postgres => {
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            }
            _ => {
                "SELECT 1 FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
                 ON p.id = t.trx_mysql_thread_id WHERE p.db = DATABASE() AND t.trx_state = 'LOCK WAIT'"
            }
        };
        let waits = async {
            while db
                .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
                .await
                .unwrap()
                .is_none()
            {
                // InnoDB makes the table of transactions anew only when nobody has read it for a tenth of a second.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waits).await.expect("nothing waits for a lock");
    }
}

/// Makes a new database on the server whose administrator's URL is given, with `{}` for the database; returns its URL.
async fn create_database(server: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let name = format!("meta{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let maintenance = if server.starts_with("mysql") { "mysql" } else { "postgres" };
    let mut options = ConnectOptions::new(server.replace("{}", maintenance));
    options.max_connections(1).sqlx_logging(false);
    let admin = Database::connect(options).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    admin.close().await.unwrap();
    server.replace("{}", &name)
}

async fn postgres_url() -> &'static str {
    static URL: OnceCell<String> = OnceCell::const_new();
    URL.get_or_init(|| async { tokio::task::spawn_blocking(postgres::start).await.unwrap() }).await
}

async fn mariadb_url() -> &'static str {
    static URL: OnceCell<String> = OnceCell::const_new();
    URL.get_or_init(|| async { tokio::task::spawn_blocking(mariadb::start).await.unwrap() }).await
}
