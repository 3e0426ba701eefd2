use super::support::*;
use crate::archive::reuse::index_name;
use crate::pipeline::{Job, Outcome, Status};
use crate::storage::{
    Body, ByteStream, Entry, ErrorKind, Listing, MemoryStorage, Result, Storage, StorageKind, Stored,
};
use crate::testing::fault::{Effect, Fault, FaultStorage, Op};
use futures_util::StreamExt;
use std::fs;
use std::sync::{Arc, Mutex};

const PART: u64 = 300_000;

/// A destination that could copy, and looks at what it is told: every range is what it is said to be.
struct Copier {
    inner: MemoryStorage,
    /// Of each object that was put: its key, its size, the bytes that earlier ones hold.
    puts: Mutex<Vec<(String, u64, u64)>>,
}

impl Copier {
    fn new() -> Arc<Copier> {
        Arc::new(Copier { inner: MemoryStorage::new(StorageKind::AmazonS3), puts: Mutex::default() })
    }

    /// Bytes of archives since the last time that had to be sent, and that had not.
    fn sent_and_held(&self) -> (u64, u64) {
        let puts = std::mem::take(&mut *self.puts.lock().unwrap());
        let archives = puts.iter().filter(|(key, ..)| key.contains(".tgz"));
        archives.fold((0, 0), |(sent, held), (_, size, here)| (sent + size - here, held + here))
    }
}

async fn read(mut stream: ByteStream, bytes: u64) -> Vec<u8> {
    let mut all = Vec::new();
    while (all.len() as u64) < bytes {
        all.extend_from_slice(&stream.next().await.unwrap().unwrap());
    }
    all.truncate(bytes as usize);
    all
}

#[async_trait::async_trait]
impl Storage for Copier {
    fn kind(&self) -> StorageKind {
        self.inner.kind()
    }

    fn copies_ranges(&self) -> bool {
        true
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        let mut end = 0;
        for range in body.earlier() {
            assert!(range.at >= end && range.length > 0, "in order, apart");
            end = range.at + range.length;
            let here = read(body.open(range.at).await?, range.length).await;
            assert!(
                here == read(self.inner.open(&range.key, range.from).await?, range.length).await,
                "{range:?}"
            );
        }
        let held = body.earlier().iter().map(|range| range.length).sum();
        self.puts.lock().unwrap().push((key.into(), body.size_bytes(), held));
        self.inner.put(key, body).await
    }

    async fn abandon(&self, key: &str) -> Result<()> {
        self.inner.abandon(key).await
    }

    async fn stat(&self, key: &str) -> Result<Entry> {
        self.inner.stat(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Listing> {
        self.inner.list(prefix).await
    }

    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream> {
        self.inner.open(key, offset).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.inner.delete(key).await
    }

    async fn remove_empty_dir(&self, prefix: &str) -> Result<()> {
        self.inner.remove_empty_dir(prefix).await
    }
}

/// Some megabytes that do not compress, in files of which each is another.
fn store() -> Bench {
    let bench = Bench::new();
    for n in 0..16u8 {
        let mut content = noise(100_000);
        content.iter_mut().for_each(|byte| *byte ^= n);
        bench.file(&format!("pub/media/{n:02}.jpg"), content);
    }
    bench
}

async fn pass(bench: &Bench, hour: u32, local_copies: u32, storage: &Arc<Copier>) -> Outcome {
    let at = format!("2999-01-01T{hour:02}:00:00Z");
    let rows = vec![local_row(local_copies), remote_row("7", 9, storage.clone())];
    let outcome = run(Job { part_size: PART, rows, ..bench.job(&at) }).await;
    assert_eq!(outcome.status, Status::Success, "{outcome:?}");
    outcome
}

fn size(outcome: &Outcome) -> u64 {
    outcome.archives.iter().map(|archive| archive.size_bytes).sum()
}

#[tokio::test]
async fn destinations_are_told_what_earlier_copies_hold() {
    let (bench, storage) = (store(), Copier::new());
    // One local copy is kept: the one before goes before anything is sent.
    let first = pass(&bench, 1, 1, &storage).await;
    assert_eq!(storage.sent_and_held(), (size(&first), 0));
    let second = pass(&bench, 2, 1, &storage).await;
    assert_eq!(storage.sent_and_held(), (0, size(&second)));
    // What comes after it moves, over the ends of parts.
    bench.file("pub/media/03b.jpg", noise(150_000));
    let third = pass(&bench, 3, 1, &storage).await;
    let (sent, held) = storage.sent_and_held();
    assert!(third.archives.len() > 5 && sent >= 150_000 && held > size(&third) / 2, "{sent} and {held}");
}

#[tokio::test]
async fn the_newest_copy_that_is_there_counts() {
    let (bench, storage) = (store(), Copier::new());
    pass(&bench, 1, 3, &storage).await;
    bench.file("pub/media/03.jpg", noise(90_000));
    let second = pass(&bench, 2, 3, &storage).await;
    let key =
        |outcome: &Outcome| format!("{}/{}", outcome.copy_path.as_ref().unwrap(), outcome.archives[0].name);
    // A part of it with another size, and then none at all.
    storage.inner.put(&key(&second), &crate::storage::BytesBody("cut".into())).await.unwrap();
    storage.sent_and_held();
    pass(&bench, 3, 4, &storage).await;
    let (sent, held) = storage.sent_and_held();
    assert!(sent >= 90_000 && held > 0, "from the first");
    for entry in storage.list("nightly").await.unwrap().entries {
        if entry.key.ends_with(".001") {
            storage.delete(&entry.key).await.unwrap();
        }
    }
    let fourth = pass(&bench, 4, 4, &storage).await;
    assert_eq!(storage.sent_and_held(), (size(&fourth), 0));
}

#[tokio::test]
async fn a_destination_that_does_not_answer_is_asked_once() {
    let (bench, copier) = (store(), Copier::new());
    pass(&bench, 1, 3, &copier).await;
    pass(&bench, 2, 3, &copier).await;
    copier.sent_and_held();
    let faults = vec![Fault::once(Op::Stat, Effect::Fail(ErrorKind::Unavailable))];
    let storage = Arc::new(FaultStorage::new(copier.clone(), faults));
    let rows = vec![local_row(3), remote_row("7", 9, storage.clone())];
    let third = run(Job { part_size: PART, rows, ..bench.job("2999-01-01T03:00:00Z") }).await;
    assert_eq!(third.status, Status::Success, "{third:?}");
    assert_eq!(copier.sent_and_held(), (size(&third), 0));
    let asked = storage.keys(Op::Stat).len();
    assert_eq!(asked, 1 + third.archives.len() + 1, "once, and for each object that was put");
}

#[tokio::test]
async fn without_an_index_everything_is_sent() {
    let (bench, storage) = (store(), Copier::new());
    let index = |outcome: &Outcome| {
        let dir = bench.archive_dir().join(outcome.copy_path.as_ref().unwrap());
        dir.join(index_name(&outcome.archives[0].name))
    };
    let first = pass(&bench, 1, 3, &storage).await;
    fs::remove_file(index(&first)).unwrap();
    let second = pass(&bench, 2, 3, &storage).await;
    fs::write(index(&second), "damaged").unwrap();
    storage.sent_and_held();
    let third = pass(&bench, 3, 3, &storage).await;
    assert_eq!(storage.sent_and_held(), (size(&third), 0));
}

#[tokio::test]
async fn what_is_made_anew_is_sent_anew() {
    let (bench, storage) = (store(), Copier::new());
    pass(&bench, 1, 3, &storage).await;
    storage.sent_and_held();
    let rows = vec![local_row(3), remote_row("7", 9, storage.clone())];
    let job = bench.job("2999-01-01T02:00:00Z");
    let full = run(Job { part_size: PART, rows, reuse_limit: 0, ..job }).await;
    assert_eq!(full.status, Status::Success, "{full:?}");
    assert_eq!(storage.sent_and_held(), (size(&full), 0));
    let third = pass(&bench, 3, 3, &storage).await;
    assert_eq!(storage.sent_and_held(), (0, size(&third)));
}
