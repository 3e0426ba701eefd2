//! Tokens: they run out, they change, they are taken back.

use super::support::{KEY, Rig, SIZE, failed, killed_after, kind};
use crate::support::{Archive, bytes, put};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use engine::storage::oauth::{Grant, Linking};
use engine::storage::time::Time;
use engine::storage::{Cloud, Error, ErrorKind, Result, Secret, Storage};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::until;
use sha2::{Digest, Sha256};
use std::sync::atomic::Ordering;

fn refreshes(rig: &Rig) -> usize {
    rig.fake.record().count("POST", "/token")
}

pub async fn a_token_runs_out_in_the_middle() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 2).await;
    rig.fake.expire_access();
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!(refreshes(&rig), 1);
}

pub async fn a_token_is_renewed_before_it_runs_out() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"1").await.unwrap();
    rig.fake.time().advance(TimeDelta::minutes(56));
    put(rig.storage.as_ref(), KEY, b"2").await.unwrap();
    assert_eq!(refreshes(&rig), 1);
    rig.assert_stored(b"2").await;
}

pub async fn two_tasks_refresh_at_once() {
    let rig = Rig::new().await;
    rig.fake.expire_access();
    rig.fake.graph().plan(Fault::once("POST", "/token", Action::Delay(std::time::Duration::from_millis(50))));
    let contents = [b"a", b"b", b"c", b"d"];
    let keys: Vec<_> = contents.iter().map(|c| format!("{KEY}.{}", c[0])).collect();
    let puts = keys.iter().zip(contents).map(|(key, content)| put(rig.storage.as_ref(), key, content));
    for stored in futures_util::future::join_all(puts).await {
        stored.unwrap();
    }
    assert_eq!((refreshes(&rig), rig.grants.saved.load(Ordering::SeqCst)), (1, 1));
    let expected: Vec<_> = keys.iter().zip(&contents).map(|(key, c)| (key.as_str(), c.as_slice())).collect();
    rig.assert_only(&expected);
    rig.assert_clean();
}

pub async fn the_answer_to_a_refresh_is_lost() {
    let rig = Rig::new().await;
    let before = rig.grants.stored.lock().unwrap().refresh_token.clone();
    rig.fake.expire_access();
    rig.fake.drop_token_reply();
    put(&rig.patient(), KEY, b"x").await.unwrap();
    assert_ne!(rig.grants.stored.lock().unwrap().refresh_token, before, "the new one is kept");
    rig.assert_stored(b"x").await;
}

pub async fn a_changed_refresh_token_is_saved_before_it_is_used() {
    let rig = Rig::new().await;
    for round in 0..4 {
        rig.fake.expire_access();
        // Every time another process, which knows only what was saved.
        put(rig.restarted().as_ref(), KEY, b"x").await.unwrap();
        assert_eq!(rig.grants.saved.load(Ordering::SeqCst), round + 1);
    }
    rig.assert_stored(b"x").await;
}

pub async fn an_account_that_was_left_alone_for_months_has_to_be_linked_again() {
    let rig = Rig::new().await;
    rig.fake.time().advance(TimeDelta::days(91));
    let error = failed(put(&rig.patient(), KEY, b"x").await);
    assert_eq!(error.kind, ErrorKind::NeedsRelink);
    rig.assert_abandoned().await;
}

pub async fn the_permission_is_taken_back_in_the_middle_and_given_again() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 3).await;
    rig.fake.revoke_refresh();
    let error = failed(rig.put(&archive).await);
    assert_eq!(error.kind, ErrorKind::NeedsRelink);
    assert!(error.message.contains("Link the account again"), "{error}");
    assert_eq!(rig.grants.lost.lock().unwrap().len(), 1, "told once: it is not tried again");
    assert_eq!(rig.sessions.all().len(), 1, "what was sent is not lost");
    *rig.grants.stored.lock().unwrap() = Grant { generation: 2, ..rig.fake.link() };
    let storage = rig.restarted();
    storage.put(KEY, &archive.body()).await.unwrap();
    assert_eq!(rig.grants.works.load(Ordering::SeqCst), 2, "once for each process that got through");
    rig.assert_stored(&archive.content).await;
    assert_eq!(rig.sent_bytes(), SIZE as u64);
}

pub async fn the_account_is_linked_anew_while_it_uploads() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.expire_access();
    let grants = rig.grants.clone();
    let anew = Grant { generation: 2, ..rig.fake.link() };
    rig.fake.graph().plan(Fault::once("POST", "/token", Action::Delay(std::time::Duration::from_millis(50))));
    let record = rig.fake.record().clone();
    let linking = async move {
        until("a refresh is under way", || record.count("POST", "/token") > 0).await;
        *grants.stored.lock().unwrap() = anew;
    };
    let (storage, body) = (rig.patient(), archive.body());
    let (stored, ()) = tokio::join!(storage.put(KEY, &body), linking);
    stored.unwrap();
    assert_eq!(rig.grants.stored.lock().unwrap().generation, 2, "the new link was not written over");
    rig.assert_stored(&archive.content).await;
}

pub async fn a_fresh_token_is_refused() {
    let rig = Rig::new().await;
    let refusal = Reply::json(401, &serde_json::json!({"error": {"code": "InvalidAuthenticationToken"}}));
    rig.fake.graph().plan(Fault::always("", "/v1.0/", Action::Answer(refusal)));
    assert_eq!(kind(put(&rig.patient(), KEY, b"x").await), ErrorKind::NeedsRelink);
    assert_eq!((refreshes(&rig), rig.grants.lost.lock().unwrap().len()), (1, 1));
    rig.fake.graph().heal();
    rig.assert_abandoned().await;
}

pub async fn the_sign_in_service_is_away() {
    let rig = Rig::new().await;
    let away = Reply::json(401, &serde_json::json!({"error": {"message": "Unable to initialize RPS"}}));
    rig.fake.graph().plan(Fault::once("", "/v1.0/", Action::Answer(away)).times(2));
    put(&rig.patient(), KEY, b"x").await.unwrap();
    assert_eq!((refreshes(&rig), rig.grants.lost.lock().unwrap().len()), (0, 0), "the link is good");
    rig.assert_stored(b"x").await;
}

pub async fn token_requests_are_refused_for_other_reasons() {
    let refusals = [
        (401, "invalid_client", 7_000_222, ErrorKind::InvalidConfig),
        (401, "invalid_client", 7_000_215, ErrorKind::InvalidConfig),
        (400, "unauthorized_client", 700_016, ErrorKind::InvalidConfig),
        (400, "interaction_required", 50_076, ErrorKind::NeedsRelink),
        (400, "invalid_grant", 50_173, ErrorKind::NeedsRelink),
        (400, "consent_required", 65_001, ErrorKind::NeedsRelink),
    ];
    for (status, error, code, expected) in refusals {
        let rig = Rig::new().await;
        rig.fake.expire_access();
        rig.fake.set(|k| k.token_refusals = vec![(status, error, code)]);
        assert_eq!(kind(put(&rig.patient(), KEY, b"x").await), expected, "{error} {code}");
        // Nothing is broken: the next time works.
        put(&rig.patient(), KEY, b"x").await.unwrap();
        rig.assert_stored(b"x").await;
    }
}

pub async fn the_token_endpoint_is_away() {
    let rig = Rig::new().await;
    rig.fake.expire_access();
    rig.fake.set(|k| {
        k.token_refusals = vec![(503, "temporarily_unavailable", 90_033), (500, "server_error", 90_033)]
    });
    rig.fake.graph().plan(Fault::once("POST", "/token", Action::Answer(Reply::html_502())));
    put(&rig.patient(), KEY, b"x").await.unwrap();
    rig.assert_stored(b"x").await;
}

const REDIRECT: &str = "http://localhost:8080/oauth/callback";
const VERIFIER: &str = "a-verifier-that-nobody-else-knows-0123456789";

/// What the consent page sends the browser back with.
async fn consent(rig: &Rig) -> std::collections::BTreeMap<String, String> {
    let (provider, app) = (rig.fake.provider().unwrap(), rig.fake.app());
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let url = provider.consent_url(&Linking { app: &app, redirect_uri: REDIRECT }, "the-state", &challenge);
    let answer = rig.http.call(rig.http.get(url), std::time::Duration::from_secs(5)).await.unwrap();
    assert_eq!(answer.status, 302);
    let target: reqwest::Url = answer.header("location").unwrap().parse().unwrap();
    assert!(target.as_str().starts_with(REDIRECT));
    target.query_pairs().into_owned().collect()
}

async fn exchange(rig: &Rig, code: &str, verifier: &str) -> Result<Grant> {
    let (provider, app) = (rig.fake.provider().unwrap(), rig.fake.app());
    let linking = Linking { app: &app, redirect_uri: REDIRECT };
    let secrets = (&Secret::new(code), &Secret::new(verifier));
    provider.exchange(&rig.http, &linking, secrets, 2, rig.fake.time().now()).await
}

pub async fn an_account_is_linked() {
    let rig = Rig::new().await;
    let back = consent(&rig).await;
    assert_eq!(back["state"], "the-state");
    *rig.grants.stored.lock().unwrap() = exchange(&rig, &back["code"], VERIFIER).await.unwrap();
    put(rig.restarted().as_ref(), KEY, b"x").await.unwrap();
    let info = rig.cloud().about().await.unwrap();
    assert_eq!((info.name.as_str(), info.total_bytes), ("ann@example.org", None));
    rig.fake.set(|k| k.quota = Some(5 << 30));
    let info = rig.cloud().about().await.unwrap();
    assert_eq!((info.total_bytes, info.used_bytes), (Some(5 << 30), Some(1)));
    rig.assert_stored(b"x").await;
}

async fn cannot_be_linked(rig: &Rig, code: &str, verifier: &str) -> Error {
    let error = failed(exchange(rig, code, verifier).await);
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
    // The link that there is still works.
    rig.storage.put(KEY, &bytes(b"x")).await.unwrap();
    rig.assert_stored(b"x").await;
    error
}

pub async fn linking_is_cancelled_or_goes_wrong() {
    let rig = Rig::new().await;
    rig.fake.set(|k| k.deny_consent = true);
    assert_eq!(consent(&rig).await["error"], "access_denied");
    rig.fake.set(|k| k.deny_consent = false);
    let code = consent(&rig).await["code"].clone();
    cannot_be_linked(&rig, &code, "another verifier").await;
    // A code is good for one try.
    cannot_be_linked(&rig, &code, VERIFIER).await;
    let code = consent(&rig).await["code"].clone();
    rig.fake.time().advance(TimeDelta::minutes(11));
    cannot_be_linked(&rig, &code, VERIFIER).await;
}

pub async fn less_is_granted_than_what_is_needed() {
    let rig = Rig::new().await;
    rig.fake.set(|k| k.granted_scope = Some("User.Read".into()));
    let code = consent(&rig).await["code"].clone();
    let error = cannot_be_linked(&rig, &code, VERIFIER).await;
    assert!(error.message.contains("Files.ReadWrite"), "{error}");
    rig.fake.set(|k| {
        k.granted_scope = None;
        k.no_refresh_token = true;
    });
    let code = consent(&rig).await["code"].clone();
    cannot_be_linked(&rig, &code, VERIFIER).await;
}
