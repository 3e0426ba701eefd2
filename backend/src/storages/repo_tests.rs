use super::repo::links::{self, Begin, Linked, Tokens};
use super::repo::uploads::{self, Left, Place};
use super::repo::*;
use crate::db::Db;
use crate::testing::On::{self, MariaDb, Postgres, Sqlite};
use crate::testing::rows::{self, at};
use futures_util::future::join_all;
use rstest::rstest;

const NOW: &str = "2026-05-01T10:00:00.123456Z";

fn content(title: &str) -> Content {
    Content {
        enabled: true,
        title: title.into(),
        kind: "one_drive".into(),
        client_id: "the-client".into(),
        region: None,
        endpoint: None,
        path_style: false,
        storage_class: None,
        encryption: "none".into(),
        kms_key_id: None,
        incremental: true,
        tenant: Some("contoso.com".into()),
        max_bytes_per_sec: Some(5_000_000_000),
    }
}

fn sealed(id: i64) -> Result<String, sea_orm::DbErr> {
    Ok(format!("sealed for {id}"))
}

async fn make(db: &Db, title: &str) -> i64 {
    match super::repo::create(db, &content(title), sealed, at(NOW)).await.unwrap() {
        Saved::Done(id) => id,
        other => panic!("{other:?}"),
    }
}

async fn row(db: &Db, id: i64) -> Row {
    find(db, id).await.unwrap().unwrap()
}

fn linked(generation: i64, account: &str) -> Linked {
    Linked {
        tokens: tokens("first"),
        account: account.into(),
        account_id: format!("id {account}"),
        generation,
    }
}

fn tokens(name: &str) -> Tokens {
    Tokens {
        access_token_enc: format!("access {name}"),
        access_token_expires_at: at("2026-05-01T11:00:00Z"),
        refresh_token_enc: format!("refresh {name}"),
    }
}

async fn save(db: &Db, id: i64, content: &Content, link: &LinkChange) -> Saved {
    let revision = row(db, id).await.revision;
    update(db, (id, revision), content, None, link, at(NOW)).await.unwrap()
}

#[rstest]
#[tokio::test]
async fn a_storage_set_comes_back_as_it_was_saved(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let id = make(&db, "Größter Laden 🛍").await;
    let made = row(&db, id).await;
    assert_eq!(made.client_secret_enc, Some(format!("sealed for {id}")));
    assert_eq!((made.title.as_str(), made.kind.as_str()), ("Größter Laden 🛍", "one_drive"));
    assert_eq!((made.max_bytes_per_sec, made.tenant.as_deref()), (Some(5_000_000_000), Some("contoso.com")));
    assert_eq!((made.created_at, made.revision, made.link_generation), (at(NOW), 1, 0));
    let new = Content { title: "Other".into(), max_bytes_per_sec: None, ..content("x") };
    let revision = (id, 1);
    let saved = update(&db, revision, &new, Some("another"), &LinkChange::Keep, at(NOW)).await.unwrap();
    assert_eq!(saved, Saved::Done(id));
    let saved = row(&db, id).await;
    assert_eq!(
        (saved.title.as_str(), saved.client_secret_enc.as_deref(), saved.revision),
        ("Other", Some("another"), 2)
    );
    assert_eq!(update(&db, revision, &new, None, &LinkChange::Keep, at(NOW)).await.unwrap(), Saved::Changed);
    assert_eq!(
        update(&db, (id + 1, 1), &new, None, &LinkChange::Keep, at(NOW)).await.unwrap(),
        Saved::Missing
    );
    let other_kind = Content { kind: "dropbox".into(), ..new };
    assert_eq!(save(&db, id, &other_kind, &LinkChange::Keep).await, Saved::Changed);
}

#[rstest]
#[tokio::test]
async fn of_many_who_want_one_title_one_gets_it(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let tries = (0..8).map(|n| {
        let db = db.clone();
        let content = content(if n % 2 == 0 { "Offsite" } else { " OFFSITE " });
        tokio::spawn(async move { super::repo::create(&db, &content, sealed, at(NOW)).await.unwrap() })
    });
    let results: Vec<Saved> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    let done = results.iter().filter(|s| matches!(s, Saved::Done(_))).count();
    let taken = results.iter().filter(|s| **s == Saved::TitleTaken).count();
    assert_eq!((done, taken), (1, 7), "{results:?}");
    let other = make(&db, "Other").await;
    assert_eq!(save(&db, other, &content("offsite"), &LinkChange::Keep).await, Saved::TitleTaken);
    assert_eq!(save(&db, other, &content("OTHER"), &LinkChange::Keep).await, Saved::Done(other));
}

#[rstest]
#[tokio::test]
async fn one_that_a_set_uses_cannot_be_deleted(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let (used, free) = (make(&db, "Used").await, make(&db, "Free").await);
    for (title, path) in [("Nightly", "b/x"), ("Archive", "b/y")] {
        let set = rows::backup(&db, title, None).await;
        rows::backup_storage(&db, set, 0, used, path).await;
        rows::backup_storage(&db, set, 1, used, "b/z").await;
    }
    let names = |sets: &[(i64, String)]| sets.iter().map(|(_, t)| t.clone()).collect::<Vec<_>>();
    let found = used_by(&db, &[used, free]).await.unwrap();
    assert_eq!((names(&found[&used]), found.get(&free)), (vec!["Archive".into(), "Nightly".into()], None));
    assert_eq!(first_path(&db, used).await.unwrap().as_deref(), Some("b/x"));
    assert_eq!(
        delete(&db, used, None).await.unwrap(),
        Deleted::InUse(vec!["Archive".into(), "Nightly".into()])
    );
    assert_eq!(delete(&db, free, Some(2)).await.unwrap(), Deleted::Changed);
    assert_eq!(delete(&db, free, Some(1)).await.unwrap(), Deleted::Done);
    assert_eq!(delete(&db, free, None).await.unwrap(), Deleted::Missing);
}

#[rstest]
#[tokio::test]
async fn lists_are_filtered_sorted_and_counted(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    for title in ["beta_1", "Alpha", "beta%2"] {
        make(&db, title).await;
    }
    rows::storage(&db, "Cold").await;
    let titles = async |filter: Filter, order: (&str, bool), range: (u64, u64)| {
        let (rows, total) = list(&db, &filter, order, range).await.unwrap();
        (rows.into_iter().map(|r| r.title).collect::<Vec<_>>(), total)
    };
    let all = titles(Filter::default(), ("title", false), (1, 2)).await;
    assert_eq!(all, (vec!["beta%2".to_owned(), "beta_1".into()], 4));
    let q = Filter { q: Some("BETA_".into()), ..Filter::default() };
    assert_eq!(titles(q, ("id", true), (0, 9)).await, (vec!["beta_1".to_owned()], 1));
    let kind = Filter { kind: Some("amazon_s3".into()), enabled: Some(true), ..Filter::default() };
    assert_eq!(titles(kind, ("type", true), (0, 9)).await, (vec!["Cold".to_owned()], 1));
}

#[rstest]
#[tokio::test]
async fn a_state_is_taken_by_one_of_many(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let id = make(&db, "Drive").await;
    let begin = Begin {
        state_hash: "hash of the state",
        verifier_enc: "verifier",
        expires_at: at("2026-05-01T10:10:00Z"),
        user_id: 7,
        user_version: 3,
        redirect_uri: "https://s.example.org/oauth/callback",
        confirmed: true,
    };
    assert!(links::begin(&db, id, &begin).await.unwrap());
    assert!(!links::begin(&db, id + 1, &begin).await.unwrap());
    assert_eq!(links::take_state(&db, "another").await.unwrap(), None);
    let mut pools = Vec::new();
    for _ in 0..4 {
        pools.push(db.another().await);
    }
    let takers = pools
        .into_iter()
        .map(|db| tokio::spawn(async move { links::take_state(&db, "hash of the state").await.unwrap() }));
    let taken: Vec<Row> = join_all(takers).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(taken.len(), 1);
    assert_eq!(
        (taken[0].link_user_id, taken[0].link_user_version, taken[0].link_confirmed),
        (Some(7), Some(3), true)
    );
    // The verifier stays for a code that is entered by hand.
    let now = row(&db, id).await;
    assert_eq!(
        (now.link_state_hash, now.link_verifier_enc.as_deref(), now.revision),
        (None, Some("verifier"), 1)
    );
}

#[rstest]
#[tokio::test]
async fn tokens_of_an_older_link_never_replace_those_of_a_newer(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let id = make(&db, "Drive").await;
    assert!(!links::save_tokens(&db, id, 0, &tokens("early")).await.unwrap(), "nothing is linked yet");
    assert!(links::finish(&db, id, &linked(1, "ada"), at(NOW)).await.unwrap());
    assert!(!links::finish(&db, id, &linked(1, "eve"), at(NOW)).await.unwrap());
    assert!(links::save_tokens(&db, id, 1, &tokens("second")).await.unwrap());
    assert!(links::note_error(&db, id, 1, Some("the grant is gone")).await.unwrap());
    let now = row(&db, id).await;
    assert_eq!((now.account.as_deref(), now.linked_at, now.link_generation), (Some("ada"), Some(at(NOW)), 1));
    assert_eq!(now.refresh_token_enc.as_deref(), Some("refresh second"));
    assert_eq!(now.oauth_error_notify_mess.as_deref(), Some("the grant is gone"));
    // Linked anew with a save of the form: what the first link refreshes comes too late.
    assert_eq!(save(&db, id, &content("Drive"), &LinkChange::New(linked(2, "eve"))).await, Saved::Done(id));
    assert!(!links::save_tokens(&db, id, 1, &tokens("late")).await.unwrap());
    assert!(!links::note_error(&db, id, 1, Some("late")).await.unwrap());
    let now = row(&db, id).await;
    assert_eq!((now.account.as_deref(), now.oauth_error_notify_mess), (Some("eve"), None));
    assert_eq!(now.refresh_token_enc.as_deref(), Some("refresh first"));
    // A save that was begun before the link is refused.
    assert_eq!(save(&db, id, &content("Drive"), &LinkChange::New(linked(2, "ada"))).await, Saved::Changed);
    // Dropped: nothing comes back, the account stays known.
    assert_eq!(save(&db, id, &content("Drive"), &LinkChange::Drop).await, Saved::Done(id));
    assert!(!links::save_tokens(&db, id, 2, &tokens("late")).await.unwrap());
    let now = row(&db, id).await;
    assert_eq!((now.linked, now.refresh_token_enc, now.account_id.as_deref()), (false, None, Some("id eve")));
    assert_eq!(now.link_generation, 3);
}

#[rstest]
#[tokio::test]
async fn a_link_through_an_app_that_was_replaced_is_never_stored(
    #[values(Sqlite, Postgres, MariaDb)] on: On,
) {
    let db = on.fresh().await;
    let id = make(&db, "Drive").await;
    let begin = Begin {
        state_hash: "state",
        verifier_enc: "verifier",
        expires_at: at("2026-05-01T10:10:00Z"),
        user_id: 7,
        user_version: 3,
        redirect_uri: "https://s.example.org/oauth/callback",
        confirmed: false,
    };
    assert!(links::begin(&db, id, &begin).await.unwrap());
    let other = Content { client_id: "another-client".into(), ..content("Drive") };
    assert_eq!(save(&db, id, &other, &LinkChange::OtherApp(0)).await, Saved::Done(id));
    // The code was exchanged with the app before.
    assert!(!links::finish(&db, id, &linked(1, "ada"), at(NOW)).await.unwrap());
    let now = row(&db, id).await;
    assert_eq!((now.link_verifier_enc, now.link_state_hash, now.link_user_id), (None, None, None));
    assert_eq!((now.linked, now.link_generation), (false, 1));
    // The other way round: what was saved without a thought of the link comes too late.
    assert!(links::finish(&db, id, &linked(2, "ada"), at(NOW)).await.unwrap());
    assert_eq!(save(&db, id, &content("Drive"), &LinkChange::OtherApp(1)).await, Saved::Changed);
    // Another tenant: the link stays, and what is known of it.
    assert!(links::note_error(&db, id, 2, Some("the grant is gone")).await.unwrap());
    assert_eq!(save(&db, id, &other, &LinkChange::OtherApp(2)).await, Saved::Done(id));
    let now = row(&db, id).await;
    assert_eq!((now.linked, now.account.as_deref(), now.link_generation), (true, Some("ada"), 3));
    assert_eq!(now.oauth_error_notify_mess.as_deref(), Some("the grant is gone"));
}

fn place(storage_id: i64, key: &str) -> Place<'_> {
    Place { storage_id, root: "Backups/Shop", key }
}

#[rstest]
#[tokio::test]
async fn uploads_are_noted_once_and_found_when_their_pass_has_ended(
    #[values(Sqlite, Postgres, MariaDb)] on: On,
) {
    let db = on.fresh().await;
    let (one, two) = (make(&db, "One").await, make(&db, "Two").await);
    let set = rows::backup(&db, "nightly", None).await;
    let log = rows::log(&db, set, "nightly", "failed", at(NOW)).await;
    let running = rows::running_log(&db, set, "nightly", at(NOW)).await;
    let key = "nightly/2026-05-01T10-00-00Z/files/files.tgz";
    let tries = (0..6).map(|_| {
        let db = db.clone();
        tokio::spawn(async move { uploads::note(&db, place(one, key), Some(log), at(NOW)).await.unwrap() })
    });
    join_all(tries).await.into_iter().for_each(|t| assert!(t.unwrap()));
    uploads::save_state(&db, place(one, key), Some(log), "state", at(NOW)).await.unwrap();
    // Noting it again leaves what is known of it.
    uploads::note(&db, place(one, key), Some(log), at("2026-05-01T10:05:00Z")).await.unwrap();
    assert_eq!(uploads::state(&db, place(one, key)).await.unwrap().as_deref(), Some("state"));
    assert_eq!(uploads::noted_at(&db, place(one, key)).await.unwrap(), Some(at("2026-05-01T10:05:00Z")));
    uploads::note(&db, place(one, "nightly/2026-05-01T10-00-00Z/manifest.json"), Some(log), at(NOW))
        .await
        .unwrap();
    uploads::note(&db, place(one, "nightly/2026-05-02T10-00-00Z/files/files.tgz"), Some(running), at(NOW))
        .await
        .unwrap();
    uploads::save_state(&db, place(two, key), None, "other", at(NOW)).await.unwrap();
    let keys = |left: Vec<Left>| left.into_iter().map(|l| (l.storage_id, l.key)).collect::<Vec<_>>();
    let manifest = "nightly/2026-05-01T10-00-00Z/manifest.json".to_owned();
    assert_eq!(
        keys(uploads::left(&db, &[], 10).await.unwrap()),
        [(one, key.to_owned()), (one, manifest.clone()), (two, key.to_owned())]
    );
    assert_eq!(keys(uploads::left(&db, &[one], 10).await.unwrap()), [(two, key.to_owned())]);
    uploads::remove_state(&db, place(two, key)).await.unwrap();
    assert_eq!(uploads::state(&db, place(two, key)).await.unwrap(), None);
    uploads::forget_copy(&db, one, "Backups/Shop", "nightly/2026-05-01T10-00-00Z").await.unwrap();
    uploads::forget(&db, place(two, key)).await.unwrap();
    assert_eq!(uploads::left(&db, &[], 10).await.unwrap(), []);
    assert!(
        uploads::noted_at(&db, place(one, "nightly/2026-05-02T10-00-00Z/files/files.tgz"))
            .await
            .unwrap()
            .is_some()
    );
}

#[rstest]
#[tokio::test]
async fn what_is_put_to_a_storage_set_that_is_gone_is_not_noted(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let id = make(&db, "Drive").await;
    let set = rows::backup(&db, "nightly", None).await;
    let log = rows::running_log(&db, set, "nightly", at(NOW)).await;
    assert!(uploads::note(&db, place(id, "a/b/c"), Some(log), at(NOW)).await.unwrap());
    // Another missing reference is a fault of its own.
    uploads::note(&db, place(id, "a/b/d"), Some(log + 1), at(NOW)).await.unwrap_err();
    assert_eq!(delete(&db, id, None).await.unwrap(), Deleted::Done);
    for key in ["a/b/c", "a/b/d"] {
        assert!(!uploads::note(&db, place(id, key), Some(log), at(NOW)).await.unwrap());
        assert!(!uploads::save_state(&db, place(id, key), Some(log), "state", at(NOW)).await.unwrap());
    }
    assert_eq!(uploads::left(&db, &[], 10).await.unwrap(), []);
}

#[rstest]
#[tokio::test]
async fn secrets_are_sealed_anew_all_or_none(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let id = make(&db, "Drive").await;
    assert!(links::finish(&db, id, &linked(1, "ada"), at(NOW)).await.unwrap());
    uploads::save_state(&db, place(id, "a/b/c"), None, "state", at(NOW)).await.unwrap();
    uploads::save_state(&db, place(id, "a/b/d"), None, "garbled", at(NOW)).await.unwrap();
    let again = |s: &Sealed| Ok((s.column != ACCESS_TOKEN).then(|| format!("new {}", s.text)));
    let again_upload = |_: &str, text: &str| Ok((text != "garbled").then(|| format!("new {text}")));
    let refuse = |_| async { Err(sea_orm::DbErr::Custom("a crash".into())) };
    assert!(reseal(&db, again, again_upload, refuse).await.is_err());
    assert_eq!(row(&db, id).await.client_secret_enc, Some(format!("sealed for {id}")));
    let done = reseal(&db, again, again_upload, |_| async { Ok(()) }).await.unwrap();
    assert_eq!(done, (3, 2));
    let now = row(&db, id).await;
    assert_eq!(now.client_secret_enc, Some(format!("new sealed for {id}")));
    assert_eq!(now.refresh_token_enc.as_deref(), Some("new refresh first"));
    assert_eq!(now.access_token_enc.as_deref(), Some("access first"));
    assert_eq!(uploads::state(&db, place(id, "a/b/c")).await.unwrap().as_deref(), Some("new state"));
    assert_eq!(uploads::state(&db, place(id, "a/b/d")).await.unwrap(), None);
}
