//! The server in front of a fake.

use super::{Action, Fault, Keep, Record, Reply, Request, Service, lock};
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use http_body_util::{BodyExt, BodyStream, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

type Body = http_body_util::combinators::BoxBody<Bytes, io::Error>;
type Response = hyper::Response<Body>;

/// A fake on a free port of the loopback address. Ends when it is dropped.
pub struct FakeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    service: Arc<dyn Service>,
    record: Record,
    faults: Mutex<Vec<Fault>>,
    /// No request before this: an answer has asked for it.
    closed_until: Mutex<Option<DateTime<Utc>>>,
    stalled: AtomicUsize,
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeServer {
    /// Serves `service`; `record` may be shared with other servers of the same fake.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(service: Arc<dyn Service>, record: Record) -> io::Result<FakeServer> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        FakeServer::serve(listener, service, record)
    }

    /// The same on a listener that is bound already: its address may be needed to make the service.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn serve(listener: TcpListener, service: Arc<dyn Service>, record: Record) -> io::Result<FakeServer> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            service,
            record,
            faults: Mutex::default(),
            closed_until: Mutex::default(),
            stalled: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            // Connections end with the server.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                let shared = Arc::clone(&accepting);
                connections.spawn(async move {
                    let service = service_fn(move |request| respond(Arc::clone(&shared), request));
                    // A connection that is closed on purpose ends in an error.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(FakeServer { address, shared, task })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn plan(&self, fault: Fault) {
        lock(&self.shared.faults).push(fault);
    }

    /// Ends every planned fault.
    pub fn heal(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Requests whose work was done and that wait for an answer for ever ([`Action::Stall`]).
    pub fn stalled(&self) -> usize {
        self.shared.stalled.load(Ordering::SeqCst)
    }

    pub fn record(&self) -> &Record {
        &self.shared.record
    }
}

/// The connection is to be closed without an answer.
fn close() -> io::Error {
    io::Error::other("closed on purpose")
}

async fn respond(shared: Arc<Shared>, request: hyper::Request<Incoming>) -> Result<Response, io::Error> {
    let (parts, body) = request.into_parts();
    let mut headers = BTreeMap::new();
    for (name, value) in &parts.headers {
        headers.insert(name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let mut request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query).into_owned().collect(),
        headers,
        body: Bytes::new(),
        complete: true,
    };
    lock(&shared.record.requests).push(request.clone());
    shared.check_order(&request);
    let _under_way = shared.service.enter(&request);
    let action = shared.take(&request, target);
    match &action {
        Some(Action::AnswerEarly(reply)) => {
            let mut response = shared.response(reply.clone(), None);
            response.headers_mut().insert("connection", hyper::header::HeaderValue::from_static("close"));
            return Ok(response);
        }
        Some(Action::Close) => return Err(close()),
        _ => {}
    }
    if let Some(refusal) = shared.check_length(&request) {
        return Ok(shared.response(refusal, None));
    }
    let limit = match &action {
        Some(Action::CloseAfter(bytes, _)) => Some(*bytes),
        _ => None,
    };
    (request.body, request.complete) = read(body, limit).await;
    if let Some(Action::CloseAfter(_, keep)) = action {
        let kept = match keep {
            Keep::Nothing => 0,
            Keep::Floor(granule) => request.body.len() / granule * granule,
            Keep::All => request.body.len(),
        };
        request.body.truncate(kept);
        request.complete = false;
        shared.service.answer(&request);
        return Err(close());
    }
    if !request.complete {
        shared.service.answer(&request);
        return Err(close());
    }
    let reply = match action {
        Some(Action::Answer(reply)) => reply,
        Some(Action::LoseReply) => {
            shared.service.answer(&request);
            return Err(close());
        }
        Some(Action::Stall) => {
            shared.service.answer(&request);
            shared.stalled.fetch_add(1, Ordering::SeqCst);
            return std::future::pending().await;
        }
        Some(Action::Delay(time)) => {
            tokio::time::sleep(time).await;
            shared.service.answer(&request)
        }
        Some(Action::Late(time)) => {
            let reply = shared.service.answer(&request);
            tokio::time::sleep(time).await;
            reply
        }
        Some(Action::Garbage) => {
            let reply = shared.service.answer(&request);
            Reply { body: Bytes::from_static(b"\x00\xffnot what you expect{"), ..reply }
        }
        Some(Action::CutReply(bytes)) => {
            let reply = shared.service.answer(&request);
            return Ok(shared.response(reply, Some(bytes)));
        }
        Some(Action::Twice) => {
            shared.service.answer(&request);
            shared.service.answer(&request)
        }
        _ => shared.service.answer(&request),
    };
    Ok(shared.response(reply, None))
}

/// The body, up to a limit; false when there is more, or it broke off.
async fn read(body: Incoming, limit: Option<usize>) -> (Bytes, bool) {
    let mut stream = BodyStream::new(body);
    let mut bytes = BytesMut::new();
    while let Some(frame) = stream.next().await {
        let Ok(frame) = frame else { return (bytes.freeze(), false) };
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
        if let Some(limit) = limit.filter(|limit| bytes.len() >= *limit) {
            bytes.truncate(limit);
            return (bytes.freeze(), false);
        }
    }
    (bytes.freeze(), true)
}

impl Shared {
    fn take(&self, request: &Request, target: &str) -> Option<Action> {
        let mut faults = lock(&self.faults);
        faults.iter_mut().find_map(|fault| {
            let fits = (fault.method.is_empty() || fault.method == request.method)
                && target.contains(&fault.path)
                && fault.times > 0;
            if !fits {
                return None;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                return None;
            }
            fault.times -= 1;
            Some(fault.action.clone())
        })
    }

    /// Nobody comes back before the time that an answer named.
    fn check_order(&self, request: &Request) {
        use crate::storage::time::Time;
        let now = self.record.time.now();
        if let Some(until) = lock(&self.closed_until).filter(|until| now < *until) {
            let early = (until - now).num_seconds();
            self.record.violation(format!(
                "{} {} came {early} s before the end of the pause that was asked for",
                request.method, request.path
            ));
        }
    }

    /// Providers insist on a length, of an empty body too.
    fn check_length(&self, request: &Request) -> Option<Reply> {
        if request.header("transfer-encoding").is_some() {
            self.record.violation(format!("{} {} has no length (chunked)", request.method, request.path));
        }
        let needs = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
        if needs && request.header("content-length").is_none() {
            self.record.violation(format!("{} {} has no Content-Length", request.method, request.path));
            return Some(Reply::status(411));
        }
        None
    }

    fn response(&self, reply: Reply, cut: Option<usize>) -> Response {
        use crate::storage::time::Time;
        let asked = reply.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
        if let Some(seconds) = asked.and_then(|(_, value)| value.parse::<i64>().ok()) {
            let until = self.record.time.now() + chrono::TimeDelta::seconds(seconds);
            *lock(&self.closed_until) = Some(until);
        }
        let length = reply.body.len();
        let body: Body = match cut {
            None => http_body_util::Full::new(reply.body).map_err(|never: Infallible| match never {}).boxed(),
            Some(bytes) => {
                let start = reply.body.slice(..bytes.min(length));
                let first = futures_util::stream::once(std::future::ready(Ok(Frame::data(start))));
                // Without a pause the connection would be closed before anything of the reply was on its way.
                let broken = futures_util::stream::once(async {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Err(close())
                });
                BodyExt::boxed(StreamBody::new(first.chain(broken)))
            }
        };
        let mut response = hyper::Response::new(body);
        *response.status_mut() = hyper::StatusCode::from_u16(reply.status).unwrap_or(hyper::StatusCode::OK);
        for (name, value) in &reply.headers {
            let name = hyper::header::HeaderName::from_bytes(name.as_bytes());
            let value = hyper::header::HeaderValue::from_str(value);
            if let (Ok(name), Ok(value)) = (name, value) {
                response.headers_mut().append(name, value);
            }
        }
        if cut.is_some() {
            response.headers_mut().insert("content-length", length.into());
        }
        response
    }
}
