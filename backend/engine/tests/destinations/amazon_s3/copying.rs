//! Parts that the server makes of objects that it has.

use super::world::{KEY, LARGE, PART, World, answer, large};
use crate::support::{bytes, pattern, put};
use chrono::{DateTime, Utc};
use engine::event::Events;
use engine::pipeline::{Job, Outcome, Row, Status, Target};
use engine::source::files::Symlinks;
use engine::source::magento::Source;
use engine::storage::amazon_s3::{Encryption, Settings};
use engine::storage::{Body, ByteStream, BytesBody, Cloud, Earlier, Storage, StorageKind, There};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::until_told;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

const OLD: &str = "set/20261125_023000/files/files.tgz";
/// Parts are of half the size where copies are worth it.
const SMALL: usize = PART / 2;
const PARTS: usize = LARGE.div_ceil(SMALL);
const COPY: &str = "x-id=UploadPartCopy";

/// A body of which earlier objects hold something.
struct Partly {
    body: BytesBody,
    earlier: Vec<Earlier>,
    told: Mutex<Vec<There>>,
    /// Comes to a halt there, and never ends.
    halt: usize,
    /// Done once it is opened: the sources have been looked at by then.
    meanwhile: Option<Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>>,
}

impl Partly {
    fn new(content: &[u8], earlier: Vec<Earlier>) -> Partly {
        Partly { body: bytes(content), earlier, told: Mutex::default(), halt: usize::MAX, meanwhile: None }
    }

    /// All of it is in one object.
    fn whole(content: &[u8], key: &str) -> Partly {
        Partly::new(content, vec![earlier(0, content.len(), key, 0)])
    }

    fn told(&self) -> Vec<u64> {
        let mut told: Vec<u64> = self.told.lock().unwrap().iter().map(There::bytes).collect();
        told.dedup();
        told
    }
}

#[async_trait::async_trait]
impl Body for Partly {
    fn size_bytes(&self) -> u64 {
        self.body.size_bytes()
    }

    fn sha256(&self) -> Option<String> {
        self.body.sha256()
    }

    fn earlier(&self) -> &[Earlier] {
        &self.earlier
    }

    async fn open(&self, offset: u64) -> std::io::Result<ByteStream> {
        if let Some(meanwhile) = &self.meanwhile {
            meanwhile().await;
        }
        if self.halt == usize::MAX {
            return self.body.open(offset).await;
        }
        let rest = self.body.0.slice(offset as usize..self.halt);
        Ok(futures_util::stream::iter([Ok(rest)]).chain(futures_util::stream::pending()).boxed())
    }

    fn already_there(&self, there: &There) {
        self.told.lock().unwrap().push(there.clone());
    }
}

fn earlier(at: usize, length: usize, key: &str, from: usize) -> Earlier {
    Earlier { at: at as u64, length: length as u64, key: key.into(), from: from as u64 }
}

/// With the earlier object there, put by the driver as any.
async fn with_old(content: &[u8]) -> World {
    let mut world = World::new().await;
    world.tuning.in_flight = 1;
    world.storage().put(OLD, &bytes(content)).await.unwrap();
    world
}

pub async fn what_is_unchanged_is_not_sent() {
    let mut world = with_old(&large()).await;
    world.tuning.in_flight = 4;
    let (before, body) = (world.sent(), Partly::whole(&large(), OLD));
    let stored = world.storage().put(KEY, &body).await.unwrap();
    assert_eq!((stored.size_bytes, stored.sha256), (LARGE as u64, body.sha256()));
    assert_eq!((world.sent() - before, world.count("PUT", COPY)), (0, PARTS));
    assert_eq!(body.told(), [LARGE as u64]);
    world.assert_end(&[(OLD, &large()), (KEY, &large())]).await;
}

pub async fn what_moved_is_copied_from_where_it_was() {
    let old = large();
    let world = with_old(&old).await;
    let (first, second) = (pattern(10_000, 1), pattern(5000, 2));
    let new = [&first[..], &old[..150_000], &second, &old[160_000..]].concat();
    let ranges = vec![
        earlier(first.len(), 150_000, OLD, 0),
        earlier(first.len() + 150_000 + second.len(), old.len() - 160_000, OLD, 160_000),
    ];
    let (before, body) = (world.sent(), Partly::new(&new, ranges));
    world.storage().put(KEY, &body).await.unwrap();
    // The part with the beginning, and the two that the second change touches or that are cut by it.
    let (sent, parts) = (world.sent() - before, new.len().div_ceil(SMALL));
    assert_eq!((sent, world.count("PUT", COPY)), (3 * SMALL as u64, parts - 3));
    assert_eq!(body.told(), [new.len() as u64 - sent]);
    world.assert_end(&[(OLD, &old), (KEY, &new)]).await;
}

pub async fn parts_come_from_several_objects() {
    let world = World::new().await;
    let (one, two) = (pattern(100_000, 1), pattern(90_000, 2));
    for (key, content) in [("set/1/a.001", &one), ("set/1/a.002", &two)] {
        world.storage().put(key, &bytes(content)).await.unwrap();
    }
    let new = [&one[1000..], &two].concat();
    let ranges = vec![earlier(0, 99_000, "set/1/a.001", 1000), earlier(99_000, 90_000, "set/1/a.002", 0)];
    let before = world.sent();
    world.storage().put("set/2/a", &Partly::new(&new, ranges)).await.unwrap();
    assert_eq!(
        (world.sent() - before, world.count("PUT", COPY)),
        (SMALL as u64, new.len().div_ceil(SMALL) - 1)
    );
    world.assert_end(&[("set/1/a.001", &one), ("set/1/a.002", &two), ("set/2/a", &new)]).await;
}

pub async fn any_name_can_be_copied_from() {
    let world = World::new().await;
    let folder = "Für den Laden/1+1 % &?#=~";
    let root = format!("{}/{folder}", world.root());
    let storage = world.cloud().storage(&root, world.sessions.clone()).unwrap();
    storage.put(OLD, &bytes(&large())).await.unwrap();
    storage.put(KEY, &Partly::whole(&large(), OLD)).await.unwrap();
    assert_eq!(world.count("PUT", COPY), PARTS);
    let keys = [format!("{folder}/{OLD}"), format!("{folder}/{KEY}")];
    world.assert_end(&[(&keys[0], &large()), (&keys[1], &large())]).await;
}

pub async fn little_that_is_the_same_changes_nothing() {
    let world = with_old(&large()).await;
    let body = Partly::new(&large(), vec![earlier(PART, 20_000, OLD, PART)]);
    world.storage().put(KEY, &body).await.unwrap();
    assert_eq!((world.count("PUT", COPY), world.count("PUT", "partNumber=")), (0, 5 + 5));
    world.assert_end(&[(OLD, &large()), (KEY, &large())]).await;
}

pub async fn a_server_without_copies_is_asked_once() {
    let world = with_old(&large()).await;
    world.plan(Fault::always("PUT", COPY, answer(501, "NotImplemented")));
    let (storage, before) = (world.storage(), world.sent());
    assert!(storage.copies_ranges());
    let body = Partly::whole(&large(), OLD);
    storage.put(KEY, &body).await.unwrap();
    assert_eq!((world.sent() - before, world.count("PUT", COPY)), (LARGE as u64, 1));
    assert_eq!(body.told(), [LARGE as u64, 0]);
    assert!(!storage.copies_ranges());
    storage.put("set/another", &Partly::whole(&large(), OLD)).await.unwrap();
    assert_eq!(world.count("PUT", COPY), 1);
    world.assert_end(&[(OLD, &large()), (KEY, &large()), ("set/another", &large())]).await;
}

pub async fn whatever_is_answered_to_a_copy_the_part_is_sent() {
    let world = with_old(&large()).await;
    let answers = [
        (400, "InvalidRequest"),
        (400, "InvalidArgument"),
        (403, "AccessDenied"),
        (403, "InvalidObjectState"),
        (404, "NoSuchKey"),
        (405, "MethodNotAllowed"),
        (412, "PreconditionFailed"),
        (416, "InvalidRange"),
        (200, "InternalError"),
        (200, "AccessDenied"),
    ];
    for (n, (status, code)) in answers.into_iter().enumerate() {
        world.once("PUT", COPY, answer(status, code));
        let before = world.sent();
        world.storage().put(KEY, &Partly::whole(&large(), OLD)).await.unwrap();
        assert_eq!(world.sent() - before, LARGE as u64, "{status} {code}");
        assert_eq!(world.count("PUT", COPY), n + 1, "{status} {code}");
    }
    world.assert_end(&[(OLD, &large()), (KEY, &large())]).await;
}

pub async fn what_is_proved_by_nothing_is_sent() {
    let world = with_old(&large()).await;
    let result = |etag: &str| {
        let xml =
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><CopyPartResult>{etag}</CopyPartResult>");
        Action::Answer(Reply { status: 200, headers: Vec::new(), body: xml.into() })
    };
    let wrong = format!("<ETag>\"{}\"</ETag>", "0".repeat(32));
    let answers = [result(""), result(&wrong), Action::Answer(Reply::status(200)), Action::Garbage];
    for (n, answer) in answers.into_iter().enumerate() {
        world.once("PUT", COPY, answer);
        let before = world.sent();
        world.storage().put(KEY, &Partly::whole(&large(), OLD)).await.unwrap();
        let copies = world.count("PUT", COPY);
        assert!(world.sent() - before >= SMALL as u64 && copies > n, "answer {n}");
    }
    world.assert_end(&[(OLD, &large()), (KEY, &large())]).await;
}

/// The index of an earlier copy is advice: what is there may be anything.
pub async fn a_source_with_other_bytes_does_not_get_in() {
    let mut old = large();
    old[5 * SMALL + 17] ^= 1;
    let world = with_old(&old).await;
    let (before, body) = (world.sent(), Partly::whole(&large(), OLD));
    world.storage().put(KEY, &body).await.unwrap();
    assert_eq!(world.count("PUT", COPY), 6, "up to the one that differs");
    assert_eq!(body.told(), [LARGE, 5 * SMALL].map(|bytes| bytes as u64));
    assert_eq!(world.sent() - before, (LARGE - 5 * SMALL) as u64);
    world.assert_end(&[(OLD, &old), (KEY, &large())]).await;
}

pub async fn a_source_that_is_not_there_is_not_asked_for() {
    let world = World::new().await;
    world.storage().put(KEY, &Partly::whole(&large(), OLD)).await.unwrap();
    assert_eq!((world.count("PUT", COPY), world.sent()), (0, LARGE as u64));
    world.assert_end(&[(KEY, &large())]).await;
}

pub async fn a_source_that_goes_meanwhile_is_done_without() {
    let world = with_old(&large()).await;
    let (raw, bucket, key) = (world.raw.clone(), world.bucket.clone(), world.object(OLD));
    let mut body = Partly::whole(&large(), OLD);
    body.meanwhile = Some(Box::new(move || {
        let delete = raw.delete_object().bucket(&bucket).key(&key);
        Box::pin(async move { drop(delete.send().await.unwrap()) })
    }));
    world.storage().put(KEY, &body).await.unwrap();
    assert_eq!(world.count("PUT", COPY), 1);
    world.assert_end(&[(KEY, &large())]).await;
}

pub async fn a_source_that_changes_meanwhile_is_done_without() {
    let world = with_old(&large()).await;
    let (raw, bucket, key) = (world.raw.clone(), world.bucket.clone(), world.object(OLD));
    let mut body = Partly::whole(&large(), OLD);
    let mut changed = large();
    changed[LARGE - 1] ^= 1;
    let content = changed.clone();
    body.meanwhile = Some(Box::new(move || {
        let put = raw.put_object().bucket(&bucket).key(&key).body(content.clone().into());
        Box::pin(async move { drop(put.send().await.unwrap()) })
    }));
    world.storage().put(KEY, &body).await.unwrap();
    assert_eq!(world.count("PUT", COPY), 1, "the first was refused (412), though its bytes are the same");
    world.assert_end(&[(OLD, &changed), (KEY, &large())]).await;
}

pub async fn a_source_that_is_too_small_is_not_asked_for() {
    let world = World::new().await;
    put(&*world.storage(), OLD, &large()[..50_000]).await.unwrap();
    let body = Partly::new(&large(), vec![earlier(0, 50_000, OLD, 0)]);
    world.storage().put(KEY, &body).await.unwrap();
    assert_eq!(world.count("PUT", COPY), 0);
    world.assert_end(&[(OLD, &large()[..50_000]), (KEY, &large())]).await;
}

pub async fn what_passes_costs_a_part_and_no_copy_more() {
    let world = with_old(&large()).await;
    world.once("PUT", COPY, answer(503, "SlowDown"));
    world.plan(Fault::once("PUT", COPY, Action::LoseReply).skip(1));
    let before = world.sent();
    world.storage().put(KEY, &Partly::whole(&large(), OLD)).await.unwrap();
    assert_eq!((world.sent() - before, world.count("PUT", COPY)), (2 * SMALL as u64, PARTS));
    world.assert_end(&[(OLD, &large()), (KEY, &large())]).await;
}

pub async fn a_server_that_answers_no_copy_is_not_asked_for_ever() {
    for action in [Action::Close, answer(500, "InternalError"), Action::Answer(Reply::html_502())] {
        let world = with_old(&large()).await;
        world.plan(Fault::always("PUT", COPY, action));
        let before = world.sent();
        world.storage().put(KEY, &Partly::whole(&large(), OLD)).await.unwrap();
        assert_eq!((world.sent() - before, world.count("PUT", COPY)), (LARGE as u64, 3));
        world.assert_end(&[(OLD, &large()), (KEY, &large())]).await;
    }
}

pub async fn an_upload_that_is_lost_meanwhile_begins_anew_without_copies() {
    let world = with_old(&large()).await;
    world.plan(Fault::once("PUT", COPY, answer(404, "NoSuchUpload")).skip(2));
    world.storage().put(KEY, &Partly::whole(&large(), OLD)).await.unwrap();
    assert_eq!((world.count("POST", "uploads"), world.count("PUT", COPY)), (1 + 2, 3));
    world.assert_end(&[(OLD, &large()), (KEY, &large())]).await;
}

/// As `kill -9` would, once so many parts have arrived.
async fn break_off(world: &World, body: Partly, halt: usize, parts: usize) {
    let (storage, body) = (world.storage(), Partly { halt, ..body });
    let arrived = || async { world.arrived().await == parts };
    tokio::select! {
        result = storage.put(KEY, &body) => panic!("the upload ended: {result:?}"),
        () = until_told("the parts have arrived", arrived) => {}
    }
}

pub async fn an_upload_with_copies_is_gone_on_with() {
    let world = with_old(&large()).await;
    let mut new = large();
    new[SMALL..2 * SMALL].copy_from_slice(&pattern(SMALL, 3));
    let ranges = || vec![earlier(0, SMALL, OLD, 0), earlier(2 * SMALL, LARGE - 2 * SMALL, OLD, 2 * SMALL)];
    let before = world.sent();
    // Three of them: two copied, one sent.
    break_off(&world, Partly::new(&new, ranges()), 3 * SMALL + 10, 3).await;
    let body = Partly::new(&new, ranges());
    world.storage().put(KEY, &body).await.unwrap();
    assert_eq!(world.count("POST", "uploads"), 1 + 1);
    assert_eq!((world.sent() - before, world.count("PUT", COPY)), (SMALL as u64, PARTS - 1));
    assert_eq!(body.told(), [LARGE as u64]);
    world.assert_end(&[(OLD, &large()), (KEY, &new)]).await;
}

/// The earlier copy came back after an upload had begun without it.
pub async fn an_upload_begun_with_other_parts_is_gone_on_with() {
    let world = with_old(&large()).await;
    let before = world.sent();
    break_off(&world, Partly::new(&large(), Vec::new()), 2 * PART + 10, 2).await;
    world.storage().put(KEY, &Partly::whole(&large(), OLD)).await.unwrap();
    assert_eq!(world.count("POST", "uploads"), 1 + 1);
    assert_eq!((world.sent() - before, world.count("PUT", COPY)), (2 * PART as u64, 3));
    world.assert_end(&[(OLD, &large()), (KEY, &large())]).await;
}

/// This server has none for copies: an end without them would be refused by Amazon.
pub async fn amazons_checksums_are_asked_for_or_the_part_is_sent() {
    let mut world = with_old(&large()).await;
    world.tuning.like_amazon = Some(true);
    world.storage().put(KEY, &Partly::whole(&large(), OLD)).await.unwrap();
    let parts = world.proxy.record().requests();
    let ends = parts.iter().filter(|r| r.method == "POST" && r.query.contains_key("uploadId")).count();
    assert_eq!(ends, 1 + 1);
    world.assert_end(&[(OLD, &large()), (KEY, &large())]).await;
}

pub async fn copies_can_be_switched_off() {
    let world = with_old(&large()).await;
    let kms = Some(Encryption::Kms { key_id: None });
    let off = Settings { incremental: false, ..world.settings() };
    // Amazon charges what is read of such a class.
    let cool = Settings { storage_class: Some("STANDARD_IA".into()), ..world.settings() };
    for settings in [off.clone(), cool, Settings { encryption: kms, ..world.settings() }] {
        assert!(!world.storage_of(settings).copies_ranges());
    }
    let before = world.sent();
    world.storage_of(off).put(KEY, &Partly::whole(&large(), OLD)).await.unwrap();
    assert_eq!((world.sent() - before, world.count("PUT", "partNumber=")), (LARGE as u64, 5 + 5));
    world.assert_end(&[(OLD, &large()), (KEY, &large())]).await;
}

async fn pass(dir: &Path, at: &str, local_copies: u32, storage: Arc<dyn Storage>) -> Outcome {
    let row = |storage_id: &str, kind, keep_copies, target| Row {
        storage_id: storage_id.into(),
        title: storage_id.into(),
        kind,
        keep_copies,
        path: String::new(),
        target,
    };
    let job = Job {
        title: "Nightly".into(),
        folder: "nightly".into(),
        started_at: at.parse::<DateTime<Utc>>().unwrap(),
        archive_dir: dir.join("archives"),
        source: Source { root: dir.join("store"), database_url: None, environment: BTreeMap::new() },
        files: true,
        database: false,
        exclude_directories: Vec::new(),
        leave_out: Vec::new(),
        exclude_tables: Vec::new(),
        symlinks: Symlinks::FollowShared,
        part_size: 1_000_000,
        rows: vec![
            row("local", StorageKind::Local, local_copies, Target::Local),
            row("7", StorageKind::AmazonS3, 2, Target::Remote(storage)),
        ],
        suspend: Default::default(),
        reuse_limit: 30,
        last_copy_bytes: None,
    };
    engine::pipeline::run(job, Events::none(), Default::default()).await
}

/// Everything that a copy consists of, at the destination and here, is the same.
async fn assert_arrived(world: &World, dir: &Path, outcome: &Outcome) {
    assert_eq!(outcome.status, Status::Success, "{outcome:?}");
    let objects = world.objects().await;
    let copy = outcome.copy_path.as_ref().unwrap();
    for archive in &outcome.archives {
        let key = format!("{copy}/{}", archive.name);
        assert!(objects[&key] == std::fs::read(dir.join("archives").join(&key)).unwrap(), "{key}");
    }
}

/// Local retention leaves one copy: what is unchanged has to be found out before it makes room.
pub async fn passes_send_what_changed() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store/pub/media");
    std::fs::create_dir_all(&store).unwrap();
    for n in 0..30 {
        std::fs::write(store.join(format!("{n:02}.jpg")), pattern(100_000, n)).unwrap();
    }
    let sent = || {
        let requests = world.proxy.record().requests();
        let lengths =
            requests.iter().filter(|r| r.method == "PUT").filter_map(|r| r.header("content-length"));
        lengths.filter_map(|length| length.parse::<u64>().ok()).sum::<u64>()
    };
    let first = pass(dir.path(), "2999-01-01T01:00:00Z", 1, world.storage()).await;
    assert_arrived(&world, dir.path(), &first).await;
    let (whole, mut before) = (first.archives.iter().map(|a| a.size_bytes).sum::<u64>(), sent());
    assert!(before >= whole && first.archives.len() == 4, "{:?}", first.archives);

    let second = pass(dir.path(), "2999-01-01T02:00:00Z", 1, world.storage()).await;
    assert_arrived(&world, dir.path(), &second).await;
    let (unchanged, message) = (sent() - before, &second.rows[1].message);
    assert!(message.contains("MiB of it was there already."), "{message}");
    assert!(!first.rows[1].message.contains("already"), "{}", first.rows[1].message);
    assert!(unchanged < whole / 10, "{unchanged} of {whole} bytes, though nothing changed");

    // One more moves all that comes after it, and the places at which the archive is split.
    std::fs::write(store.join("15b.jpg"), pattern(50_000, 99)).unwrap();
    before = sent();
    let third = pass(dir.path(), "2999-01-01T03:00:00Z", 1, world.storage()).await;
    assert_arrived(&world, dir.path(), &third).await;
    let changed = sent() - before;
    assert!((50_000..whole / 2).contains(&changed), "{changed} of {whole} bytes");

    // The copy before is not at the destination: nothing can be made of it.
    let gone = format!("{}/", third.copy_path.as_ref().unwrap());
    let keys: Vec<String> = world.objects().await.into_keys().filter(|key| key.starts_with(&gone)).collect();
    world.storage().delete_all(&keys).await.unwrap();
    before = sent();
    let fourth = pass(dir.path(), "2999-01-01T04:00:00Z", 1, world.storage()).await;
    assert_arrived(&world, dir.path(), &fourth).await;
    assert!(sent() - before >= whole);
}
