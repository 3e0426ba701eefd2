//! A proxy, or the sign-in page of a network, answers in OneDrive's place: what it says is not OneDrive's word.

use super::support::{KEY, Rig, SIZE, failed, killed_after, kind, small};
use crate::support::{Archive, put};
use chrono::TimeDelta;
use engine::storage::ErrorKind;
use engine::storage::one_drive::{Deletion, GRANULE, Tuning};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::fakes::proxy;

/// What a session that is gone would be told by.
const REFUSALS: [u16; 5] = [400, 401, 403, 404, 410];

pub async fn a_proxy_s_refusal_is_not_the_end_of_a_session() {
    for status in REFUSALS {
        let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
        rig.fake.content().plan(Fault::once("PUT", "/up/", proxy(status)).skip(2));
        rig.fake.content().plan(Fault::once("GET", "/up/", proxy(status)));
        rig.put(&archive).await.unwrap();
        assert_eq!(rig.sessions_opened(), 1, "{status}");
        assert_eq!(rig.sent_bytes(), SIZE as u64 + GRANULE, "{status}: one fragment is sent twice");
        rig.assert_stored(&archive.content).await;
    }
}

pub async fn a_proxy_s_conflict_is_none_of_onedrive_s() {
    for status in [409, 412] {
        let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
        rig.fake.content().plan(Fault::once("PUT", "/up/", proxy(status)).skip(2));
        rig.put(&archive).await.unwrap();
        assert_eq!(rig.sessions_opened(), 1, "{status}");
        rig.assert_stored(&archive.content).await;
    }
}

pub async fn a_proxy_s_answer_does_not_end_a_session() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 2).await;
    for status in [200, 202, 302].into_iter().chain(REFUSALS) {
        rig.fake.content().plan(Fault::once("DELETE", "/up/", proxy(status)));
        assert_eq!(kind(rig.storage.abandon(KEY).await), ErrorKind::Unavailable, "{status}");
        assert_eq!((rig.sessions.all().len(), rig.fake.open_sessions()), (1, 1), "{status}");
    }
    rig.assert_abandoned().await;
}

/// Nothing else is needed to know that it is over: a proxy that never lets through does not hold it up for ever.
pub async fn a_session_that_is_over_needs_no_word_of_onedrive() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 3).await;
    rig.fake.time().advance(TimeDelta::days(9));
    rig.fake.content().plan(Fault::always("GET", "/up/", proxy(403)));
    rig.restarted().put(KEY, &archive.body()).await.unwrap();
    assert_eq!(rig.sessions_opened(), 2);
    rig.fake.content().heal();
    rig.assert_stored(&archive.content).await;
    killed_after(&rig, &Archive::new(SIZE + 1), 3).await;
    rig.fake.time().advance(TimeDelta::days(9));
    rig.fake.content().plan(Fault::always("DELETE", "/up/", proxy(403)));
    rig.storage.abandon(KEY).await.unwrap();
    assert_eq!(rig.sessions.all().len(), 0);
    rig.assert_clean();
}

/// An older object is there all the time: it is neither taken for the new one nor held against it.
pub async fn a_sign_in_page_in_place_of_the_answer_to_a_fragment() {
    for status in [200, 201] {
        for fragment in [0, 2, 5] {
            let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
            put(&rig.patient(), KEY, b"the one before").await.unwrap();
            rig.fake.content().plan(Fault::once("PUT", "/up/", proxy(status)).skip(fragment));
            rig.put(&archive).await.unwrap();
            assert_eq!((rig.sessions_opened(), rig.fragments().len()), (1, 7), "{status} at {fragment}");
            rig.assert_stored(&archive.content).await;
        }
    }
}

pub async fn a_sign_in_page_while_an_object_of_that_size_is_replaced_and_no_hash_is_told() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.set(|k| k.hash_comes_after = u32::MAX);
    put(&rig.patient(), KEY, &vec![7; SIZE]).await.unwrap();
    rig.fake.content().plan(Fault::once("PUT", "/up/", proxy(200)).skip(5));
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
    // The same in one request.
    put(&rig.patient(), KEY, b"old").await.unwrap();
    rig.fake.graph().plan(Fault::once("PUT", "content", proxy(200)));
    assert_eq!(kind(put(rig.storage.as_ref(), KEY, b"new").await), ErrorKind::Unavailable);
    rig.assert_stored(b"old").await;
    put(&rig.patient(), KEY, b"new").await.unwrap();
    rig.assert_stored(b"new").await;
}

pub async fn a_sign_in_page_in_place_of_the_answer_to_a_small_object() {
    let rig = Rig::new().await;
    for status in [200, 201] {
        rig.fake.graph().plan(Fault::always("PUT", "content", proxy(status)));
        assert_eq!(kind(put(rig.storage.as_ref(), KEY, b"{}").await), ErrorKind::Unavailable, "{status}");
        rig.fake.graph().heal();
    }
    rig.assert_only(&[]);
    put(&rig.patient(), KEY, b"before").await.unwrap();
    rig.fake.graph().plan(Fault::once("PUT", "content", proxy(200)));
    put(&rig.patient(), KEY, b"{}").await.unwrap();
    rig.assert_stored(b"{}").await;
    assert_eq!(rig.fake.bin(), Vec::<String>::new(), "the one before was not deleted as damaged");
}

fn coded(status: u16) -> Action {
    Action::Answer(Reply::json(status, &serde_json::json!({"error": {"code": "accessDenied"}})))
}

/// The address of a session carries a permission that may end before the session does.
pub async fn the_address_of_a_session_runs_out_in_the_middle() {
    for status in [401, 403] {
        let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
        rig.fake.content().plan(Fault::once("PUT", "/up/", coded(status)).skip(2));
        rig.fake.content().plan(Fault::once("GET", "/up/", coded(status)));
        rig.put(&archive).await.unwrap();
        assert_eq!(rig.sessions_opened(), 2, "{status}");
        rig.assert_stored(&archive.content).await;
    }
}

pub async fn a_session_that_is_there_and_takes_nothing_by_policy() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.content().plan(Fault::once("PUT", "/up/", coded(403)).skip(2));
    assert_eq!(kind(rig.storage.put(KEY, &archive.body()).await), ErrorKind::PermissionDenied);
    assert_eq!(rig.fake.record().count("GET", "/up/"), 1);
    rig.fake.content().plan(Fault::always("", "/up/", coded(403)));
    let error = failed(rig.put(&archive).await);
    assert_eq!(error.kind, ErrorKind::PermissionDenied, "{error}");
    assert!(rig.sessions_opened() <= 4, "no storm: {}", rig.sessions_opened());
    rig.fake.content().heal();
    rig.storage.abandon(KEY).await.unwrap();
    rig.assert_only(&[]);
    rig.assert_clean();
}

pub async fn a_sign_in_page_is_no_deletion() {
    for (deletion, method) in [(Deletion::Recycle, "DELETE"), (Deletion::Permanent, "POST")] {
        let rig = Rig::tuned(Tuning { deletion, ..small() }).await;
        put(&rig.patient(), KEY, b"x").await.unwrap();
        for status in [200, 202] {
            rig.fake.graph().plan(Fault::once(method, "/items/", proxy(status)));
            assert_eq!(kind(rig.storage.delete(KEY).await), ErrorKind::Unavailable, "{method} {status}");
        }
        rig.assert_stored(b"x").await;
        rig.storage.delete(KEY).await.unwrap();
        let folder = KEY.rsplit_once('/').unwrap().0;
        rig.fake.graph().plan(Fault::once("DELETE", "/items/", proxy(200)));
        assert_eq!(kind(rig.storage.remove_empty_dir(folder).await), ErrorKind::Unavailable);
        assert_eq!(rig.fake.folders().len(), 5);
        rig.assert_clean();
    }
}
