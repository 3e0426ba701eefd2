use super::repo::*;
use crate::crypto::{MasterKey, Sealer};
use crate::db;
use crate::testing::On::{self, MariaDb, Postgres, Sqlite};
use crate::testing::rows::at;
use base64::Engine;
use rstest::rstest;

const NOW: &str = "2026-05-01T10:00:00.000001Z";

fn on(kind: &'static str, secret: NewSecret) -> Change {
    Change { kind, enabled: true, config: "{}".into(), secret }
}

async fn put_one(db: &db::Db) -> usize {
    db::transaction(db, |tx| async move { put(&tx, "failed", "{}", at(NOW)).await }).await.unwrap()
}

#[rstest]
#[tokio::test]
async fn a_message_is_put_there_for_each_channel_that_is_on(#[values(Sqlite, Postgres, MariaDb)] on_: On) {
    let db = on_.fresh().await;
    assert_eq!(put_one(&db).await, 0);
    let revision = channel(&db, EMAIL).await.unwrap().unwrap().revision;
    assert!(save(&db, Some(revision), &[on(WEBHOOK, NewSecret::Keep)]).await.unwrap());
    assert!(!save(&db, Some(revision), &[on(EMAIL, NewSecret::Keep)]).await.unwrap());
    assert_eq!(put_one(&db).await, 1);
    assert!(save(&db, None, &[on(EMAIL, NewSecret::Keep)]).await.unwrap());
    assert_eq!(put_one(&db).await, 2);
    assert_eq!(due(&db, WEBHOOK, at(NOW), 10).await.unwrap().len(), 2);
    assert_eq!(due(&db, EMAIL, at(NOW), 10).await.unwrap().len(), 1);
    assert_eq!(due(&db, EMAIL, at("2026-05-01T10:00:00Z"), 10).await.unwrap().len(), 0);
}

#[rstest]
#[tokio::test]
async fn a_message_is_taken_by_one_of_many_servers(#[values(Sqlite, Postgres, MariaDb)] on_: On) {
    let db = on_.fresh().await;
    save(&db, None, &[on(WEBHOOK, NewSecret::Keep)]).await.unwrap();
    put_one(&db).await;
    let message = due(&db, WEBHOOK, at(NOW), 1).await.unwrap().remove(0);
    let later = at("2026-05-01T10:02:00Z");
    let mut servers = Vec::new();
    for _ in 0..4 {
        let (db, message) = (db.another().await, message.clone());
        servers.push(tokio::spawn(async move { claim(&db, &message, at(NOW), later).await.unwrap() }));
    }
    let taken =
        futures_util::future::join_all(servers).await.into_iter().filter(|t| *t.as_ref().unwrap()).count();
    assert_eq!(taken, 1);
    assert!(due(&db, WEBHOOK, at("2026-05-01T10:01:59Z"), 1).await.unwrap().is_empty());
    // Whoever took it is gone.
    let again = due(&db, WEBHOOK, later, 1).await.unwrap().remove(0);
    assert_eq!(again.attempts, 1);
    assert!(claim(&db, &again, later, at("2026-05-01T10:04:00Z")).await.unwrap());
    // And says something after all.
    put_off(&db, again.id, 1, at(NOW)).await.unwrap();
    assert!(due(&db, WEBHOOK, later, 1).await.unwrap().is_empty());
    put_off(&db, again.id, 2, later).await.unwrap();
    assert_eq!(due(&db, WEBHOOK, later, 1).await.unwrap().len(), 1);
    remove(&db, again.id).await.unwrap();
    assert!(due(&db, WEBHOOK, at("2026-06-01T10:00:00Z"), 1).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn secrets_go_under_a_new_key_and_open_in_their_own_row_alone(
    #[values(Sqlite, Postgres, MariaDb)] on_: On,
) {
    let db = on_.fresh().await;
    let sealer = |byte: u8| {
        let key = base64::engine::general_purpose::STANDARD.encode([byte; 32]);
        Sealer::new(&MasterKey::parse(&key, "test").unwrap(), super::PURPOSE).unwrap()
    };
    let (old, new) = (sealer(1), sealer(2));
    let email = channel(&db, EMAIL).await.unwrap().unwrap();
    let webhook = channel(&db, WEBHOOK).await.unwrap().unwrap();
    let sealed = old.seal(&super::vault::spot(email.id), "hunter2").unwrap();
    let changes = [on(EMAIL, NewSecret::Set(sealed.clone())), on(WEBHOOK, NewSecret::Set(sealed))];
    save(&db, None, &changes).await.unwrap();
    let (one, two) = (&old, &new);
    let done = db::transaction(&db, |tx| async move { super::reseal(&tx, one, two).await }).await.unwrap();
    // What stands in another row than it was sealed for is not readable.
    assert_eq!((done.secrets, done.unreadable), (1, 1));
    let text = channel(&db, EMAIL).await.unwrap().unwrap().secret_enc.unwrap();
    assert_eq!(new.open(&super::vault::spot(email.id), &text).as_deref(), Ok("hunter2"));
    assert!(new.open(&super::vault::spot(webhook.id), &text).is_err());
    save(&db, None, &[on(EMAIL, NewSecret::Clear)]).await.unwrap();
    assert_eq!(channel(&db, EMAIL).await.unwrap().unwrap().secret_enc, None);
}
