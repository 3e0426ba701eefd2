//! A running pass, as it happens: the event stream, and plain polling where streams do not get through.

use super::{Prepared, session};
use crate::models::link::{self, Link};
use crate::models::sse::Parser;
use contract::{BackupLog, LogProgress, OverallStatus, Problem, endpoints as ep};
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

/// A stream that says nothing for this long is taken for dead.
const SILENCE_MS: u32 = 30_000;
/// The same before its first byte. A proxy that collects a whole answer before it passes anything on sends not even the head.
const HEAD_MS: u32 = 10_000;
/// Between two plain questions.
const POLL_MS: u32 = 3_000;

#[derive(Debug, Clone)]
pub enum Update {
    Progress(LogProgress),
    /// The row itself, each time it was read: at last with the result.
    Log(Box<BackupLog>),
    Link(Link),
    /// Watching ended for good: the log is gone, or the right to see it.
    Lost(Problem),
}

/// Ends the watching when it is dropped.
pub struct Watch(Rc<Shared>);

#[derive(Default)]
struct Shared {
    stopped: Cell<bool>,
    /// Of the stream that is open now. Streams that were given up must not hold on to their connections: a browser opens few.
    abort: RefCell<Option<web_sys::AbortController>>,
}

impl Shared {
    fn close_stream(&self) {
        if let Some(abort) = self.abort.take() {
            abort.abort();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.stopped.set(true);
        self.0.close_stream();
    }
}

/// Reports on a pass until it has ended. The last update is then its log.
pub fn watch(log_id: i64, report: impl Fn(Update) + 'static) -> Watch {
    let shared = Rc::<Shared>::default();
    let task = Task {
        log_id: log_id.to_string(),
        report: Box::new(report),
        shared: shared.clone(),
        live: Cell::new(false),
    };
    leptos::task::spawn_local(async move { task.run().await });
    Watch(shared)
}

struct Task {
    log_id: String,
    report: Box<dyn Fn(Update)>,
    shared: Rc<Shared>,
    /// The stream that is open brings events.
    live: Cell<bool>,
}

impl Task {
    /// Follows the stream. While none gets through it is tried again, and beside that the row is read now and then.
    async fn run(&self) {
        select(pin!(self.follow()), pin!(self.poll())).await;
        self.shared.close_stream();
    }

    async fn follow(&self) {
        let mut failures = 0_u32;
        loop {
            failures = if self.stream().await { 0 } else { failures.saturating_add(1) };
            self.live.set(false);
            self.shared.close_stream();
            if self.stopped() || self.ended().await {
                return;
            }
            self.send(Update::Link(link::after(failures)));
            TimeoutFuture::new(link::pause_ms(failures)).await;
        }
    }

    async fn poll(&self) {
        loop {
            TimeoutFuture::new(POLL_MS).await;
            if self.stopped() || (!self.live.get() && self.ended().await) {
                return;
            }
        }
    }

    fn stopped(&self) -> bool {
        self.shared.stopped.get()
    }

    fn send(&self, update: Update) {
        if !self.stopped() {
            (self.report)(update);
        }
    }

    /// Reads the row: true when there is nothing more to wait for.
    async fn ended(&self) -> bool {
        if !session::is_live() {
            return false;
        }
        match super::bare(&ep::GET_LOG, &[&self.log_id]).await {
            Ok(log) => {
                let ended = log.overall_status != OverallStatus::Pending;
                self.send(Update::Log(Box::new(log)));
                ended
            }
            Err(problem) if link::is_final(problem.status) => {
                self.send(Update::Lost(problem));
                true
            }
            Err(_) => false,
        }
    }

    /// Follows one stream to its end; true when it brought at least one event.
    async fn stream(&self) -> bool {
        if !session::is_live() {
            return false;
        }
        let abort = web_sys::AbortController::new().ok();
        let signal = abort.as_ref().map(web_sys::AbortController::signal);
        self.shared.abort.replace(abort);
        let request = Prepared::get(ep::WATCH_LOG.path_with(&[&self.log_id]), signal);
        let Either::Left((Ok(response), _)) =
            select(pin!(request.send()), pin!(TimeoutFuture::new(HEAD_MS))).await
        else {
            return false;
        };
        let Some(body) = response.body() else { return false };
        let reader: web_sys::ReadableStreamDefaultReader = body.get_reader().unchecked_into();
        let (mut parser, mut heard) = (Parser::default(), false);
        loop {
            let chunk = pin!(JsFuture::from(reader.read()));
            let bytes = match select(chunk, pin!(TimeoutFuture::new(SILENCE_MS))).await {
                Either::Left((Ok(chunk), _)) => bytes_of(&chunk),
                Either::Left((Err(_), _)) | Either::Right(_) => None,
            };
            let Some(bytes) = bytes else { return heard };
            for event in parser.feed(&bytes) {
                if event.name == "log"
                    && let Ok(log) = serde_json::from_str::<BackupLog>(&event.data)
                {
                    // The last event; `ended` reads the row once more and stops the watching.
                    self.send(Update::Log(Box::new(log)));
                    return true;
                }
                if let Ok(progress) = serde_json::from_str::<LogProgress>(&event.data) {
                    if !heard {
                        self.live.set(true);
                        self.send(Update::Link(Link::Live));
                    }
                    heard = true;
                    let ended = progress.overall_status != OverallStatus::Pending;
                    self.send(Update::Progress(progress));
                    if ended {
                        return true;
                    }
                }
            }
        }
    }
}

/// The bytes of one read; `None` at the end of the stream.
fn bytes_of(chunk: &wasm_bindgen::JsValue) -> Option<Vec<u8>> {
    let value = js_sys::Reflect::get(chunk, &"value".into()).ok()?;
    value.dyn_ref::<js_sys::Uint8Array>().map(js_sys::Uint8Array::to_vec)
}
