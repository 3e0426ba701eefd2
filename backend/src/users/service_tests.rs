//! Races between two servers on one database, where locking differs most between databases.

use super::{Error, UsersService};
use crate::clock::{SharedClock, SystemClock};
use crate::crypto::Passwords;
use crate::db::Db;
use crate::testing::{On, TestDb};
use contract::{Grants, PageArgs, UserInput};
use rstest::rstest;
use std::sync::Arc;

const PASSWORD: &str = "correct horse battery";

fn service(db: Db) -> UsersService {
    let clock: SharedClock = Arc::new(SystemClock);
    UsersService::new(db, clock, Passwords::new().unwrap())
}

/// Several servers on one database.
async fn servers(db: &TestDb, count: usize) -> Vec<UsersService> {
    let mut servers = Vec::new();
    for _ in 0..count {
        servers.push(service(db.another().await));
    }
    servers
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_many_first_administrators_one_is_made(#[values(On::Sqlite, On::Postgres, On::MariaDb)] on: On) {
    let db = on.fresh().await;
    let tasks: Vec<_> = servers(&db, 4)
        .await
        .into_iter()
        .enumerate()
        .map(|(i, users)| {
            tokio::spawn(
                async move { users.create_first_administrator(&format!("admin{i}"), PASSWORD).await },
            )
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert!(matches!(error, Error::AlreadySetUp), "{error}"),
        }
    }
    assert_eq!(made, 1);
    let page = PageArgs { page: 1, per_page: 20 };
    let users = service(db.another().await);
    let list = users.list(page, (super::service::SortBy::Username, false)).await.unwrap();
    assert_eq!(list.total, 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn administrators_who_disable_each_other_leave_one(
    #[values(On::Sqlite, On::Postgres, On::MariaDb)] on: On,
) {
    let db = on.fresh().await;
    let mut servers = servers(&db, 2).await;
    let (one, two) = (servers.remove(0), servers.remove(0));
    let first = one.create_first_administrator("first", PASSWORD).await.unwrap();
    let role_id = one.get(first).await.unwrap().role_id;
    let input = |name: &str, enabled| UserInput {
        username: name.into(),
        password: Some(PASSWORD.into()),
        role_id,
        enabled,
    };
    let second = one.create(&Grants::all(), &input("second", true)).await.unwrap().id;
    let disable = |users: UsersService, id: i64, name: &str| {
        let off = UserInput { password: None, ..input(name, false) };
        tokio::spawn(async move { users.update(&Grants::all(), id, &off, None).await })
    };
    let (a, b) = tokio::join!(disable(one.clone(), first, "first"), disable(two, second, "second"));
    let results = [a.unwrap(), b.unwrap()];
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
    assert!(results.iter().any(|r| matches!(r, Err(Error::LastAdministrator))));
    assert!(one.administrator_exists().await.unwrap());
}

#[rstest]
#[tokio::test]
async fn names_are_unique_whatever_their_case(#[values(On::Sqlite, On::Postgres, On::MariaDb)] on: On) {
    let db = on.fresh().await;
    let users = service(db.another().await);
    let id = users.create_first_administrator("Größe", PASSWORD).await.unwrap();
    let role_id = users.get(id).await.unwrap().role_id;
    let input =
        UserInput { username: "GRÖSSE2".into(), password: Some(PASSWORD.into()), role_id, enabled: true };
    users.create(&Grants::all(), &input).await.unwrap();
    for name in ["größe", "GRÖßE", "grösse2"] {
        let same = UserInput { username: name.into(), ..input.clone() };
        let refused = users.create(&Grants::all(), &same).await;
        assert!(matches!(refused, Err(Error::UsernameTaken)), "{name}");
    }
    assert_eq!(users.account_by_name("gRÖße").await.unwrap().map(|a| a.id), Some(id));
}
