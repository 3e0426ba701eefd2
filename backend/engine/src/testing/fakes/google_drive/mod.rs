//! A Google Drive that is as strict as the real one, and forgetful, slow or full when it is told to.
//!
//! It serves all of Google's hosts below one address: the consent page, the token endpoint, the API and the uploads.

mod control;
mod files;
mod items;
mod oauth;
mod query;
mod uploads;

pub use items::Hashes;

use super::super::VirtualTime;
use super::super::fake::{FakeServer, Fault, Record, Reply, Request, Service};
use crate::storage::time::Time;
use chrono::{DateTime, Utc};
use items::Items;
use oauth::Oauth;
use reqwest::Url;
use serde_json::json;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use uploads::Session;

/// The app that is registered there.
pub const CLIENT_ID: &str = "270000000000-storekeep.apps.googleusercontent.com";
pub const CLIENT_SECRET: &str = "GOCSPX-fake-client-secret";
pub const SCOPE: &str = "https://www.googleapis.com/auth/drive.file";
pub const EMAIL: &str = "keeper@shop.example";
pub const ACCOUNT_ID: &str = "00112233445566778899";
/// So many equal requests in a row are a storm.
const STORM: usize = 12;

/// What becomes of a piece that is not made of granules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unaligned {
    /// Whole granules of it are kept.
    Floor,
    Reject,
}

struct Burst {
    status: u16,
    reason: String,
    left: usize,
}

/// Everything that the fake knows, and how it behaves.
struct State {
    base: String,
    oauth: Oauth,
    items: Items,
    sessions: BTreeMap<String, Session>,
    sessions_made: u32,
    /// Paths of what went to the trash because its folder did.
    trashed_inside: Vec<String>,
    quota: Option<u64>,
    incomplete: bool,
    short_pages: Option<usize>,
    empty_pages: bool,
    lost_page_tokens: usize,
    late_hashes: u32,
    lying_hashes: u32,
    unaligned: Unaligned,
    takes_nothing: u32,
    keeps_of_a_piece: Option<u64>,
    never_finishes: bool,
    moves_sessions: bool,
    made_status: u16,
    abusive: bool,
    ignores_ranges: bool,
    may_not_delete: bool,
    burst: Option<Burst>,
    last: (String, usize),
}

fn fault(status: u16, reason: &str) -> Reply {
    let text = "A text of Google's.";
    let error = json!({
        "code": status,
        "message": text,
        "errors": [{"domain": "global", "reason": reason, "message": text}],
    });
    Reply::json(status, &json!({ "error": error }))
}

struct Shared {
    record: Record,
    state: Mutex<State>,
    served: AtomicUsize,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn route(&self, request: &Request) -> Reply {
        let (now, record) = (self.record.time.now(), &self.record);
        let mut state = self.state();
        state.watch(request, record);
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/o/oauth2/v2/auth") => return state.oauth.authorize(request, record, now),
            ("POST", "/token") => return state.oauth.token(request, record, now),
            ("POST", "/revoke") => {
                return state.oauth.revoke(request.form().get("token").map_or("", String::as_str));
            }
            _ => {}
        }
        if !state.oauth.lets_in(request, now) {
            if request.header("authorization").is_none() {
                record.violation(format!("{} {} without Authorization", request.method, request.path));
            }
            return fault(401, "authError");
        }
        if let Some(refusal) = state.burst() {
            return refusal;
        }
        match request.path.as_str() {
            "/drive/v3/about" if request.method == "GET" => state.about(request, record),
            "/upload/drive/v3/files" => state.upload(request, record, now),
            path if path.starts_with("/drive/v3/files") => state.files(request, record, now),
            _ => fault(404, "notFound"),
        }
    }
}

impl Service for Shared {
    fn answer(&self, request: &Request) -> Reply {
        let reply = self.route(request);
        self.served.fetch_add(1, Ordering::SeqCst);
        reply
    }
}

impl State {
    /// Nobody asks the same again and again.
    fn watch(&mut self, request: &Request, record: &Record) {
        let range = request.header("content-range").unwrap_or_default();
        let this = format!("{} {} {:?} {range}", request.method, request.path, request.query);
        if self.last.0 == this {
            self.last.1 += 1;
            if self.last.1 == STORM {
                record.violation(format!("{} {} came {STORM} times in a row", request.method, request.path));
            }
        } else {
            self.last = (this, 1);
        }
    }
}

/// The fake, and the hands of the people who use the account.
pub struct FakeGoogleDrive {
    server: FakeServer,
    shared: Arc<Shared>,
}

impl FakeGoogleDrive {
    /// # Errors
    /// When no port is free.
    pub async fn start() -> io::Result<FakeGoogleDrive> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let state = State {
            base: format!("http://{}", listener.local_addr()?),
            oauth: Oauth::default(),
            items: Items::default(),
            sessions: BTreeMap::new(),
            sessions_made: 0,
            trashed_inside: Vec::new(),
            quota: None,
            incomplete: false,
            short_pages: None,
            empty_pages: false,
            lost_page_tokens: 0,
            late_hashes: 0,
            lying_hashes: 0,
            unaligned: Unaligned::Floor,
            takes_nothing: 0,
            keeps_of_a_piece: None,
            never_finishes: false,
            moves_sessions: false,
            made_status: 200,
            abusive: false,
            ignores_ranges: false,
            may_not_delete: false,
            burst: None,
            last: (String::new(), 0),
        };
        let record = Record::default();
        let served = AtomicUsize::new(0);
        let shared = Arc::new(Shared { record: record.clone(), state: Mutex::new(state), served });
        let server = FakeServer::serve(listener, Arc::clone(&shared) as Arc<dyn Service>, record)?;
        Ok(FakeGoogleDrive { server, shared })
    }

    /// `http://127.0.0.1:PORT`, which stands for all of Google's hosts.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The same as a base for the driver.
    ///
    /// # Panics
    /// Never: it is a URL.
    pub fn base(&self) -> Url {
        Url::parse(&self.url()).unwrap_or_else(|e| unreachable!("an address is a URL: {e}"))
    }

    pub fn time(&self) -> VirtualTime {
        self.shared.record.time.clone()
    }

    pub fn record(&self) -> &Record {
        &self.shared.record
    }

    pub fn plan(&self, fault: Fault) {
        self.server.plan(fault);
    }

    /// Ends every planned fault.
    pub fn heal(&self) {
        self.server.heal();
    }

    /// How many requests the service has done its work for.
    pub fn served(&self) -> usize {
        self.shared.served.load(Ordering::SeqCst)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    fn now(&self) -> DateTime<Utc> {
        self.shared.record.time.now()
    }
}
