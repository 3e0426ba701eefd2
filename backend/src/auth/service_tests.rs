//! Sessions on every database, and the races that could let one outlive its end.

use super::service::Issued;
use super::{AuthService, Error, SetupToken, TokenKey};
use crate::clock::{SharedClock, SystemClock};
use crate::config::Secret;
use crate::crypto::{MasterKey, Passwords, hash_token};
use crate::db::Db;
use crate::entity::sessions::{Column, Entity};
use crate::testing::{On, TestDb};
use crate::users::UsersService;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, TransactionTrait,
};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const PASSWORD: &str = "correct horse battery";
const NEW: &str = "another long password";
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn service(db: Db) -> AuthService {
    crate::crypto::install_providers();
    let clock: SharedClock = Arc::new(SystemClock);
    let passwords = Passwords::new().unwrap();
    let users = UsersService::new(db.clone(), clock.clone(), passwords.clone());
    let key = TokenKey::new(&MasterKey::parse(&STANDARD.encode([7; 32]), "test").unwrap());
    AuthService::new(db, clock, key, passwords, users, SetupToken::fixed(Secret::new("token")))
}

async fn set_up(db: &TestDb) -> (AuthService, Issued) {
    let auth = service(db.another().await);
    let issued = auth.set_up("token", "admin", PASSWORD, HERE).await.unwrap();
    (auth, issued)
}

fn refresh_token(issued: &Issued) -> String {
    issued.refresh_token.expose().to_owned()
}

#[rstest]
#[tokio::test]
async fn a_session_opens_goes_on_and_ends(#[values(On::Sqlite, On::Postgres, On::MariaDb)] on: On) {
    let db = on.fresh().await;
    let (auth, issued) = set_up(&db).await;
    let holder = auth.holder(&issued.session.access_token).await.unwrap();
    assert_eq!(holder.username, "admin");
    let next = auth.refresh(&refresh_token(&issued)).await.unwrap();
    auth.holder(&next.session.access_token).await.unwrap();
    auth.sign_out(Some(&refresh_token(&next)), None).await.unwrap();
    let ended = auth.holder(&next.session.access_token).await;
    assert!(matches!(ended, Err(Error::SessionEnded)));
    assert!(matches!(auth.refresh(&refresh_token(&next)).await, Err(Error::SessionEnded)));
}

/// Whatever the order in which the two reach the database: after the change, nothing of the old session works.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_session_cannot_slip_past_a_password_change(
    #[values(On::Sqlite, On::Postgres, On::MariaDb)] on: On,
) {
    let db = on.fresh().await;
    let (auth, mut issued) = set_up(&db).await;
    let other = service(db.another().await);
    let id = auth.holder(&issued.session.access_token).await.unwrap().user_id;
    let mut password = PASSWORD;
    for round in 0..6 {
        let old = refresh_token(&issued);
        let (changer, refresher) = (auth.clone(), other.clone());
        let to = if round % 2 == 0 { NEW } else { PASSWORD };
        let change = tokio::spawn(async move { changer.change_password(id, password, to, HERE).await });
        let refresh = tokio::spawn(async move {
            let mut last = refresher.refresh(&old).await;
            // Far more often than fits into the time of one change: whoever gets that far was not stopped.
            for _ in 0..500 {
                let Ok(issued) = &last else { break };
                let token = refresh_token(issued);
                match refresher.refresh(&token).await {
                    Ok(next) => last = Ok(next),
                    Err(error) => return (Some(token), Err(error)),
                }
            }
            (None, last)
        });
        issued = change.await.unwrap().unwrap();
        let (token, ended) = refresh.await.unwrap();
        assert!(matches!(ended, Err(Error::SessionEnded)), "{:?}", ended.err());
        if let Some(token) = token {
            assert!(matches!(other.refresh(&token).await, Err(Error::SessionEnded)));
        }
        auth.holder(&issued.session.access_token).await.unwrap();
        password = to;
    }
}

/// Two servers that get the same token at once: both answer, and one line of tokens goes on.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn two_refreshes_at_once_end_with_one_living_token(
    #[values(On::Sqlite, On::Postgres, On::MariaDb)] on: On,
) {
    let db = on.fresh().await;
    let (auth, mut issued) = set_up(&db).await;
    let other = service(db.another().await);
    for _ in 0..6 {
        let token = refresh_token(&issued);
        let [a, b] = [&auth, &other].map(|auth| {
            let (auth, token) = (auth.clone(), token.clone());
            tokio::spawn(async move { auth.refresh(&token).await })
        });
        let answers = [a.await.unwrap().unwrap(), b.await.unwrap().unwrap()];
        let open = Column::UsedAt.is_null().and(Column::EndedAt.is_null());
        let living = Entity::find().filter(open).all(&*db).await.unwrap();
        assert_eq!(living.len(), 1);
        let lives = |answer: &Issued| hash_token(&refresh_token(answer)) == living[0].token_hash;
        let [first, second] = answers;
        assert!(lives(&first) != lives(&second));
        issued = if lives(&first) { first } else { second };
    }
    auth.refresh(&refresh_token(&issued)).await.unwrap();
}

/// While the end of a session waits for one of its rows, somebody else wants another one: the database gives up the end.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_even_when_the_database_has_to_choose(#[values(On::Postgres, On::MariaDb)] on: On) {
    let db = on.fresh().await;
    let (auth, issued) = set_up(&db).await;
    let last = auth.refresh(&refresh_token(&issued)).await.unwrap();
    let rows = Entity::find().order_by_asc(Column::Id).all(&*db).await.unwrap();
    let tx = db.begin().await.unwrap();
    let touch = async |id: i64| {
        let touched = Entity::update_many().col_expr(Column::UsedAt, Expr::value(rows[0].created_at));
        touched.filter(Column::Id.eq(id)).exec(&tx).await.map(|_| ())
    };
    if on == On::Postgres {
        // It gives up whoever notices first.
        tx.execute_unprepared("SET LOCAL deadlock_timeout = '60s'").await.unwrap();
    } else {
        // It gives up whoever has written less.
        for name in 0..20 {
            let sql = format!(
                "INSERT INTO roles (name, name_key, resources, built_in) VALUES ('{name}', '{name}', '', false)"
            );
            tx.execute_unprepared(&sql).await.unwrap();
        }
    }
    touch(rows[1].id).await.unwrap();
    let end = tokio::spawn(async move { auth.sign_out(Some(&refresh_token(&last)), None).await });
    on.wait_for_a_lock(&db).await;
    touch(rows[0].id).await.unwrap();
    tx.commit().await.unwrap();
    end.await.unwrap().unwrap();
    let open = Entity::find().filter(Column::EndedAt.is_null()).all(&*db).await.unwrap();
    assert_eq!(open, []);
}
