//! A running pass, as it happens: the event stream, and plain polling where streams do not get through.

use super::Prepared;
use crate::models::sse::Parser;
use contract::{BackupLog, LogProgress, OverallStatus, Problem, endpoints as ep};
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

/// A stream that says nothing for this long is taken for dead.
const SILENCE_MS: u32 = 30_000;
const POLL_MS: u32 = 3_000;
/// Streams that failed in a row before polling takes over.
const ATTEMPTS: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Live,
    Reconnecting,
    Polling,
}

#[derive(Debug, Clone)]
pub enum Update {
    Progress(LogProgress),
    /// The row itself, each time it was read: at last with the result.
    Log(Box<BackupLog>),
    Link(Link),
    /// Watching ended for good: the log is gone, or the session is.
    Lost(Problem),
}

/// Ends the watching when it is dropped.
pub struct Watch {
    stopped: Rc<Cell<bool>>,
    abort: Option<web_sys::AbortController>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stopped.set(true);
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }
}

/// Reports on a pass until it has ended. The last update is then its log.
pub fn watch(log_id: i64, report: impl Fn(Update) + 'static) -> Watch {
    let stopped = Rc::new(Cell::new(false));
    let abort = web_sys::AbortController::new().ok();
    let signal = abort.as_ref().map(web_sys::AbortController::signal);
    let task =
        Task { log_id: log_id.to_string(), report: Box::new(report), stopped: stopped.clone(), signal };
    leptos::task::spawn_local(async move { task.run().await });
    Watch { stopped, abort }
}

struct Task {
    log_id: String,
    report: Box<dyn Fn(Update)>,
    stopped: Rc<Cell<bool>>,
    signal: Option<web_sys::AbortSignal>,
}

impl Task {
    async fn run(&self) {
        let mut failures = 0;
        while !self.stopped.get() {
            if failures < ATTEMPTS {
                failures = if self.stream().await { 0 } else { failures + 1 };
            }
            if self.stopped.get() || self.ended().await {
                return;
            }
            self.send(Update::Link(if failures < ATTEMPTS { Link::Reconnecting } else { Link::Polling }));
            TimeoutFuture::new(if failures < ATTEMPTS { 500 << failures } else { POLL_MS }).await;
        }
    }

    fn send(&self, update: Update) {
        if !self.stopped.get() {
            (self.report)(update);
        }
    }

    /// Reads the row: true when there is nothing more to wait for.
    async fn ended(&self) -> bool {
        match super::bare(&ep::GET_LOG, &[&self.log_id]).await {
            Ok(log) => {
                let ended = log.overall_status != OverallStatus::Pending;
                self.send(Update::Log(Box::new(log)));
                ended
            }
            Err(problem) if (400..500).contains(&problem.status) => {
                self.send(Update::Lost(problem));
                true
            }
            Err(_) => false,
        }
    }

    /// Follows one stream to its end; true when it brought at least one event.
    async fn stream(&self) -> bool {
        let url = ep::WATCH_LOG.path_with(&[&self.log_id]);
        let Ok(response) = Prepared::get(url, self.signal.clone()).send().await else { return false };
        let Some(body) = response.body() else { return false };
        let reader: web_sys::ReadableStreamDefaultReader = body.get_reader().unchecked_into();
        let (mut parser, mut heard) = (Parser::default(), false);
        loop {
            let chunk = pin!(JsFuture::from(reader.read()));
            let bytes = match select(chunk, pin!(TimeoutFuture::new(SILENCE_MS))).await {
                Either::Left((Ok(chunk), _)) => bytes_of(&chunk),
                Either::Left((Err(_), _)) => None,
                Either::Right(_) => {
                    let _ = reader.cancel();
                    None
                }
            };
            let Some(bytes) = bytes else { return heard };
            for event in parser.feed(&bytes) {
                if event.name == "log"
                    && let Ok(log) = serde_json::from_str::<BackupLog>(&event.data)
                {
                    // The last event; `ended` reads the row once more and stops the watching.
                    self.send(Update::Log(Box::new(log)));
                    let _ = reader.cancel();
                    return true;
                }
                if let Ok(progress) = serde_json::from_str::<LogProgress>(&event.data) {
                    if !heard {
                        self.send(Update::Link(Link::Live));
                    }
                    heard = true;
                    let ended = progress.overall_status != OverallStatus::Pending;
                    self.send(Update::Progress(progress));
                    if ended {
                        let _ = reader.cancel();
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
