//! A real server, a proxy in front of it that misbehaves by plan, and a bucket's folder with something of others in it.

use crate::support::{bytes, patient, pattern};
use aws_sdk_s3::primitives::ByteStream as Bytes;
use engine::storage::amazon_s3::{AmazonS3, Settings, Tuning};
use engine::storage::{Body, ByteStream, Cloud, Error, ErrorKind, MemorySessions, Retry, Storage};
use engine::testing::VirtualTime;
use engine::testing::fake::{Action, FakeServer, Fault, Record, Reply};
use engine::testing::garage::{Forward, Garage};
use engine::testing::until_told;
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;

pub const PART: usize = 64 * 1024;
/// Five parts, the last of them short.
pub const LARGE: usize = 4 * PART + 1000;
pub const KEY: &str = "set/20261126_023000/files/files.tgz";
/// Of somebody else, in the same folder.
const FOREIGN: &str = "set/20261126_023000/files/not-ours.txt";
const FOREIGN_UPLOAD: &str = "set/20261126_023000/files/files.tgz.of-another";

static GARAGE: OnceCell<Garage> = OnceCell::const_new();
static WORLDS: AtomicU64 = AtomicU64::new(0);

/// One server for all tests of this program; it ends with it.
pub async fn garage() -> &'static Garage {
    GARAGE.get_or_init(|| async { Garage::start().await.unwrap() }).await
}

pub struct World {
    pub garage: &'static Garage,
    pub forward: Arc<Forward>,
    pub proxy: FakeServer,
    /// What the driver waits by; requests are signed with the machine's.
    pub time: VirtualTime,
    pub bucket: String,
    pub prefix: String,
    pub sessions: Arc<MemorySessions>,
    /// Straight to the server.
    pub raw: aws_sdk_s3::Client,
    pub tuning: Tuning,
}

pub fn tuning() -> Tuning {
    Tuning {
        part_size: PART as u64,
        copied_part_size: PART as u64 / 2,
        smallest_source: 50_000,
        page: 3,
        quick: Duration::from_secs(30),
        complete: Duration::from_secs(30),
        grace: Duration::from_secs(2),
        ..Tuning::default()
    }
}

impl World {
    pub async fn new() -> World {
        let garage = garage().await;
        World::of(garage.bucket(), garage.settings()).await
    }

    /// The same for another bucket, with an account that may do everything in it.
    pub async fn of(bucket: &str, settings: Settings) -> World {
        let garage = garage().await;
        let address = garage.url().trim_start_matches("http://").parse().unwrap();
        let record = Record::default();
        let time = record.time.clone();
        let forward = Arc::new(Forward::new(address));
        let proxy = FakeServer::start(forward.clone(), record).await.unwrap();
        let prefix = format!("scenario-{}", WORLDS.fetch_add(1, Ordering::Relaxed));
        let raw = garage.client(&settings);
        let (bucket, sessions) = (bucket.to_owned(), Arc::default());
        let world = World { garage, forward, proxy, time, bucket, prefix, sessions, raw, tuning: tuning() };
        world.plant(FOREIGN, b"somebody else's").await;
        let upload = world.raw.create_multipart_upload().bucket(&world.bucket);
        upload.key(world.object(FOREIGN_UPLOAD)).send().await.unwrap();
        world
    }

    pub fn object(&self, key: &str) -> String {
        format!("{}/{key}", self.prefix)
    }

    pub fn root(&self) -> String {
        format!("{}/{}", self.bucket, self.prefix)
    }

    /// Through the proxy.
    pub fn settings(&self) -> Settings {
        Settings { endpoint: Some(self.proxy.url().parse().unwrap()), ..self.garage.settings() }
    }

    pub fn cloud(&self) -> Arc<AmazonS3> {
        self.cloud_of(self.settings())
    }

    pub fn cloud_of(&self, settings: Settings) -> Arc<AmazonS3> {
        AmazonS3::tuned(settings, Arc::new(self.time.clone()), self.tuning.clone()).unwrap()
    }

    /// A new driver that remembers what the last one did: a server that was started again.
    pub fn storage(&self) -> Arc<dyn Storage> {
        self.storage_of(self.settings())
    }

    pub fn storage_of(&self, settings: Settings) -> Arc<dyn Storage> {
        self.cloud_of(settings).storage(&self.root(), self.sessions.clone()).unwrap()
    }

    /// With a pass's patience.
    pub fn patient(&self) -> Retry {
        patient(self.storage(), &self.time)
    }

    pub fn plan(&self, fault: Fault) {
        self.proxy.plan(fault);
    }

    /// Bytes of parts that were sent so far.
    pub fn sent(&self) -> u64 {
        let requests = self.proxy.record().requests();
        let parts = requests.iter().filter(|r| r.method == "PUT" && r.query.contains_key("partNumber"));
        parts.filter_map(|r| r.header("content-length")?.parse::<u64>().ok()).sum()
    }

    /// The first request like this one.
    pub fn once(&self, method: &'static str, target: &str, action: Action) {
        self.plan(Fault::once(method, target, action));
    }

    /// Requests of this kind so far; `target` is a part of the path or of a parameter (`partNumber=2`).
    pub fn count(&self, method: &str, target: &str) -> usize {
        let fits = |r: &&engine::testing::fake::Request| {
            let mut query = r.query.iter().map(|(k, v)| format!("{k}={v}"));
            r.method == method && (r.path.contains(target) || query.any(|pair| pair.starts_with(target)))
        };
        self.proxy.record().requests().iter().filter(fits).count()
    }

    /// Stores something behind the driver's back.
    pub async fn plant(&self, key: &str, content: &[u8]) {
        let put = self.raw.put_object().bucket(&self.bucket).key(self.object(key));
        put.body(Bytes::from(content.to_vec())).send().await.unwrap();
    }

    /// All objects below our folder, by their keys.
    pub async fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        let mut pages = self
            .raw
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(format!("{}/", self.prefix))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            for object in page.unwrap().contents() {
                let key = object.key().unwrap();
                let got = self.raw.get_object().bucket(&self.bucket).key(key).send().await.unwrap();
                let content = got.body.collect().await.unwrap().into_bytes().to_vec();
                all.insert(key.strip_prefix(&format!("{}/", self.prefix)).unwrap().to_owned(), content);
            }
        }
        all
    }

    /// Unfinished uploads below our folder: key and id.
    pub async fn uploads(&self) -> Vec<(String, String)> {
        let listing = self.raw.list_multipart_uploads().bucket(&self.bucket);
        let listing = listing.prefix(format!("{}/", self.prefix)).send().await.unwrap();
        let upload =
            |u: &aws_sdk_s3::types::MultipartUpload| Some((u.key()?.to_owned(), u.upload_id()?.to_owned()));
        let foreign = self.object(FOREIGN_UPLOAD);
        let (ours, others): (Vec<_>, Vec<_>) =
            listing.uploads().iter().filter_map(upload).partition(|(key, _)| *key != foreign);
        assert_eq!(others.len(), 1, "the unfinished upload of somebody else is still there");
        ours
    }

    /// The id of the one unfinished upload.
    pub async fn upload_id(&self) -> String {
        let uploads = self.uploads().await;
        assert_eq!(uploads.len(), 1, "{uploads:?}");
        uploads[0].1.clone()
    }

    /// Exactly these objects of ours are there, nothing is half-made or remembered, nothing of others is gone, and nothing was done that
    /// no client may do.
    pub async fn assert_end(&self, expected: &[(&str, &[u8])]) {
        let mut objects = self.objects().await;
        assert_eq!(objects.remove(FOREIGN).as_deref(), Some(&b"somebody else's"[..]), "foreign object");
        let keys: Vec<_> = objects.keys().map(String::as_str).collect();
        assert_eq!(keys, expected.iter().map(|(key, _)| *key).collect::<Vec<_>>());
        for (key, content) in expected {
            assert!(objects[*key] == *content, "the content of `{key}`");
        }
        assert_eq!(self.uploads().await, [], "unfinished uploads");
        assert_eq!(self.sessions.all(), BTreeMap::new(), "remembered uploads");
        self.proxy.record().assert_clean();
    }

    /// The error is of this kind, says this, and gives nothing away.
    pub fn assert_told(&self, error: &Error, kind: ErrorKind, text: &str) {
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(text), "{error}");
        let all = format!("{error:?} {error}");
        for secret in [self.garage.settings().secret_access_key.expose(), "Signature=", "AWS4-HMAC"] {
            assert!(!all.contains(secret), "{all}");
        }
    }

    /// Stores a large object while nothing may go wrong for good, and checks that all is well.
    pub async fn assert_put_succeeds(&self) {
        let content = large();
        let stored = self.patient().put(KEY, &bytes(&content)).await.unwrap();
        assert_eq!(stored.size_bytes, LARGE as u64);
        self.assert_end(&[(KEY, &content)]).await;
    }

    /// Breaks an upload off once so many parts have arrived, as `kill -9` would.
    pub async fn break_off_after(&self, parts: usize) {
        let body = Halting::new(large(), parts * PART + 10);
        let storage = self.storage();
        let put = storage.put(KEY, &body);
        let arrived = || async { self.arrived().await == parts };
        tokio::select! {
            result = put => panic!("the upload ended: {result:?}"),
            () = until_told("the parts have arrived", arrived) => {}
        }
    }

    /// Parts of our unfinished upload that the server has.
    pub async fn arrived(&self) -> usize {
        let Some((key, id)) = self.uploads().await.into_iter().next() else { return 0 };
        let parts = self.raw.list_parts().bucket(&self.bucket).key(key).upload_id(id).send().await;
        parts.map_or(0, |parts| parts.parts().len())
    }
}

pub fn large() -> Vec<u8> {
    pattern(LARGE, 7)
}

/// An error as S3 gives it.
pub fn error(status: u16, code: &str, message: &str) -> Reply {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Reply { status, headers: Vec::new(), body: xml.into() }.with("content-type", "application/xml")
}

pub fn answer(status: u16, code: &str) -> Action {
    Action::Answer(error(status, code, "as planned"))
}

/// A body whose reading comes to a halt, and never ends. Counts what was read of it.
pub struct Halting {
    content: bytes::Bytes,
    after: usize,
    pub read: Arc<AtomicU64>,
}

impl Halting {
    pub fn new(content: Vec<u8>, after: usize) -> Halting {
        Halting { content: content.into(), after, read: Arc::default() }
    }
}

#[async_trait::async_trait]
impl Body for Halting {
    fn size_bytes(&self) -> u64 {
        self.content.len() as u64
    }

    fn sha256(&self) -> Option<String> {
        engine::storage::BytesBody(self.content.clone()).sha256()
    }

    async fn open(&self, offset: u64) -> std::io::Result<ByteStream> {
        let rest = self.content.slice(offset as usize..self.after.min(self.content.len()));
        let chunks: Vec<_> = rest.chunks(1000).map(bytes::Bytes::copy_from_slice).collect();
        let read = Arc::clone(&self.read);
        let counted = futures_util::stream::iter(chunks).map(move |chunk| {
            read.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            Ok(chunk)
        });
        Ok(counted.chain(futures_util::stream::pending()).boxed())
    }
}

/// Content that nobody knew the hash of beforehand.
pub struct Unhashed(pub Vec<u8>);

#[async_trait::async_trait]
impl Body for Unhashed {
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
