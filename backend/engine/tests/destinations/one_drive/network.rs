//! What the network does to uploads.

use super::support::{KEY, ROOT, Rig, SIZE, failed, killed_after, kind, small};
use crate::support::{Archive, Told, bytes, put};
use engine::storage::one_drive::{GRANULE, Tuning};
use engine::storage::{ErrorKind, Storage};
use engine::testing::fake::{Action, Fault, Keep, Reply};

const PUT: &str = "PUT";

async fn survives(prepare: impl FnOnce(&Rig)) -> Rig {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    prepare(&rig);
    let stored = rig.put(&archive).await.unwrap();
    assert_eq!(stored.size_bytes, SIZE as u64);
    rig.assert_stored(&archive.content).await;
    rig
}

pub async fn the_connection_is_closed_before_the_first_fragment() {
    survives(|rig| rig.fake.content().plan(Fault::once(PUT, "/up/", Action::Close))).await;
}

pub async fn a_fragment_breaks_off_and_nothing_of_it_is_kept() {
    let rig = survives(|rig| {
        let broken = Action::CloseAfter(100_000, Keep::All);
        rig.fake.content().plan(Fault::once(PUT, "/up/", broken).skip(2));
    })
    .await;
    assert_eq!(rig.sessions_opened(), 1);
    assert_eq!(rig.sent_bytes(), SIZE as u64 + GRANULE, "one fragment is sent twice");
}

pub async fn a_fragment_breaks_off_and_an_odd_part_of_it_is_kept() {
    let rig = survives(|rig| {
        rig.fake.set(|k| k.keep_parts = true);
        rig.fake.content().plan(Fault::once(PUT, "/up/", Action::CloseAfter(100_001, Keep::All)).skip(2));
    })
    .await;
    let from = rig.fragments()[3].header("content-range").unwrap().to_owned();
    let odd = 2 * GRANULE + 100_001;
    assert_eq!(from, format!("bytes {odd}-{}/{SIZE}", odd + GRANULE - 1));
}

/// A limit of bandwidth is for what is sent.
pub async fn what_arrived_before_a_break_is_told_to_be_there() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.content().plan(Fault::once(PUT, "/up/", Action::Close).skip(2));
    let body = Told::new(archive.body());
    rig.patient().put(KEY, &body).await.unwrap();
    assert_eq!(body.told(), [0, 2 * GRANULE]);
}

/// A proxy that refuses for a while without a word of Microsoft.
pub async fn a_refusal_without_a_code_is_no_refusal_of_the_provider() {
    survives(|rig| {
        for status in [400, 403, 405] {
            let page = Reply::text(status, "<html>blocked</html>");
            rig.fake.graph().plan(Fault::once("", "/v1.0/", Action::Answer(page)));
        }
    })
    .await;
}

pub async fn the_last_fragment_breaks_off() {
    survives(|rig| {
        rig.fake.content().plan(Fault::once(PUT, "/up/", Action::CloseAfter(5_000, Keep::Nothing)).skip(5));
    })
    .await;
}

pub async fn every_fragment_breaks_off_once_and_progress_counts() {
    let (rig, archive) = (Rig::new().await, Archive::new(12 * GRANULE as usize));
    for n in 0..12 {
        // The fault before it has used up a request of its own.
        rig.fake.content().plan(Fault::once(PUT, "/up/", Action::CloseAfter(9, Keep::Nothing)).skip(n));
    }
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!(rig.sessions_opened(), 1);
}

pub async fn no_progress_at_all_ends_with_the_patience_of_the_pass() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.content().plan(Fault::always(PUT, "/up/", Action::Close).skip(2));
    let error = failed(rig.put(&archive).await);
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("broke off"), "{error}");
    // The first attempt got somewhere, the next six did not.
    assert_eq!(rig.fragments().len(), 2 + 6);
    rig.fake.content().heal();
    rig.assert_abandoned().await;
}

pub async fn the_answer_to_a_fragment_is_lost() {
    let rig =
        survives(|rig| rig.fake.content().plan(Fault::once(PUT, "/up/", Action::LoseReply).skip(1))).await;
    assert_eq!(rig.sent_bytes(), SIZE as u64, "what was kept is not sent again");
}

pub async fn the_answer_to_the_last_byte_is_lost() {
    let rig =
        survives(|rig| rig.fake.content().plan(Fault::once(PUT, "/up/", Action::LoseReply).skip(5))).await;
    assert_eq!((rig.sessions_opened(), rig.sent_bytes()), (1, SIZE as u64));
}

pub async fn the_answer_to_the_last_byte_is_lost_and_no_hash_is_told() {
    let rig = survives(|rig| {
        rig.fake.set(|k| k.hash_comes_after = u32::MAX);
        rig.fake.content().plan(Fault::once(PUT, "/up/", Action::LoseReply).skip(5));
    })
    .await;
    assert_eq!(rig.sent_bytes(), SIZE as u64, "it is a new version of the right size");
}

pub async fn the_answer_is_lost_while_an_object_of_that_size_is_replaced() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    let before = vec![7; SIZE];
    put(&rig.patient(), KEY, &before).await.unwrap();
    killed_after(&rig, &archive, 2).await;
    rig.assert_only(&[(KEY, &before)]);
    // The session is gone without having become the file: the old version is not taken for the new one.
    rig.fake.set(|k| k.hash_comes_after = 0);
    rig.fake.lose_sessions();
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
    let sent = rig.sent_bytes();
    assert_eq!(sent, SIZE as u64 + 2 * GRANULE + SIZE as u64);
}

pub async fn the_old_version_without_a_hash_is_not_taken_for_the_new_one() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.set(|k| k.hash_comes_after = u32::MAX);
    put(&rig.patient(), KEY, &vec![7; SIZE]).await.unwrap();
    killed_after(&rig, &archive, 2).await;
    rig.fake.lose_sessions();
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
}

pub async fn the_answer_to_a_new_session_is_lost() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.graph().plan(Fault::once("POST", "createUploadSession", Action::LoseReply));
    rig.put(&archive).await.unwrap();
    rig.assert_only(&[(KEY, &archive.content)]);
    assert_eq!(rig.sessions.all().len(), 0);
    // Nobody knows the address of the first; it holds nothing and ends by itself.
    assert_eq!(rig.fake.open_sessions(), 1);
    rig.assert_clean();
}

pub async fn the_answer_to_a_new_folder_is_lost() {
    let rig = survives(|rig| {
        rig.fake.graph().plan(Fault::once("POST", "children", Action::LoseReply).skip(1));
    })
    .await;
    assert_eq!(rig.fake.folders().len(), 5);
}

pub async fn a_proxy_repeats_the_making_of_a_folder() {
    let rig = survives(|rig| {
        rig.fake.graph().plan(Fault::always("POST", "children", Action::Twice));
    })
    .await;
    assert_eq!(rig.fake.folders().len(), 5);
}

pub async fn the_answer_to_the_last_byte_is_cut() {
    survives(|rig| rig.fake.content().plan(Fault::once(PUT, "/up/", Action::CutReply(9)).skip(5))).await;
}

pub async fn the_answer_to_the_last_byte_cannot_be_read() {
    let rig =
        survives(|rig| rig.fake.content().plan(Fault::once(PUT, "/up/", Action::Garbage).skip(5))).await;
    assert_eq!((rig.sessions_opened(), rig.sent_bytes()), (1, SIZE as u64));
}

pub async fn the_answer_to_a_fragment_cannot_be_read() {
    let rig =
        survives(|rig| rig.fake.content().plan(Fault::once(PUT, "/up/", Action::Garbage).skip(2))).await;
    assert_eq!(rig.sent_bytes(), SIZE as u64);
}

pub async fn a_proxy_answers_in_the_place_of_the_session() {
    survives(|rig| {
        let html = Action::Answer(Reply::html_502());
        rig.fake.content().plan(Fault::once(PUT, "/up/", html.clone()).skip(1).times(2));
        rig.fake.content().plan(Fault::once("GET", "/up/", html).times(2));
    })
    .await;
}

pub async fn a_proxy_answers_in_the_place_of_graph() {
    survives(|rig| {
        rig.fake.graph().plan(Fault::once("", "/v1.0/", Action::Answer(Reply::html_502())).times(3));
    })
    .await;
}

pub async fn a_proxy_sends_a_fragment_twice() {
    let rig = survives(|rig| rig.fake.content().plan(Fault::once(PUT, "/up/", Action::Twice).skip(1))).await;
    assert_eq!(rig.sent_bytes(), SIZE as u64);
}

pub async fn a_proxy_sends_the_last_fragment_twice() {
    let rig = survives(|rig| rig.fake.content().plan(Fault::once(PUT, "/up/", Action::Twice).skip(5))).await;
    assert_eq!(rig.sent_bytes(), SIZE as u64);
}

pub async fn server_errors_in_the_middle_pass() {
    survives(|rig| {
        for (skip, status) in [(1, 500), (2, 502), (3, 503), (4, 408)] {
            let answer = Action::Answer(Reply::status(status));
            rig.fake.content().plan(Fault::once(PUT, "/up/", answer).skip(skip));
        }
    })
    .await;
}

fn lengths(rig: &Rig) -> Vec<u64> {
    rig.fragments().iter().map(|r| r.header("content-length").unwrap().parse().unwrap()).collect()
}

async fn fragments_shrink_after(status: u16) {
    let rig = Rig::tuned(Tuning { fragment_bytes: 4 * GRANULE, ..small() }).await;
    let archive = Archive::new(11 * GRANULE as usize);
    rig.fake.content().plan(Fault::once(PUT, "/up/", Action::Answer(Reply::status(status))).skip(1));
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!(lengths(&rig), [4, 4, 2, 2, 2, 1].map(|n| n * GRANULE));
}

pub async fn a_gateway_timeout_halves_the_fragments() {
    fragments_shrink_after(504).await;
}

pub async fn a_proxy_that_takes_only_small_requests_halves_the_fragments() {
    fragments_shrink_after(413).await;
}

pub async fn a_proxy_that_takes_not_even_the_smallest_fragment_is_told() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.content().plan(Fault::always(PUT, "/up/", Action::Answer(Reply::status(413))));
    let error = failed(rig.put(&archive).await);
    assert_eq!(error.kind, ErrorKind::Other);
    assert!(error.message.contains("status 413"), "{error}");
    rig.fake.content().heal();
    rig.assert_abandoned().await;
}

pub async fn the_answer_to_a_small_object_is_lost() {
    let rig = Rig::new().await;
    rig.fake.graph().plan(Fault::once(PUT, "content", Action::LoseReply));
    put(&rig.patient(), KEY, b"{}").await.unwrap();
    rig.assert_stored(b"{}").await;
}

pub async fn a_small_object_breaks_off() {
    let rig = Rig::new().await;
    rig.fake.graph().plan(Fault::once(PUT, "content", Action::CloseAfter(1, Keep::All)));
    put(&rig.patient(), KEY, b"{}").await.unwrap();
    rig.assert_stored(b"{}").await;
}

pub async fn an_empty_object_needs_no_session() {
    let rig = Rig::tuned(Tuning { simple_up_to: 0, ..small() }).await;
    put(&rig.patient(), KEY, b"").await.unwrap();
    rig.assert_stored(b"").await;
    assert_eq!(rig.sessions_opened(), 0);
    // One byte does.
    put(&rig.patient(), KEY, b"x").await.unwrap();
    rig.assert_stored(b"x").await;
    assert_eq!(rig.sessions_opened(), 1);
}

pub async fn nobody_answers_at_all() {
    let rig = Rig::new().await;
    rig.fake.graph().plan(Fault::always("", "", Action::Close));
    let storage = rig.patient();
    assert_eq!(kind(storage.put(KEY, &bytes(b"x")).await), ErrorKind::Unavailable);
    assert_eq!(kind(storage.stat(KEY).await), ErrorKind::Unavailable);
    assert_eq!(kind(storage.list("").await), ErrorKind::Unavailable);
    assert_eq!(kind(storage.delete(KEY).await), ErrorKind::Unavailable);
    rig.fake.graph().heal();
    assert!(!rig.fake.folders().contains(&ROOT.to_owned()));
    rig.assert_abandoned().await;
}
