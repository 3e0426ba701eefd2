//! Sessions on every database, and the races that could let one outlive its end.

use super::service::Issued;
use super::{AuthService, Error, SetupToken, TokenKey};
use crate::clock::{SharedClock, SystemClock};
use crate::config::Secret;
use crate::crypto::{MasterKey, Passwords};
use crate::db::Db;
use crate::testing::{On, TestDb};
use crate::users::UsersService;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
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
    issued.refresh_token.as_ref().unwrap().expose().to_owned()
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
                let Ok(Issued { refresh_token: Some(token), .. }) = &last else { break };
                let token = token.expose().to_owned();
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
