//! The ground on which fakes of providers stand: an HTTP server on the loopback address that misbehaves by plan, records every request, and
//! holds clients to what providers demand.
//!
//! A fake is a [`Service`]: a function from a request to a reply, with its state behind a mutex. What it sees is what the network let
//! through: the server in front of it cuts bodies, loses replies, stalls and lies as the [`Fault`]s of the test say.

mod blob;
mod server;

pub use blob::Blob;
pub use server::FakeServer;

use super::VirtualTime;
use bytes::Bytes;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A request as a fake sees it.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Percent-encoded, as it was sent.
    pub path: String,
    pub query: BTreeMap<String, String>,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Bytes,
    /// False when the connection broke before the end of the body: nobody waits for the reply.
    pub complete: bool,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }

    /// The fields of a form.
    pub fn form(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Reply {
    pub fn status(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: Bytes::new() }
    }

    pub fn json(status: u16, body: &serde_json::Value) -> Reply {
        let body = Bytes::from(body.to_string());
        Reply { status, headers: Vec::new(), body }.with("content-type", "application/json")
    }

    pub fn text(status: u16, body: &str) -> Reply {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Reply { status, headers: Vec::new(), body }.with("content-type", "text/plain")
    }

    /// What a proxy answers in a provider's place.
    pub fn html_502() -> Reply {
        let body =
            Bytes::from_static(b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>");
        Reply { status: 502, headers: Vec::new(), body }.with("content-type", "text/html")
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }
}

pub trait Service: Send + Sync + 'static {
    fn answer(&self, request: &Request) -> Reply;

    /// Told when the head of a request has come. What is returned is dropped when the request is over, however it ends: so a service
    /// sees which requests overlap.
    fn enter(&self, _request: &Request) -> Option<Box<dyn Any + Send>> {
        None
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Action {
    /// The whole request is read, the service does not see it, this is answered.
    Answer(Reply),
    /// Answered before the body was read; the connection is closed then.
    AnswerEarly(Reply),
    /// The connection is closed as soon as the head was read; the service does not see the request.
    Close,
    /// After so many bytes of the body the connection is closed. The service sees those of them that `Keep` lets through.
    CloseAfter(usize, Keep),
    /// The service does its work; the connection is closed instead of a reply.
    LoseReply,
    /// The service does its work; nothing is ever answered.
    Stall,
    /// The service does its work after this while, in real time.
    Delay(Duration),
    /// The service does its work; its reply comes after this while, in real time.
    Late(Duration),
    /// The service does its work; the reply has its status, but a body that is none of its kind.
    Garbage,
    /// The service does its work; only so many bytes of the reply's body come, then the connection is closed.
    CutReply(usize),
    /// The service does its work twice, as when a proxy repeats a request; the second reply is given.
    Twice,
}

/// What a provider has stored of a body that broke off.
#[derive(Debug, Clone, Copy)]
pub enum Keep {
    Nothing,
    /// Whole granules of so many bytes.
    Floor(usize),
    All,
}

/// One planned fault: requests of `method` (empty: any) whose path, query included, contains `path`, after the first `skip` of them, `times` in all.
#[derive(Debug, Clone)]
pub struct Fault {
    pub method: &'static str,
    pub path: String,
    pub skip: usize,
    pub times: usize,
    pub action: Action,
}

impl Fault {
    /// The first such request.
    pub fn once(method: &'static str, path: &str, action: Action) -> Fault {
        Fault { method, path: path.into(), skip: 0, times: 1, action }
    }

    pub fn always(method: &'static str, path: &str, action: Action) -> Fault {
        Fault { times: usize::MAX, ..Fault::once(method, path, action) }
    }

    pub fn skip(self, skip: usize) -> Fault {
        Fault { skip, ..self }
    }

    pub fn times(self, times: usize) -> Fault {
        Fault { times, ..self }
    }
}

/// What all servers of one fake share: its time, what clients did wrong, what they sent.
#[derive(Clone, Default)]
pub struct Record {
    pub time: VirtualTime,
    violations: Arc<Mutex<Vec<String>>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Record {
    /// Notes something that no client may do. `assert_clean` fails for it.
    pub fn violation(&self, text: impl Into<String>) {
        lock(&self.violations).push(text.into());
    }

    pub fn violations(&self) -> Vec<String> {
        lock(&self.violations).clone()
    }

    /// Every request so far, without its body.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.requests).clone()
    }

    pub fn count(&self, method: &str, path: &str) -> usize {
        lock(&self.requests).iter().filter(|r| r.method == method && r.path.contains(path)).count()
    }

    /// # Panics
    /// When a client did something that it may not.
    pub fn assert_clean(&self) {
        let violations = self.violations();
        assert!(violations.is_empty(), "the client did what it may not:\n{}", violations.join("\n"));
    }
}
