//! A fake of Dropbox: OAuth, files and folders, upload sessions. All of its hosts are one server.

mod control;
mod files;
mod oauth;
mod reply;
mod sessions;
mod tree;

pub use sessions::AfterCommit;

use super::super::VirtualTime;
use super::super::fake::{FakeServer, Record, Reply, Request, Service};
use crate::storage::Secret;
use crate::storage::oauth::{App, Grant};
use crate::storage::time::Time;
use chrono::{DateTime, TimeDelta, Utc};
use files::Listings;
use oauth::Oauth;
use serde_json::{Value, json};
use sessions::{Place, Sessions};
use std::any::Any;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tree::Tree;

/// The one app that is registered.
pub const CLIENT_ID: &str = "dropboxappkey12";
pub const CLIENT_SECRET: &str = "dropbox-app-S3CR3T";
/// The one account.
pub const ACCOUNT_ID: &str = "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc";
pub const EMAIL: &str = "franz@example.org";

/// More requests of one kind in a row than any client needs.
const MAX_SAME: usize = 60;

/// A Dropbox with one account and one app. Ends when it is dropped.
pub struct FakeDropbox {
    server: FakeServer,
    inner: Arc<Inner>,
}

struct Inner {
    record: Record,
    state: Mutex<State>,
    writing: Arc<AtomicUsize>,
    refreshing: Arc<AtomicUsize>,
    under_way: Arc<AtomicUsize>,
    answered: AtomicUsize,
}

struct State {
    oauth: Oauth,
    tree: Tree,
    sessions: Sessions,
    listings: Listings,
    allocation: Value,
    /// Bytes that other things use.
    used_elsewhere: u64,
    /// What the next requests for a route are answered with, by a part of the route.
    answers: Vec<(String, Reply)>,
    suspended: bool,
    /// A pause that was asked for in a body.
    closed_until: Option<DateTime<Utc>>,
    last: (String, usize),
}

/// A request that is under way.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn enter(count: &Arc<AtomicUsize>) -> UnderWay {
        count.fetch_add(1, Ordering::SeqCst);
        UnderWay(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Routes that change the account, and the fields that each route knows.
const WRITES: [&str; 3] = ["files/upload_session/finish", "files/delete_v2", "files/create_folder_v2"];

fn known_fields(route: &str) -> Option<&'static [&'static str]> {
    Some(match route {
        "users/get_current_account" | "users/get_space_usage" | "auth/token/revoke" => &[],
        "files/get_metadata" => &["path", "include_deleted"],
        "files/list_folder" => &["path", "recursive", "limit", "include_deleted"],
        "files/list_folder/continue" => &["cursor"],
        "files/delete_v2" => &["path", "parent_rev"],
        "files/create_folder_v2" => &["path", "autorename"],
        "files/download" => &["path"],
        "files/upload_session/start" => &["close", "content_hash"],
        "files/upload_session/append_v2" => &["cursor", "close", "content_hash"],
        "files/upload_session/finish" => &["cursor", "commit", "content_hash"],
        _ => return None,
    })
}

fn scope(route: &str) -> &'static str {
    match route {
        "auth/token/revoke" => "",
        "files/get_metadata" | "files/list_folder" | "files/list_folder/continue" => "files.metadata.read",
        "files/download" => "files.content.read",
        _ if route.starts_with("users/") => "account_info.read",
        _ => "files.content.write",
    }
}

fn takes_bytes(route: &str) -> bool {
    route.starts_with("files/upload_session/")
}

impl Service for Inner {
    fn answer(&self, request: &Request) -> Reply {
        let reply = self.reply(request);
        self.answered.fetch_add(1, Ordering::SeqCst);
        reply
    }

    fn enter(&self, request: &Request) -> Option<Box<dyn Any + Send>> {
        let route = request.path.strip_prefix("/2/").unwrap_or(&request.path);
        let special = match route {
            "/oauth2/token" => Some(&self.refreshing),
            route if WRITES.contains(&route) => Some(&self.writing),
            _ => None,
        };
        Some(Box::new((UnderWay::enter(&self.under_way), special.map(UnderWay::enter))))
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, request: &Request) -> Reply {
        let now = self.record.time.now();
        let mut state = self.state();
        self.watch(&mut state, request, now);
        let State { sessions, tree, .. } = &mut *state;
        sessions.settle(tree, now);
        if request.is("GET", "/oauth2/authorize") {
            return state.oauth.authorize(request, now);
        }
        if request.method != "POST" {
            return Reply::text(404, "no such page");
        }
        if request.path == "/oauth2/token" {
            if self.refreshing.load(Ordering::SeqCst) > 1 {
                self.record.violation("two refreshes of one account at once");
            }
            return state.oauth.token(request, now);
        }
        match request.path.strip_prefix("/2/") {
            Some(route) => {
                let reply = self.call(&mut state, route, request, now);
                if reply.status == 400 {
                    let text = String::from_utf8_lossy(&reply.body).into_owned();
                    self.record.violation(format!("{route} was called wrongly: {text}"));
                }
                reply
            }
            None => Reply::text(404, "no such page"),
        }
    }

    /// What holds for every request.
    fn watch(&self, state: &mut State, request: &Request, now: DateTime<Utc>) {
        let url = format!("{}?{:?}", request.path, request.query);
        if request.method == "POST" && state.oauth.secrets().iter().any(|secret| url.contains(secret)) {
            self.record.violation(format!("a secret in the address of {}", request.path));
        }
        if state.closed_until.is_some_and(|until| now < until) {
            self.record
                .violation(format!("{} came before the end of the pause that was asked for", request.path));
        }
        let body =
            if request.body.len() > 4096 { "long".into() } else { String::from_utf8_lossy(&request.body) };
        let same = format!("{} {:?} {body}", request.path, request.header("dropbox-api-arg"));
        state.last.1 = if state.last.0 == same { state.last.1 + 1 } else { 1 };
        state.last.0 = same;
        if state.last.1 == MAX_SAME {
            self.record.violation(format!("{} came {MAX_SAME} times in a row", request.path));
        }
    }

    fn call(&self, state: &mut State, route: &str, request: &Request, now: DateTime<Utc>) -> Reply {
        let Some(fields) = known_fields(route) else { return reply::bad("Unknown API function") };
        if state.suspended {
            return reply::unauthorized("user_suspended");
        }
        if let Err(refusal) = state.oauth.check(request.bearer(), scope(route), now) {
            return refusal;
        }
        if let Some(at) = state.answers.iter().position(|(part, _)| route.contains(part.as_str())) {
            return self.planned(state, at, now);
        }
        let arg = match argument(route, request, fields) {
            Ok(arg) => arg,
            Err(text) => return reply::bad(&text),
        };
        if WRITES.contains(&route) && self.writing.load(Ordering::SeqCst) > 1 {
            self.record.violation(format!("{route} came while another change was under way"));
            return reply::limited("too_many_write_operations", None, None);
        }
        if takes_bytes(route) && !request.body.is_empty() && arg.get("content_hash").is_none() {
            self.record.violation(format!("{route} has no hash of its body"));
        }
        let free = state.free();
        let State { tree, sessions, listings, oauth, .. } = state;
        match route {
            "auth/token/revoke" => {
                oauth.revoke();
                Reply::json(200, &Value::Null)
            }
            "users/get_current_account" => Reply::json(200, &account()),
            "users/get_space_usage" => Reply::json(200, &state.usage()),
            "files/get_metadata" => files::get_metadata(tree, &arg),
            "files/list_folder" => listings.begin(tree, &arg),
            "files/list_folder/continue" => listings.go_on(&arg),
            "files/delete_v2" => listings.delete(tree, &arg, &self.record),
            "files/create_folder_v2" => files::create_folder(tree, &arg),
            "files/download" => files::download(tree, request, &arg),
            "files/upload_session/start" => sessions.start(request, &arg, now),
            "files/upload_session/append_v2" => sessions.append(request, &arg, now),
            _ => sessions.finish(request, &arg, Place { tree, free, now }),
        }
    }

    fn planned(&self, state: &mut State, at: usize, now: DateTime<Utc>) -> Reply {
        let (_, reply) = state.answers.remove(at);
        let asked = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
        if let Some(seconds) = asked["error"]["retry_after"].as_i64() {
            state.closed_until = Some(now + TimeDelta::seconds(seconds));
        }
        reply
    }
}

/// The argument of a route, from the header or the body, held to what Dropbox demands.
fn argument(route: &str, request: &Request, fields: &[&str]) -> Result<Value, String> {
    let kind = request.header("content-type").unwrap_or_default();
    let arg = if takes_bytes(route) || route == "files/download" {
        if takes_bytes(route) && kind != "application/octet-stream" {
            return Err(format!("Bad HTTP \"Content-Type\" header: \"{kind}\"."));
        }
        let text =
            request.header("dropbox-api-arg").ok_or("Must provide HTTP header \"Dropbox-API-Arg\".")?;
        if !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err("HTTP header \"Dropbox-API-Arg\": could not decode input as JSON (not ASCII)".into());
        }
        serde_json::from_str(text).map_err(|e| format!("HTTP header \"Dropbox-API-Arg\": {e}"))?
    } else {
        if kind != "application/json" {
            return Err(format!("Bad HTTP \"Content-Type\" header: \"{kind}\"."));
        }
        serde_json::from_slice::<Value>(&request.body).map_err(|e| format!("request body: {e}"))?
    };
    match (&arg, fields.is_empty()) {
        (Value::Null, true) => Ok(arg),
        (Value::Object(given), false) => match given.keys().find(|name| !fields.contains(&name.as_str())) {
            Some(unknown) => Err(format!("unknown field '{unknown}'")),
            None => Ok(arg),
        },
        _ => Err("unexpected kind of argument".into()),
    }
}

fn account() -> Value {
    json!({
        "account_id": ACCOUNT_ID,
        "name": { "given_name": "Franz", "surname": "Ferdinand", "display_name": "Franz Ferdinand" },
        "email": EMAIL,
        "email_verified": true,
        "disabled": false,
        "country": "AT",
        "locale": "de",
        "account_type": { ".tag": "basic" },
        "is_paired": false,
    })
}

impl State {
    fn used(&self) -> u64 {
        self.tree.used() + self.used_elsewhere
    }

    fn usage(&self) -> Value {
        let mut allocation = self.allocation.clone();
        if allocation[".tag"] == "team" {
            allocation["used"] = json!(self.used());
        }
        json!({ "used": self.used(), "allocation": allocation })
    }

    fn free(&self) -> u64 {
        self.allocation["allocated"].as_u64().unwrap_or(u64::MAX).saturating_sub(self.used())
    }
}

impl FakeDropbox {
    /// # Errors
    /// When no port is free.
    pub async fn start() -> io::Result<FakeDropbox> {
        let record = Record::default();
        let state = State {
            oauth: Oauth::default(),
            tree: Tree::default(),
            sessions: Sessions::default(),
            listings: Listings::default(),
            allocation: json!({ ".tag": "individual", "allocated": 1_u64 << 40 }),
            used_elsewhere: 0,
            answers: Vec::new(),
            suspended: false,
            closed_until: None,
            last: (String::new(), 0),
        };
        let inner = Arc::new(Inner {
            record: record.clone(),
            state: Mutex::new(state),
            writing: Arc::default(),
            refreshing: Arc::default(),
            under_way: Arc::default(),
            answered: AtomicUsize::new(0),
        });
        let server = FakeServer::start(Arc::clone(&inner) as Arc<dyn Service>, record).await?;
        Ok(FakeDropbox { server, inner })
    }

    /// The base of all of its addresses.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Where faults of the network are planned.
    pub fn server(&self) -> &FakeServer {
        &self.server
    }

    pub fn record(&self) -> &Record {
        &self.inner.record
    }

    pub fn time(&self) -> VirtualTime {
        self.inner.record.time.clone()
    }

    /// The app that is registered.
    pub fn app(&self) -> App {
        App { client_id: CLIENT_ID.into(), client_secret: Secret::new(CLIENT_SECRET) }
    }

    /// What a linking would have given.
    pub fn grant(&self, generation: i64) -> Grant {
        let mut state = self.inner.state();
        let (access, access_expires_at) = state.oauth.new_access(self.inner.record.time.now());
        let refresh = state.oauth.new_refresh();
        Grant {
            access_token: Secret::new(access),
            access_expires_at,
            refresh_token: Secret::new(refresh),
            generation,
        }
    }

    /// Everything so far that may show in no message and no log: tokens, codes, sessions.
    pub fn secrets(&self) -> Vec<String> {
        let state = self.inner.state();
        let mut all = state.oauth.secrets();
        all.extend(state.sessions.ids().cloned());
        all
    }
}
