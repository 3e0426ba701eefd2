//! Copies at cloud destinations: the real binary, the fakes of the three OAuth providers and a real S3 server, linked as a person links
//! them.

mod cancel;
mod dead;
mod five;
mod kill;
mod rekey;
mod resume;
mod retention;

use super::Api;
use super::server::{Server, Setup};
use engine::storage::{SharedStorage, StorageKind};
use engine::testing::clouds::Clouds;
use futures_util::StreamExt;
use kill::throttle;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use tokio::runtime::Runtime;

/// Below the account; for Amazon S3 below the bucket.
const FOLDER: &str = "Backups/Shop";

/// The accounts, and a runtime to look at them from a test that has none.
pub struct World {
    pub clouds: Clouds,
    runtime: Runtime,
}

impl World {
    pub fn start() -> World {
        storekeep::crypto::install_providers();
        let runtime = Runtime::new().unwrap();
        let clouds = runtime.block_on(Clouds::start()).unwrap();
        World { clouds, runtime }
    }

    /// A server that reaches the fakes instead of the providers.
    pub fn setup(&self, dir: &Path) -> Setup {
        self.clouds.places().iter().fold(Setup::new(dir), |setup, place| match place.kind {
            StorageKind::GoogleDrive => setup.set("STOREKEEP_GOOGLE_DRIVE_BASE_URL", &place.url),
            StorageKind::OneDrive => setup.set("STOREKEEP_ONE_DRIVE_BASE_URL", &place.url),
            StorageKind::Dropbox => setup.set("STOREKEEP_DROPBOX_BASE_URL", &place.url),
            StorageKind::AmazonS3 | StorageKind::Local => setup,
        })
    }

    /// One Storage Set for each account, linked; with its kind.
    pub fn storages(&self, api: &Api) -> Vec<(StorageKind, i64)> {
        let storage = |place: engine::testing::clouds::Place| {
            let kind = place.kind;
            let mut input = json!({
                "title": format!("At {}", wire(kind)),
                "type": wire(kind),
                "client_id": place.app.client_id,
                "client_secret": place.app.client_secret.expose(),
            });
            if kind == StorageKind::AmazonS3 {
                input["endpoint"] = place.url.into();
                input["region"] = self.clouds.amazon_s3.settings().region.into();
                input["path_style"] = true.into();
            }
            let id = api.post("/storages", input).expect(201)["id"].as_i64().unwrap();
            if kind != StorageKind::AmazonS3 {
                link(api, id);
            }
            (kind, id)
        };
        self.clouds.places().into_iter().map(storage).collect()
    }

    /// A server in `dir` whose archives come in small parts, and whose Storage Sets send slowly enough to be interrupted.
    pub fn slow(&self, dir: &Path, bytes_per_sec: u64) -> Slow {
        let setup = self.setup(dir).set("STOREKEEP_PART_SIZE", &(100 * 1024).to_string());
        let server = setup.start();
        let api = Api::set_up(&server);
        let storages = self.storages(&api);
        for (_, id) in &storages {
            throttle(&api, *id, bytes_per_sec);
        }
        Slow { setup, server, api, storages }
    }

    /// The path of a row.
    pub fn path(&self, kind: StorageKind) -> String {
        match kind {
            StorageKind::AmazonS3 => format!("{}/{FOLDER}", self.clouds.amazon_s3.bucket()),
            _ => FOLDER.to_owned(),
        }
    }

    /// Rows for `create_set`: local first, then one for each Storage Set.
    pub fn rows(&self, storages: &[(StorageKind, i64)], keep_copies: u32) -> Value {
        let local = json!({ "storage_id": null, "enabled": true, "keep_copies": keep_copies, "path": "" });
        let rows = storages.iter().map(|(kind, id)| {
            json!({ "storage_id": id, "enabled": true, "keep_copies": keep_copies, "path": self.path(*kind) })
        });
        std::iter::once(local).chain(rows).collect()
    }

    /// The destination of a row, seen by another program of the same person.
    pub fn storage(&self, kind: StorageKind) -> SharedStorage {
        self.wait(async { self.clouds.storage(kind, &self.path(kind)).unwrap() })
    }

    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Every object of a row's folder with its size.
    pub fn listed(&self, kind: StorageKind) -> BTreeMap<String, u64> {
        let listing = self.wait(self.storage(kind).list("")).unwrap();
        assert!(listing.complete, "{kind:?}");
        listing.entries.into_iter().map(|entry| (entry.key, entry.size_bytes)).collect()
    }

    /// Downloads an object: its size and SHA-256.
    pub fn download(&self, storage: &SharedStorage, key: &str) -> (u64, String) {
        self.wait(async {
            let mut stream = storage.open(key, 0).await.unwrap();
            let (mut size, mut hash) = (0, Sha256::new());
            while let Some(chunk) = stream.next().await {
                let chunk = chunk.unwrap();
                size += chunk.len() as u64;
                hash.update(&chunk);
            }
            (size, hex::encode(hash.finalize()))
        })
    }

    /// No upload is half-made anywhere. (Dropbox knows no way to end a session; what was appended there goes by itself.)
    pub fn assert_no_sessions(&self) {
        self.assert_few_sessions(0);
    }

    /// The same, but for so many at Google Drive and at OneDrive that nobody can end: the process was killed when the provider had opened
    /// them and before their addresses had arrived. There is no list of them; they run out by themselves, and hold nothing.
    pub fn assert_few_sessions(&self, orphans: usize) {
        let (drive, one_drive) =
            (self.clouds.google_drive.open_sessions(), self.clouds.one_drive.open_sessions());
        assert!(drive <= orphans, "{drive} sessions at Google Drive");
        assert!(one_drive <= orphans, "{one_drive} sessions at OneDrive");
        let unfinished = self.wait(self.clouds.amazon_s3.unfinished()).unwrap();
        assert_eq!(unfinished, Vec::<String>::new(), "uploads to Amazon S3");
    }

    pub fn assert_clean(&self) {
        assert_eq!(self.clouds.violations(), Vec::<String>::new());
    }
}

pub struct Slow {
    pub setup: Setup,
    pub server: Server,
    pub api: Api,
    pub storages: Vec<(StorageKind, i64)>,
}

/// A Set of a few files that goes to all of them, with `change`.
pub fn small_set(world: &World, storages: &[(StorageKind, i64)], keep_copies: u32, change: &Value) -> Value {
    let mut set = json!({
        "backup_types": ["files"], "exclude_directories": ["vendor", "generated", "var", "pub"],
        "storages": world.rows(storages, keep_copies),
    });
    for (name, value) in change.as_object().into_iter().flatten() {
        set[name] = value.clone();
    }
    set
}

/// As the API calls it.
pub fn wire(kind: StorageKind) -> String {
    serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned()
}

/// What a person does: opens the consent page, says yes, and is sent back to the server.
pub fn link(api: &Api, id: i64) {
    let link = api.post(&format!("/storages/{id}/link"), json!({})).expect(200);
    let agent: ureq::Agent =
        ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).build().into();
    let consent = agent.get(link["authorize_url"].as_str().unwrap()).call().unwrap();
    assert_eq!(consent.status(), 302, "{:?}", consent.into_body().read_to_string());
    let back = consent.headers()["location"].to_str().unwrap();
    assert!(back.starts_with(link["redirect_uri"].as_str().unwrap()), "{back}");
    let page = agent.get(back).call().unwrap();
    assert_eq!(page.status(), 200);
    let storage = api.get(&format!("/storages/{id}")).expect(200);
    assert_eq!(storage["linked"], true, "{storage:#}");
}

/// The results of a log's rows by type.
pub fn results(log: &Value) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = log["storages"].as_array().unwrap_or_else(|| panic!("{log:#}"));
    rows.iter().map(|row| (text(&row["type"]), (text(&row["status"]), text(&row["message"])))).collect()
}
