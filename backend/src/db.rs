//! The metadata database: connecting, migrating, transactions.

use chrono::{DateTime, Utc};
use migration::{Migrator, MigratorTrait};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, Database, DatabaseBackend, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait, sqlx,
};
use std::sync::Arc;
use std::time::Duration;

/// What services hand to their repositories without knowing more about it.
pub type Db = DatabaseConnection;
pub type Error = DbErr;
pub type Tx = Arc<DatabaseTransaction>;
pub type Transaction = DatabaseTransaction;

/// How often a transaction that lost against another one is tried again.
const ATTEMPTS: u32 = 8;
const SERVER_CONNECTIONS: u32 = 10;

/// Opens the database behind a `sqlite://`, `postgres://` or `mysql://` URL.
///
/// SQLite gets one connection, write-ahead logging and a busy timeout: one writer in this process, and patience with
/// other processes. Statements are not logged: they carry values.
pub async fn connect(url: &str) -> Result<Db, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .sqlx_logging(false)
        .connect_timeout(Duration::from_secs(10))
        .acquire_timeout(Duration::from_secs(30))
        .map_sqlx_sqlite_opts(|o| {
            o.create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // What was committed has to outlive a power cut: a refresh token that is used up, the key that secrets are sealed with.
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(10))
        });
    if url.starts_with("sqlite:") {
        // The connection stays open: an in-memory database ends with it.
        options
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None::<Duration>)
            .max_lifetime(None::<Duration>);
    } else {
        options.max_connections(SERVER_CONNECTIONS);
    }
    Database::connect(options).await
}

/// Brings the schema up to date. Running it again changes nothing.
pub async fn migrate(db: &Db) -> Result<(), DbErr> {
    Migrator::up(db, None).await
}

/// True when the database answers.
pub async fn is_up(db: &Db) -> bool {
    tokio::time::timeout(Duration::from_secs(5), db.ping()).await.is_ok_and(|r| r.is_ok())
}

/// Runs `work` in a transaction and commits what it returned `Ok` for.
///
/// A transaction that the database gave up in favour of another one (busy, deadlock, serialisation) is tried again
/// from the start, so `work` must have no effect outside of it. Refusals that are no database errors go into `T`.
/// `work` must not keep its handle of the transaction.
pub async fn transaction<T, F, W>(db: &Db, work: F) -> Result<T, DbErr>
where
    F: Fn(Tx) -> W,
    W: Future<Output = Result<T, DbErr>>,
{
    let mut attempt = 1;
    loop {
        let result = async {
            let tx = Arc::new(begin(db).await?);
            let value = work(tx.clone()).await?;
            let tx =
                Arc::into_inner(tx).ok_or_else(|| DbErr::Custom("a transaction outlived its work".into()))?;
            tx.commit().await?;
            Ok(value)
        }
        .await;
        match result {
            Err(error) if attempt < ATTEMPTS && lost_a_race(&error) => {
                tracing::debug!(attempt, "transaction is tried again");
                tokio::time::sleep(Duration::from_millis(u64::from(attempt * attempt) * 10)).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}

/// On SQLite a transaction takes the write lock at its begin: one that reads first and then writes would otherwise fail at
/// once when another process wrote in between, whatever the busy timeout.
async fn begin(db: &Db) -> Result<DatabaseTransaction, DbErr> {
    let sqlite = db.get_database_backend() == DatabaseBackend::Sqlite;
    db.begin_with_options(TransactionOptions {
        sqlite_transaction_mode: sqlite.then_some(SqliteTransactionMode::Immediate),
        ..Default::default()
    })
    .await
}

/// The database gave this statement up in favour of another one; trying again helps.
fn lost_a_race(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))
    | DbErr::Conn(RuntimeErr::SqlxError(cause))) = error
    else {
        return false;
    };
    let sqlx::Error::Database(cause) = cause.as_ref() else { return false };
    if let Some(mysql) = cause.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        // Lock wait timeout, deadlock.
        return matches!(mysql.number(), 1205 | 1213);
    }
    match cause.code().as_deref() {
        // PostgreSQL: serialisation failure, deadlock.
        Some("40001" | "40P01") => true,
        // SQLite: the primary code is in the low byte. 5 is busy, 6 is locked.
        Some(code) => {
            code.parse::<u32>().is_ok_and(|c| matches!(c & 0xff, 5 | 6)) && is_sqlite(cause.as_ref())
        }
        None => false,
    }
}

fn is_sqlite(cause: &dyn sqlx::error::DatabaseError) -> bool {
    cause.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some()
}

/// Cuts an instant to what every database keeps: microseconds.
pub fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

/// The form in which text is unique whatever its case: the content of a `…_key` column.
pub fn key(text: &str) -> String {
    text.trim().to_lowercase()
}

/// A `LIKE` pattern that finds `text` anywhere in a `…_key` column; `escape` is `!`.
pub fn contains(text: &str) -> sea_orm::sea_query::LikeExpr {
    let mut pattern = String::from("%");
    for c in key(text).chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    sea_orm::sea_query::LikeExpr::new(pattern).escape('!')
}

/// A list or structure as a JSON column keeps it.
pub fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, DbErr> {
    serde_json::to_string(value).map_err(|e| DbErr::Json(e.to_string()))
}

/// What a JSON column keeps.
pub fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, DbErr> {
    serde_json::from_str(text).map_err(|e| DbErr::Json(e.to_string()))
}

#[cfg(test)]
mod migration_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::{roles, settings};
    use crate::testing::On;
    use rstest::rstest;
    use sea_orm::sea_query::Expr;
    use sea_orm::{EntityTrait, ExprTrait, QueryOrder};
    use std::sync::atomic::{AtomicU32, Ordering};

    #[rstest]
    #[tokio::test]
    async fn migrating_twice_leaves_one_set_of_built_in_roles(
        #[values(On::Sqlite, On::Postgres, On::MariaDb)] on: On,
    ) {
        let db = on.fresh().await;
        migrate(&db).await.unwrap();
        let roles = roles::Entity::find().order_by_asc(roles::Column::Id).all(&*db).await.unwrap();
        let names: Vec<_> = roles.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["Administrator", "Operator", "Viewer", "CI"]);
    }

    /// Reads a counter and writes it back plus one: only serial execution adds up, and two that read at once lose one.
    #[rstest]
    #[tokio::test]
    async fn transactions_of_two_processes_wait_for_each_other(#[values(On::Sqlite)] on: On) {
        let db = on.fresh().await;
        let other = db.another().await;
        let one = |db: Db| async move {
            for _ in 0..50 {
                transaction(&db, |tx| async move {
                    let row = settings::Entity::find_by_id(1).one(&*tx).await?.unwrap();
                    let next = row.log_retention_days + 1;
                    settings::Entity::update_many()
                        .col_expr(settings::Column::LogRetentionDays, Expr::value(next))
                        .exec(&*tx)
                        .await
                })
                .await
                .unwrap();
            }
        };
        tokio::join!(one(db.clone()), one(other));
        let row = settings::Entity::find_by_id(1).one(&*db).await.unwrap().unwrap();
        assert_eq!(row.log_retention_days, 110);
    }

    /// Two transactions take two rows in opposite order: the database gives one of them up.
    #[rstest]
    #[tokio::test]
    async fn a_deadlock_is_tried_again(#[values(On::Postgres, On::MariaDb)] on: On) {
        let db = on.fresh().await;
        let tries = Arc::new(AtomicU32::new(0));
        let met = Arc::new(tokio::sync::Barrier::new(2));
        let cross = |first: i64, second: i64| {
            let (db, tries, met) = (db.clone(), tries.clone(), met.clone());
            tokio::spawn(async move {
                let (tries, met) = (&tries, &met);
                transaction(&db, |tx| async move {
                    raise(&tx, first).await?;
                    // The second round of the one that lost has nobody left to meet.
                    if tries.fetch_add(1, Ordering::SeqCst) < 2 {
                        met.wait().await;
                    }
                    raise(&tx, second).await
                })
                .await
            })
        };
        let (a, b) = tokio::join!(cross(1, 2), cross(2, 1));
        a.unwrap().unwrap();
        b.unwrap().unwrap();
        assert!(tries.load(Ordering::SeqCst) >= 3, "no deadlock came about");
        let roles = roles::Entity::find().order_by_asc(roles::Column::Id).all(&*db).await.unwrap();
        assert_eq!((roles[0].revision, roles[1].revision), (3, 3));
    }

    async fn raise(tx: &DatabaseTransaction, id: i64) -> Result<(), DbErr> {
        use sea_orm::{ColumnTrait, QueryFilter};
        roles::Entity::update_many()
            .col_expr(roles::Column::Revision, Expr::col(roles::Column::Revision).add(1))
            .filter(roles::Column::Id.eq(id))
            .exec(tx)
            .await
            .map(|_| ())
    }

    #[test]
    fn keys_ignore_case_and_surrounding_space() {
        assert_eq!(key("  Größe-ÄB "), "größe-äb");
    }
}
