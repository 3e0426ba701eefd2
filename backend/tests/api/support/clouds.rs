//! Cloud accounts without a cloud: one small provider on the loopback address, with tokens as providers give them, and destinations in
//! memory that misbehave on demand.

use super::{TestApp, config_in, config_with_store, monday};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use engine::storage::account::{Account, GrantStore};
use engine::storage::http::{Answer, Http, QUICK};
use engine::storage::oauth::{App as OAuthApp, Provider};
use engine::storage::time::Time;
use engine::storage::{
    AccountInfo, Body, ByteStream, Cloud, Entry, Error, ErrorKind, Listing, MemoryStorage, Result, Sessions,
    SharedStorage, Storage, StorageKind, Stored,
};
use engine::testing::fake::{FakeServer, Record, Reply, Request, Service};
use engine::testing::fault::FaultStorage;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use storekeep::app::App;
use storekeep::clock::{Clock, TestClock};
use storekeep::config::Config;
use storekeep::runs::Instance;
use storekeep::storages::Clouds;
use storekeep::storages::clouds::CloudSettings;
use tempfile::TempDir;

/// A server whose Storage Sets lead to [`FakeClouds`].
pub struct CloudApp {
    pub server: TestApp,
    pub clouds: Arc<FakeClouds>,
}

impl Deref for CloudApp {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.server
    }
}

impl CloudApp {
    pub async fn start() -> Self {
        CloudApp::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config_in(&dir);
        change(&mut config);
        CloudApp::on(dir, config, None).await
    }

    pub async fn with_store() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = config_with_store(&dir, |_| {});
        CloudApp::on(dir, config, None).await
    }

    /// On a folder that may hold the data of an earlier server, whose clouds may still be there.
    pub async fn on(dir: TempDir, config: Config, clouds: Option<Arc<FakeClouds>>) -> Self {
        storekeep::crypto::install_providers();
        let clock = clouds.as_ref().map_or_else(|| TestClock::at(monday()), |c| c.clock.clone());
        let clouds = match clouds {
            Some(clouds) => clouds,
            None => FakeClouds::start(clock.clone()).await,
        };
        std::fs::create_dir_all(&config.data.data_dir).unwrap();
        let instance = Instance::of_server(&config.data.data_dir).unwrap();
        let app =
            App::assemble_with(instance, config, Arc::new(clock.clone()), clouds.clone()).await.unwrap();
        let server = TestApp::around(dir, app, clock, |_| {}, |_| {}).await;
        CloudApp { server, clouds }
    }
}

/// What the provider knows.
#[derive(Default)]
struct World {
    /// By code: the challenge and the redirect URI it was given for, and whose it is.
    codes: BTreeMap<String, Code>,
    /// Refresh tokens that are good, with whose they are, and the client id they were given to.
    refresh: BTreeMap<String, (String, String)>,
    access: BTreeMap<String, String>,
    issued: u32,
    revoked: BTreeSet<String>,
    /// Everything secret that was ever given out.
    secrets: Vec<String>,
}

#[derive(Clone)]
struct Code {
    challenge: String,
    redirect_uri: String,
    client_id: String,
    account: String,
}

pub struct FakeClouds {
    http: Http,
    pub clock: TestClock,
    world: Arc<Mutex<World>>,
    pub server: FakeServer,
    pub record: Record,
    /// Destinations outlive servers.
    places: Places,
    /// Keys whose half-made uploads were given up.
    pub abandoned: Arc<Mutex<Vec<String>>>,
    /// How many account objects were made.
    pub made: Mutex<usize>,
    pub throttled: Mutex<Vec<(i64, u64)>>,
    /// The buckets that there are.
    pub buckets: Arc<Mutex<BTreeSet<String>>>,
}

/// By client id and root.
type Places = Arc<Mutex<BTreeMap<(String, String), Arc<FaultStorage>>>>;

/// The only secret that the provider takes.
pub const CLIENT_SECRET: &str = "client-secret-of-the-tests";
const SCOPES: &[&str] = &["files.write"];

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl FakeClouds {
    pub async fn start(clock: TestClock) -> Arc<Self> {
        let world = Arc::new(Mutex::new(World::default()));
        let record = Record::default();
        let server = FakeServer::start(Arc::new(OneProvider(world.clone())), record.clone()).await.unwrap();
        Arc::new(FakeClouds {
            http: Http::new().unwrap(),
            clock,
            world,
            server,
            record,
            places: Places::default(),
            abandoned: Arc::default(),
            made: Mutex::default(),
            throttled: Mutex::default(),
            buckets: Arc::new(Mutex::new(["shop-backups".to_owned()].into())),
        })
    }

    /// What the consent page does for a person who says yes: the query of the address that the browser is sent to.
    pub fn consent(&self, authorize_url: &str, account: &str) -> String {
        let (code, state) = self.consented(authorize_url, account);
        form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &state)
            .append_pair("scope", "files.write")
            .finish()
    }

    /// The code and the state of it.
    pub fn consented(&self, authorize_url: &str, account: &str) -> (String, String) {
        let query = authorize_url.split_once('?').unwrap().1;
        let query: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert_eq!((&*query["code_challenge_method"], &*query["response_type"]), ("S256", "code"));
        let mut world = lock(&self.world);
        world.issued += 1;
        let code = format!("code/{}-of-the-consent-page", world.issued);
        world.secrets.push(code.clone());
        world.secrets.push(query["state"].clone());
        let known = Code {
            challenge: query["code_challenge"].clone(),
            redirect_uri: query["redirect_uri"].clone(),
            client_id: query["client_id"].clone(),
            account: account.into(),
        };
        world.codes.insert(code.clone(), known);
        (code, query["state"].clone())
    }

    /// The person takes the permission back.
    pub fn revoke(&self, account: &str) {
        let mut world = lock(&self.world);
        world.revoked.insert(account.into());
        world.refresh.retain(|_, (a, _)| a != account);
        world.access.retain(|_, a| a != account);
    }

    /// Every access token runs out before its time.
    pub fn expire(&self) {
        lock(&self.world).access.clear();
    }

    /// Everything secret that was given out so far.
    pub fn secrets(&self) -> Vec<String> {
        lock(&self.world).secrets.clone()
    }

    /// The destination at `root` of whoever uses this client id.
    pub fn place(&self, client_id: &str, root: &str) -> Arc<FaultStorage> {
        place(&self.places, client_id, root)
    }

    /// What is there.
    pub async fn keys(&self, client_id: &str, root: &str) -> Vec<String> {
        let listing = self.place(client_id, root).list("").await.unwrap();
        let mut keys: Vec<String> = listing.entries.into_iter().map(|e| e.key).collect();
        keys.sort();
        keys
    }
}

fn place(places: &Places, client_id: &str, root: &str) -> Arc<FaultStorage> {
    let new = || Arc::new(FaultStorage::new(Arc::new(MemoryStorage::new(StorageKind::Dropbox)), Vec::new()));
    lock(places).entry((client_id.into(), root.into())).or_insert_with(new).clone()
}

impl Clouds for FakeClouds {
    fn http(&self) -> &Http {
        &self.http
    }

    fn provider(&self, kind: StorageKind, _: Option<&str>) -> Result<Provider> {
        let url =
            |path: &str| engine::storage::http::base_url(&format!("{}{path}", self.server.url())).unwrap();
        Ok(Provider {
            kind,
            name: "The provider",
            authorize_url: url("/authorize"),
            token_url: url("/token"),
            scopes: SCOPES,
            authorize_extra: &[("access_type", "offline")],
            scope_at_refresh: false,
            unauthorized: |_: &Answer| None,
        })
    }

    fn cloud(&self, settings: &CloudSettings, grants: Option<Arc<dyn GrantStore>>) -> Result<Arc<dyn Cloud>> {
        *lock(&self.made) += 1;
        let account = match grants {
            Some(grants) => {
                let app = OAuthApp {
                    client_id: settings.client_id.clone(),
                    client_secret: settings.client_secret.clone(),
                };
                let time = Arc::new(ClockTime(self.clock.clone()));
                Some(Account::new(self.http.clone(), time, self.provider(settings.kind, None)?, app, grants))
            }
            None => None,
        };
        Ok(Arc::new(FakeCloud {
            kind: settings.kind,
            client_id: settings.client_id.clone(),
            about_url: format!("{}/about", self.server.url()),
            account,
            buckets: self.buckets.clone(),
            places: self.places.clone(),
            abandoned: self.abandoned.clone(),
        }))
    }

    fn throttled(&self, storage_id: i64, storage: SharedStorage, bytes_per_sec: NonZeroU64) -> SharedStorage {
        lock(&self.throttled).push((storage_id, bytes_per_sec.get()));
        storage
    }
}

struct ClockTime(TestClock);

#[async_trait::async_trait]
impl Time for ClockTime {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.advance(TimeDelta::from_std(duration).unwrap());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

struct FakeCloud {
    kind: StorageKind,
    client_id: String,
    about_url: String,
    account: Option<Arc<Account>>,
    buckets: Arc<Mutex<BTreeSet<String>>>,
    places: Places,
    abandoned: Arc<Mutex<Vec<String>>>,
}

#[async_trait::async_trait]
impl Cloud for FakeCloud {
    fn kind(&self) -> StorageKind {
        self.kind
    }

    async fn about(&self) -> Result<AccountInfo> {
        let (total_bytes, used_bytes) = (Some(1000), Some(400));
        let Some(account) = &self.account else {
            let name = self.client_id.clone();
            return Ok(AccountInfo { id: name.clone(), name, total_bytes: None, used_bytes: None });
        };
        let answer = ask(account, &self.about_url).await?;
        let about: serde_json::Value = answer.json()?;
        let text = |name: &str| about[name].as_str().unwrap_or_default().to_owned();
        Ok(AccountInfo { name: text("name"), id: text("id"), total_bytes, used_bytes })
    }

    fn storage(self: Arc<Self>, root: &str, sessions: Arc<dyn Sessions>) -> Result<SharedStorage> {
        let inner = place(&self.places, &self.client_id, root);
        Ok(Arc::new(FakeFolder { cloud: self, root: root.into(), inner, sessions }))
    }
}

async fn ask(account: &Arc<Account>, url: &str) -> Result<Answer> {
    let url = engine::storage::http::base_url(url).unwrap();
    let get = |token: &engine::storage::Secret| account.http.get(url.clone()).bearer_auth(token.expose());
    account.call(QUICK, get).await
}

/// The URL of an upload session is a secret of its own kind.
pub const SESSION_URL: &str = "https://upload.example.org/session?upload_id=a-capability";

/// A folder that keeps a session for each upload, as the drivers do.
struct FakeFolder {
    cloud: Arc<FakeCloud>,
    root: String,
    inner: Arc<FaultStorage>,
    sessions: Arc<dyn Sessions>,
}

#[async_trait::async_trait]
impl Storage for FakeFolder {
    fn kind(&self) -> StorageKind {
        self.cloud.kind
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        match &self.cloud.account {
            Some(account) => drop(ask(account, &self.cloud.about_url).await?),
            None => {
                let bucket = self.root.split('/').next().unwrap_or_default().to_owned();
                if !lock(&self.cloud.buckets).contains(&bucket) {
                    let text = format!("The bucket {bucket} does not exist. Make it, or correct the path.");
                    return Err(Error::new(ErrorKind::InvalidConfig, text));
                }
            }
        }
        self.sessions.save(key, &format!("{SESSION_URL}&key={key}")).await?;
        let stored = self.inner.put(key, body).await?;
        self.sessions.remove(key).await?;
        Ok(stored)
    }

    async fn abandon(&self, key: &str) -> Result<()> {
        if let Some(state) = self.sessions.load(key).await? {
            assert_eq!(state, format!("{SESSION_URL}&key={key}"));
            lock(&self.cloud.abandoned).push(key.into());
        }
        self.sessions.remove(key).await
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

    async fn delete_all(&self, keys: &[String]) -> Result<()> {
        self.inner.delete_all(keys).await
    }

    async fn remove_empty_dir(&self, prefix: &str) -> Result<()> {
        self.inner.remove_empty_dir(prefix).await
    }
}

/// Tokens as all three providers give them; refresh tokens rotate, and an old one is refused.
struct OneProvider(Arc<Mutex<World>>);

impl Service for OneProvider {
    fn answer(&self, request: &Request) -> Reply {
        let mut world = lock(&self.0);
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/token") => world.token(&request.form()),
            ("GET", "/about") => match request.bearer().and_then(|token| world.access.get(token)) {
                Some(account) => {
                    let id = format!("id-of-{account}");
                    Reply::json(200, &json!({"name": account, "id": id}))
                }
                None => Reply::json(401, &json!({"error": "invalid_token"})),
            },
            _ => Reply::status(404),
        }
    }
}

impl World {
    fn token(&mut self, form: &BTreeMap<String, String>) -> Reply {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let refused =
            |error: &str| Reply::json(400, &json!({"error": error, "error_description": field("code")}));
        if field("client_secret") != CLIENT_SECRET {
            return refused("invalid_client");
        }
        let account = match field("grant_type") {
            "authorization_code" => {
                let Some(code) = self.codes.remove(field("code")) else { return refused("invalid_grant") };
                let verifier = field("code_verifier");
                self.secrets.push(verifier.into());
                let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
                if code.redirect_uri != field("redirect_uri") {
                    return refused("redirect_uri_mismatch");
                }
                if code.challenge != challenge || code.client_id != field("client_id") {
                    return refused("invalid_grant");
                }
                self.revoked.remove(&code.account);
                code.account
            }
            "refresh_token" => match self.refresh.get(field("refresh_token")) {
                Some((_, client_id)) if client_id != field("client_id") => return refused("invalid_grant"),
                Some((account, _)) => {
                    let account = account.clone();
                    self.refresh.remove(field("refresh_token"));
                    account
                }
                None => return refused("invalid_grant"),
            },
            _ => return refused("unsupported_grant_type"),
        };
        self.issued += 1;
        let (access, refresh) = (
            format!("access-token-{}-of-{account}", self.issued),
            format!("refresh-token-{}-of-{account}", self.issued),
        );
        self.secrets.extend([access.clone(), refresh.clone()]);
        self.access.insert(access.clone(), account.clone());
        self.refresh.insert(refresh.clone(), (account, field("client_id").to_owned()));
        Reply::json(
            200,
            &json!({
                "access_token": access, "refresh_token": refresh, "expires_in": 3600, "token_type": "bearer",
                "scope": "files.write",
            }),
        )
    }
}
