//! A fake of Microsoft OneDrive: the sign-in and Graph on one port, upload sessions and downloads on another, as their hosts differ.
//!
//! As strict as the real one where its documentation says so, and as odd where others have seen it odd; [`Knobs`] are for the latter.

mod content;
mod graph;
mod knobs;
mod login;
mod tree;

pub use knobs::{Deed, Ending, Knobs, Ranges};

use super::super::VirtualTime;
use super::super::fake::{Action, FakeServer, Fault, Record, Reply, Request, Service};
use crate::storage::Secret;
use crate::storage::oauth::{App, Grant, Provider};
use chrono::{DateTime, Utc};
use content::{Download, Session};
use login::Login;
use reqwest::Url;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tree::Tree;

/// What both servers share.
struct World {
    state: Mutex<State>,
    record: Record,
    graph_url: String,
    content_url: String,
}

struct State {
    knobs: Knobs,
    login: Login,
    tree: Tree,
    sessions: BTreeMap<String, Session>,
    downloads: BTreeMap<String, Download>,
    /// Names for what is made, in order.
    made: u64,
    /// How often the very same was asked of a session.
    asked: BTreeMap<String, u32>,
    meanwhile: Vec<Meanwhile>,
}

/// Something that happens when a request has come and is not answered yet.
struct Meanwhile {
    method: &'static str,
    path: &'static str,
    skip: usize,
    deed: Deed,
}

impl State {
    fn next(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}{:05}", self.made)
    }

    fn happen(&mut self, request: &Request) {
        let fits = |m: &Meanwhile| m.method == request.method && request.path.contains(m.path);
        let Some(i) = self.meanwhile.iter().position(fits) else { return };
        if self.meanwhile[i].skip > 0 {
            self.meanwhile[i].skip -= 1;
            return;
        }
        match self.meanwhile.remove(i).deed {
            Deed::Remove(path) => self.tree.remove_path(&path),
            Deed::Rename(path, name) => self.tree.rename_path(&path, &name),
        }
    }
}

impl World {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> DateTime<Utc> {
        use crate::storage::time::Time;
        self.record.time.now()
    }

    /// An error as Graph writes it.
    fn fault(&self, state: &State, status: u16, code: &str, inner: Option<&str>) -> Reply {
        let mut deeper = json!({
            "date": self.now().to_rfc3339(),
            "request-id": "7f3c0de0-0000-4000-8000-000000000001",
            "client-request-id": "7f3c0de0-0000-4000-8000-000000000002",
        });
        if let Some(inner) = inner {
            deeper["code"] = inner.into();
        }
        let key = if state.knobs.lower_case_inner_error { "innererror" } else { "innerError" };
        let mut error = json!({ "code": code, "message": format!("It is {code}.") });
        error[key] = deeper;
        Reply::json(status, &json!({ "error": error }))
    }
}

struct Graph(Arc<World>);
struct Content(Arc<World>);

impl Service for Graph {
    fn answer(&self, request: &Request) -> Reply {
        let world = &self.0;
        if !request.complete {
            return Reply::status(400);
        }
        world.lock().happen(request);
        match request.path.rsplit_once("/oauth2/v2.0/") {
            Some((_, "authorize")) => world.authorize(request),
            Some((_, "token")) => world.token(request),
            _ => world.graph(request),
        }
    }
}

impl Service for Content {
    fn answer(&self, request: &Request) -> Reply {
        let world = &self.0;
        if request.header("authorization").is_some() {
            world.record.violation(format!("{} {} carries a token", request.method, request.path));
            return world.fault(&world.lock(), 401, "unauthenticated", None);
        }
        world.lock().happen(request);
        world.content(request)
    }
}

/// The fake. Ends when it is dropped.
pub struct FakeOneDrive {
    world: Arc<World>,
    graph: FakeServer,
    content: FakeServer,
}

impl FakeOneDrive {
    pub const CLIENT_ID: &str = "5a1e0000-0000-4000-8000-00000000c11e";
    pub const CLIENT_SECRET: &str = "fake~client~secret";

    /// # Errors
    /// When no port is free.
    pub async fn start() -> io::Result<FakeOneDrive> {
        let record = Record::default();
        let listeners = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
        let world = Arc::new(World {
            state: Mutex::new(State {
                knobs: Knobs::default(),
                login: Login::default(),
                tree: Tree::default(),
                sessions: BTreeMap::new(),
                downloads: BTreeMap::new(),
                made: 0,
                asked: BTreeMap::new(),
                meanwhile: Vec::new(),
            }),
            record: record.clone(),
            graph_url: format!("http://{}", listeners.0.local_addr()?),
            content_url: format!("http://{}", listeners.1.local_addr()?),
        });
        let graph = FakeServer::serve(listeners.0, Arc::new(Graph(Arc::clone(&world))), record.clone())?;
        let content = FakeServer::serve(listeners.1, Arc::new(Content(Arc::clone(&world))), record)?;
        Ok(FakeOneDrive { world, graph, content })
    }

    /// The sign-in and Graph.
    pub fn graph(&self) -> &FakeServer {
        &self.graph
    }

    /// The host of upload sessions and downloads.
    pub fn content(&self) -> &FakeServer {
        &self.content
    }

    pub fn record(&self) -> &Record {
        &self.world.record
    }

    pub fn time(&self) -> &VirtualTime {
        &self.world.record.time
    }

    /// Everything so far that may show in no message and no log: tokens, codes, the capabilities of upload sessions and downloads.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = self.world.lock().login.secrets();
        secrets.extend([Self::CLIENT_SECRET.to_owned(), "capability-".to_owned()]);
        secrets
    }

    /// What a driver takes as its base URL.
    ///
    /// # Errors
    /// Never: it is a URL.
    pub fn base(&self) -> Result<Url, String> {
        crate::storage::http::base_url(&self.world.graph_url)
    }

    /// # Errors
    /// Never: see [`FakeOneDrive::base`].
    pub fn provider(&self) -> Result<Provider, String> {
        Ok(crate::storage::one_drive::provider(Some(&self.base()?), None))
    }

    /// The registered app.
    pub fn app(&self) -> App {
        App { client_id: Self::CLIENT_ID.into(), client_secret: Secret::new(Self::CLIENT_SECRET) }
    }

    /// What somebody who linked the account holds.
    pub fn link(&self) -> Grant {
        let now = self.world.now();
        let mut state = self.world.lock();
        let (access_token, access_expires_at, refresh_token) = state.issue(now, None);
        Grant {
            access_token: Secret::new(access_token),
            access_expires_at,
            refresh_token: Secret::new(refresh_token),
            generation: 1,
        }
    }

    /// Turns knobs.
    pub fn set(&self, turn: impl FnOnce(&mut Knobs)) {
        turn(&mut self.world.lock().knobs);
    }

    /// Every access token is refused from now on.
    pub fn expire_access(&self) {
        self.world.lock().login.expire_access();
    }

    /// The answer to the next token request is lost; what it gave out is valid.
    pub fn drop_token_reply(&self) {
        self.graph.plan(Fault::once("POST", "/oauth2/v2.0/token", Action::LoseReply));
    }

    /// The account's owner takes the permission back.
    pub fn revoke_refresh(&self) {
        self.world.lock().login.revoke();
    }

    /// The content of every file, by its path.
    pub fn files(&self) -> BTreeMap<String, super::super::fake::Blob> {
        self.world.lock().tree.files()
    }

    /// The bytes of a file; `None` also when it was too large to be kept.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.files().get(path)?.bytes().map(<[u8]>::to_vec)
    }

    /// The paths of all folders, without the root.
    pub fn folders(&self) -> Vec<String> {
        self.world.lock().tree.folders()
    }

    /// Names in the recycle bin, in the order in which they were deleted.
    pub fn bin(&self) -> Vec<String> {
        self.world.lock().tree.bin()
    }

    /// Upload sessions that are open.
    pub fn open_sessions(&self) -> usize {
        let now = self.world.now();
        self.world.lock().sessions.values().filter(|session| session.is_open(now)).count()
    }

    /// The open sessions are gone, as after a failure of OneDrive.
    pub fn lose_sessions(&self) {
        self.world.lock().sessions.clear();
    }

    /// Somebody stores a file, whose deletion by a client is a violation.
    pub fn put_foreign(&self, path: &str, content: &[u8]) {
        self.world.lock().put_foreign(path, Some(content));
    }

    /// Somebody makes a folder.
    pub fn make_foreign_folder(&self, path: &str) {
        self.world.lock().put_foreign(path, None);
    }

    /// Somebody deletes a file or folder.
    pub fn remove(&self, path: &str) {
        self.world.lock().tree.remove_path(path);
    }

    /// Somebody renames a file or folder.
    pub fn rename(&self, path: &str, name: &str) {
        self.world.lock().tree.rename_path(path, name);
    }

    /// Somebody does something at the very moment of a request of `method` whose path contains `path`, after the first `skip` of them.
    pub fn meanwhile(&self, method: &'static str, path: &'static str, skip: usize, deed: Deed) {
        self.world.lock().meanwhile.push(Meanwhile { method, path, skip, deed });
    }

    /// Somebody empties the recycle bin.
    pub fn empty_bin(&self) {
        self.world.lock().tree.empty_bin();
    }
}

/// A part of a URL's path as it was meant.
fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Only the members that `$select` asks for.
fn select(value: &Value, select: Option<&String>) -> Value {
    match (value, select) {
        (Value::Object(all), Some(names)) => {
            let wanted = |name: &str| names.split(',').any(|n| n == name);
            let chosen = all.iter().filter(|(name, _)| wanted(name) || name.starts_with('@'));
            Value::Object(chosen.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        _ => value.clone(),
    }
}
