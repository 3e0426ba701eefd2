//! A fake of Dropbox: OAuth, files and folders, upload sessions. All of its hosts are one server.

mod files;
mod oauth;
mod reply;
mod sessions;
mod tree;

pub use sessions::AfterCommit;

use super::super::VirtualTime;
use super::super::fake::{Blob, FakeServer, Record, Reply, Request, Service};
use crate::storage::Secret;
use crate::storage::oauth::{App, Grant};
use crate::storage::time::Time;
use chrono::{DateTime, TimeDelta, Utc};
use files::Listings;
use oauth::Oauth;
use serde_json::{Value, json};
use sessions::{Place, Sessions};
use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tree::{Content, Tree};

/// The one app that is registered.
pub const CLIENT_ID: &str = "dropboxappkey12";
pub const CLIENT_SECRET: &str = "dropbox-app-S3CR3T";
/// The one account.
pub const ACCOUNT_ID: &str = "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc";
pub const EMAIL: &str = "franz@example.org";

/// More requests of one kind in a row than any client needs.
const MAX_SAME: usize = 25;

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

    /// Every access token has run out, whatever was said about its life.
    pub fn expire_access(&self) {
        self.inner.state().oauth.expire_access();
    }

    /// The person removes the app from the account.
    pub fn revoke(&self) {
        self.inner.state().oauth.revoke();
    }

    /// The person presses *Cancel* on the consent page.
    pub fn deny_consent(&self, deny: bool) {
        self.inner.state().oauth.deny_consent = deny;
    }

    /// What tokens are good for from now on; `None` for everything.
    pub fn grant_scopes(&self, scopes: Option<&str>) {
        self.inner.state().oauth.granted = scopes.map(Into::into);
    }

    pub fn withhold_refresh_token(&self, withhold: bool) {
        self.inner.state().oauth.withhold_refresh_token = withhold;
    }

    /// The token endpoint answers its next request with this error.
    pub fn fail_next_token(&self, status: u16, error: &str) {
        let reply = Reply::json(status, &json!({ "error": error, "error_description": error }));
        self.inner.state().oauth.refusals.push(reply);
    }

    pub fn suspend(&self, suspended: bool) {
        self.inner.state().suspended = suspended;
    }

    /// The next request for a route with `part` in it is answered with a 429; seconds to wait are told in the body, in the header.
    pub fn limit_next(&self, part: &str, reason: &str, in_body: Option<u64>, in_header: Option<u64>) {
        self.answer_next(part, reply::limited(reason, in_body, in_header));
    }

    /// The next request for a route with `part` in it is refused with a 409 of these tags, from the outside in.
    pub fn refuse_next(&self, part: &str, tags: &[&str]) {
        self.answer_next(part, reply::fault(tags));
    }

    pub fn answer_next(&self, part: &str, reply: Reply) {
        self.inner.state().answers.push((part.into(), reply));
    }

    /// An account with so many bytes, of which so many are used by other things.
    pub fn quota(&self, allocated: u64, used_elsewhere: u64) {
        let mut state = self.inner.state();
        state.allocation = json!({ ".tag": "individual", "allocated": allocated });
        state.used_elsewhere = used_elsewhere;
    }

    /// A member of a team that has so many bytes together.
    pub fn team_quota(&self, allocated: u64, used_by_others: u64) {
        let mut state = self.inner.state();
        state.allocation = json!({ ".tag": "team", "allocated": allocated, "user_within_team_space_allocated": 0,
            "user_within_team_space_limit_type": { ".tag": "off" }, "user_within_team_space_used_cached": 0 });
        state.used_elsewhere = used_by_others;
    }

    /// Every file, by its path.
    pub fn files(&self) -> BTreeMap<String, Blob> {
        self.inner.state().tree.files()
    }

    pub fn folders(&self) -> Vec<String> {
        self.inner.state().tree.folders()
    }

    /// A person puts a file there.
    pub fn put_foreign(&self, path: &str, bytes: &[u8]) {
        let now = self.inner.record.time.now();
        // A path that is taken by a folder is a mistake of the test, and shows as a file that is missing.
        let _ = self.inner.state().tree.write(path, Content::of(bytes), false, now);
    }

    /// A person makes a folder.
    pub fn put_foreign_folder(&self, path: &str) {
        let _ = self.inner.state().tree.make_folders(path, false);
    }

    /// A person deletes a file or a folder.
    pub fn remove_foreign(&self, path: &str) {
        self.inner.state().tree.remove(&path.to_lowercase());
    }

    /// `path_display` is right about the last name alone.
    pub fn sloppy_display(&self) {
        self.inner.state().tree.sloppy_display = true;
    }

    /// So many more files are shown without their hash.
    pub fn hide_hashes(&self, files: u32) {
        self.inner.state().tree.hidden_hashes.set(files);
    }

    /// Requests that have come and are not over.
    pub fn requests_under_way(&self) -> usize {
        self.inner.under_way.load(Ordering::SeqCst)
    }

    /// Sessions that are not committed, and what they hold.
    pub fn open_sessions(&self) -> BTreeMap<String, u64> {
        self.inner.state().sessions.open()
    }

    /// Dropbox has given all sessions up.
    pub fn forget_sessions(&self) {
        self.inner.state().sessions.forget();
    }

    pub fn close_sessions(&self) {
        self.inner.state().sessions.close();
    }

    /// Dropbox has lost all but the first so many bytes of every session.
    pub fn cut_sessions(&self, to: u64) {
        self.inner.state().sessions.cut(to);
    }

    /// Every session has so many bytes more than were sent.
    pub fn grow_sessions(&self, by: usize) {
        self.inner.state().sessions.grow(by);
    }

    /// What becomes of a session that was committed.
    pub fn after_commit(&self, what: AfterCommit) {
        self.inner.state().sessions.after_commit = what;
    }

    /// So many bodies arrive with one bit turned.
    pub fn damage_bodies(&self, bodies: u32) {
        self.inner.state().sessions.damage_bodies = bodies;
    }

    /// So many commits store other bytes than were sent.
    pub fn damage_commits(&self, commits: u32) {
        self.inner.state().sessions.damage_commits = commits;
    }

    /// The next commit takes so long that a gateway answers in its place; then it is done.
    pub fn slow_commit(&self, delay: TimeDelta) {
        self.inner.state().sessions.slow_commits.push(delay);
    }

    /// The next commit is refused with these tags, from the outside in.
    pub fn refuse_commit(&self, tags: &[&'static str]) {
        self.inner.state().sessions.refusals.push(tags.to_vec());
    }

    /// Pages hold so many entries at most; before each comes an empty one, if wanted.
    pub fn pages(&self, entries: usize, empty_between: bool) {
        let mut state = self.inner.state();
        state.listings.page = Some(entries);
        state.listings.empty_pages = empty_between;
    }

    /// So many uses of a cursor find it invalid.
    pub fn reset_cursors(&self, times: u32) {
        self.inner.state().listings.resets = times;
    }

    /// Listings promise more for ever.
    pub fn endless_listings(&self) {
        self.inner.state().listings.endless = true;
    }

    /// A folder with more entries cannot be deleted at once.
    pub fn too_many_files_above(&self, entries: usize) {
        self.inner.state().listings.too_many_files = Some(entries);
    }
}
