//! Uploads that stop in the middle: killed, cancelled, given up, taken up again.

use super::support::{KEY, ROOT, Rig, SIZE, failed, killed_after, kind, stalled};
use crate::support::{Archive, body_of, bytes, pattern, put};
use chrono::TimeDelta;
use engine::storage::one_drive::GRANULE;
use engine::storage::{Body, ByteStream, Error, ErrorKind, MemorySessions, Result, Sessions, Storage};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::until;
use futures_util::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The requests that an upload makes: for each, whether it goes to the host of sessions.
async fn trace(archive: &Archive) -> Vec<bool> {
    let rig = Rig::new().await;
    rig.put(archive).await.unwrap();
    let requests = rig.fake.record().requests();
    requests.iter().map(|r| r.path.starts_with("/up/")).collect()
}

/// For each request of an upload: its host's requests before it, and whether it opens the session.
fn places(trace: &[bool]) -> impl Iterator<Item = (bool, usize)> + '_ {
    trace.iter().enumerate().map(|(i, at)| (*at, trace[..i].iter().filter(|before| *before == at).count()))
}

pub async fn it_is_killed_before_and_after_each_request() {
    let archive = Archive::new(3 * GRANULE as usize + 1);
    let trace = trace(&archive).await;
    assert!(trace.len() > 12, "{trace:?}");
    for (n, (at_session, before)) in places(&trace).enumerate() {
        let rig = Rig::new().await;
        let server = if at_session { rig.fake.content() } else { rig.fake.graph() };
        server.plan(Fault::once("", "", Action::Stall).skip(before));
        let body = archive.body();
        tokio::select! {
            _ = rig.storage.put(KEY, &body) => panic!("request {n} is held back"),
            () = stalled(server, 1) => {}
        }
        server.heal();
        let sessions_then = rig.sessions_opened();
        rig.restarted().put(KEY, &archive.body()).await.unwrap();
        rig.assert_only(&[(KEY, &archive.content)]);
        assert_eq!(rig.sessions.all().len(), 0, "request {n}");
        // Killed between the opening of a session and the answer: nobody knows of it, and it holds nothing.
        let orphans = usize::from(trace.iter().position(|s| *s) == Some(n + 1));
        assert_eq!(rig.fake.open_sessions(), orphans, "request {n}");
        assert_eq!(
            rig.sessions_opened() - sessions_then,
            usize::from(sessions_then == 0 || orphans == 1),
            "{n}"
        );
        assert_eq!(rig.sent_bytes(), archive.content.len() as u64, "request {n}: nothing is sent twice");
        rig.assert_clean();
    }
}

pub async fn it_is_cancelled_at_each_request_and_given_up() {
    let archive = Archive::new(3 * GRANULE as usize + 1);
    let trace = trace(&archive).await;
    for (n, (at_session, before)) in places(&trace).enumerate() {
        let rig = Rig::new().await;
        let server = if at_session { rig.fake.content() } else { rig.fake.graph() };
        let slow = Action::Late(std::time::Duration::from_millis(50));
        server.plan(Fault::once("", "", slow).skip(before));
        let body = archive.body();
        let record = rig.fake.record().clone();
        tokio::select! {
            biased;
            () = until("the request comes", || record.requests().len() > n) => {}
            _ = rig.storage.put(KEY, &body) => {}
        }
        rig.storage.abandon(KEY).await.unwrap();
        rig.assert_nothing_open();
        // The last byte may have come before; half an object is never seen.
        if let Some(content) = rig.fake.read(&format!("{ROOT}/{KEY}")) {
            assert!(content == archive.content, "request {n}");
        }
        rig.assert_clean();
    }
}

pub async fn it_is_killed_again_and_again_and_nothing_is_sent_twice() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    for _ in 0..4 {
        killed_after(&rig, &archive, 1).await;
    }
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!((rig.sessions_opened(), rig.sent_bytes()), (1, SIZE as u64));
}

pub async fn giving_up_leaves_a_finished_object_alone() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 6).await;
    assert_eq!(rig.sessions.all().len(), 1, "the answer did not come");
    rig.storage.abandon(KEY).await.unwrap();
    rig.assert_stored(&archive.content).await;
}

pub async fn giving_up_waits_for_a_provider_that_is_away() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 2).await;
    for action in [Action::Close, Action::Answer(Reply::status(503)), Action::LoseReply] {
        rig.fake.content().plan(Fault::once("DELETE", "/up/", action));
        assert_eq!(kind(rig.storage.abandon(KEY).await), ErrorKind::Unavailable);
        assert_eq!(rig.sessions.all().len(), 1, "it is not forgotten");
    }
    rig.assert_abandoned().await;
}

pub async fn giving_up_an_expired_session_is_fine() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 2).await;
    rig.fake.time().advance(TimeDelta::days(30));
    rig.fake.set(|k| k.gone_is_400 = true);
    rig.storage.abandon(KEY).await.unwrap();
    rig.assert_nothing_open();
    rig.assert_clean();
}

pub async fn other_content_gives_up_what_was_begun() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 2).await;
    let other = Archive::new(SIZE + 1);
    rig.put(&other).await.unwrap();
    rig.assert_stored(&other.content).await;
    assert_eq!(rig.fake.record().count("DELETE", "/up/"), 1);
}

pub async fn small_content_gives_up_what_was_begun() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 2).await;
    put(rig.storage.as_ref(), KEY, b"small").await.unwrap();
    rig.assert_stored(b"small").await;
}

pub async fn the_file_changes_between_two_runs() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 2).await;
    // In the part that has been sent: only who reads it again sees it.
    let mut changed = archive.content.clone();
    changed[17] ^= 1;
    std::fs::write(&archive.path, &changed).unwrap();
    let error = failed(rig.restarted().put(KEY, &archive.body()).await);
    assert_eq!(error.kind, ErrorKind::Integrity);
    assert!(error.message.contains("was changed"), "{error}");
    rig.assert_only(&[]);
    rig.assert_nothing_open();
    let body = body_of(&archive.path, &changed);
    rig.patient().put(KEY, &body).await.unwrap();
    rig.assert_stored(&changed).await;
}

/// Content whose hash is not known beforehand.
struct Unknown(Vec<u8>);

#[async_trait::async_trait]
impl Body for Unknown {
    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn sha256(&self) -> Option<String> {
        None
    }

    async fn open(&self, offset: u64) -> std::io::Result<ByteStream> {
        bytes(&self.0).open(offset).await
    }
}

pub async fn content_without_a_hash_starts_anew() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.content().plan(Fault::once("PUT", "/up/", Action::Close).skip(3));
    rig.patient().put(KEY, &Unknown(archive.content.clone())).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!((rig.sessions_opened(), rig.fake.record().count("DELETE", "/up/")), (2, 1));
}

/// A disk that fails in the middle, once.
struct Failing<'a>(&'a Archive, AtomicUsize);

#[async_trait::async_trait]
impl Body for Failing<'_> {
    fn size_bytes(&self) -> u64 {
        self.0.content.len() as u64
    }

    fn sha256(&self) -> Option<String> {
        self.0.body().sha256()
    }

    async fn open(&self, offset: u64) -> std::io::Result<ByteStream> {
        let whole = self.0.body().open(offset).await?;
        if self.1.fetch_add(1, Ordering::SeqCst) > 0 {
            return Ok(whole);
        }
        let error = Error::new(ErrorKind::Unavailable, "the disk takes a break");
        Ok(whole.take(3).chain(futures_util::stream::iter([Err(error.into())])).boxed())
    }
}

pub async fn a_disk_that_takes_a_break_costs_nothing_that_was_sent() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.patient().put(KEY, &Failing(&archive, AtomicUsize::new(0))).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!((rig.sessions_opened(), rig.sent_bytes()), (1, SIZE as u64));
}

/// A database that is away for the first so many saves.
struct Away(MemorySessions, AtomicUsize);

#[async_trait::async_trait]
impl Sessions for Away {
    async fn load(&self, key: &str) -> Result<Option<String>> {
        self.0.load(key).await
    }

    async fn save(&self, key: &str, state: &str) -> Result<()> {
        if self.1.load(Ordering::SeqCst) > 0 {
            self.1.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::new(ErrorKind::Unavailable, "the database is away"));
        }
        self.0.save(key, state).await
    }

    async fn remove(&self, key: &str) -> Result<()> {
        self.0.remove(key).await
    }
}

pub async fn a_session_that_cannot_be_remembered_is_not_used() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    let sessions = Arc::new(Away(MemorySessions::default(), AtomicUsize::new(1)));
    let storage = rig.with_sessions(sessions.clone());
    let error = failed(storage.put(KEY, &archive.body()).await);
    assert_eq!(error.message, "the database is away");
    assert_eq!((rig.fragments().len(), rig.fake.open_sessions()), (0, 0));
    storage.put(KEY, &archive.body()).await.unwrap();
    assert_eq!(sessions.0.all().len(), 0);
    rig.assert_stored(&archive.content).await;
}

pub async fn what_is_remembered_cannot_be_read() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.sessions.save(KEY, "{\"of\": \"another version\"}").await.unwrap();
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
}

pub async fn an_object_is_replaced_at_its_last_byte_and_not_before() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    let before = pattern(SIZE, 99);
    put(&rig.patient(), KEY, &before).await.unwrap();
    for _ in 0..5 {
        killed_after(&rig, &archive, 1).await;
        rig.assert_only(&[(KEY, &before)]);
    }
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!(rig.fake.bin(), Vec::<String>::new(), "the old version is not deleted, it is replaced");
}
