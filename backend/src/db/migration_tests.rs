//! A migration that broke off can be done again.

use super::{Db, migrate};
use crate::entity::{roles, settings};
use crate::testing::{On, TestDb};
use rstest::rstest;
use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait, Statement};

async fn is_whole(db: &Db) {
    migrate(db).await.unwrap();
    assert_eq!(settings::Entity::find().count(db).await.unwrap(), 1);
    assert_eq!(roles::Entity::find().count(db).await.unwrap(), 4);
    let twice = Query::insert()
        .into_table("roles")
        .columns(["name", "name_key", "resources", "built_in"])
        .values_panic(["CI".into(), "ci".into(), "".into(), false.into()])
        .to_owned();
    assert!(db.execute(&twice).await.is_err(), "a name is there twice");
    let tables = [
        "users",
        "sessions",
        "tokens",
        "storages",
        "backups",
        "logs",
        "copies",
        "notifications",
        "channels",
        "messages",
    ];
    for table in tables {
        db.execute_unprepared(&format!("SELECT id FROM {table}"))
            .await
            .unwrap_or_else(|e| panic!("{table}: {e}"));
    }
}

async fn sql(db: &TestDb, text: &str) {
    db.execute_unprepared(text).await.unwrap_or_else(|e| panic!("{text}: {e}"));
}

/// The second statement of a migration fails: another table has an index of that name.
#[rstest]
#[tokio::test]
async fn what_a_failed_migration_did_is_undone(#[values(On::Sqlite, On::Postgres)] on: On) {
    let db = on.bare().await;
    sql(&db, "CREATE TABLE strange (x INTEGER)").await;
    sql(&db, "CREATE INDEX ux_roles_name ON strange (x)").await;
    assert!(migrate(&db).await.is_err());
    sql(&db, "DROP TABLE strange").await;
    is_whole(&db).await;
}

/// MariaDB keeps what the first statements did: here a table whose index the user was not allowed to make.
#[tokio::test]
async fn what_a_failed_migration_left_is_completed() {
    let db = On::MariaDb.bare().await;
    let one = Statement::from_string(db.get_database_backend(), "SELECT DATABASE()");
    let name: String = db.query_one_raw(one).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    sql(&db, &format!("CREATE USER {name}@localhost")).await;
    sql(&db, &format!("GRANT ALL ON {name}.* TO {name}@localhost")).await;
    for privilege in ["INDEX", "INSERT"] {
        // The table is there then; with INSERT missing, its indexes too, but not its rows.
        sql(&db, &format!("REVOKE {privilege} ON {name}.* FROM {name}@localhost")).await;
        if privilege == "INSERT" {
            sql(&db, &format!("GRANT INSERT ON {name}.seaql_migrations TO {name}@localhost")).await;
        }
        let limited = db.by(&name).await;
        assert!(migrate(&limited).await.is_err(), "without {privilege}");
        limited.close().await.unwrap();
        sql(&db, &format!("GRANT {privilege} ON {name}.* TO {name}@localhost")).await;
        if privilege == "INDEX" {
            assert_eq!(roles::Entity::find().count(&*db).await.unwrap(), 0);
        }
    }
    let user = db.by(&name).await;
    is_whole(&user).await;
}

#[rstest]
#[tokio::test]
async fn every_migration_bears_that_it_was_done_before(
    #[values(On::Sqlite, On::Postgres, On::MariaDb)] on: On,
) {
    let db = on.fresh().await;
    let of_table = if on == On::MariaDb { " ON roles" } else { "" };
    sql(&db, &format!("DROP INDEX ux_roles_name{of_table}")).await;
    sql(&db, "DELETE FROM roles WHERE name_key = 'ci'").await;
    sql(&db, "DELETE FROM seaql_migrations").await;
    is_whole(&db).await;
}
