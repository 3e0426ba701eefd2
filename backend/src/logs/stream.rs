//! The progress of a pass as server-sent events.

use super::progress::Watcher;
use super::service::LogsService;
use crate::http::Watch;
use actix_web::body::BoxBody;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder};
use bytes::Bytes;
use contract::{BackupLog, OverallStatus};
use futures_util::Stream;
use serde::Serialize;
use std::convert::Infallible;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// At most this often a `progress` event is sent.
const INTERVAL: Duration = Duration::from_millis(300);
/// How often a pass of another process is looked at.
const POLL: Duration = Duration::from_secs(1);
/// A comment is sent after this long without an event, so that proxies keep the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// `progress` events while the pass runs, then one `log` event with the final record.
pub struct EventStream(Pin<Box<dyn Stream<Item = Result<Bytes, Infallible>>>>);

impl EventStream {
    pub fn of(service: LogsService, log: BackupLog, permit: Watch) -> Self {
        let id = log.id;
        let state =
            State { service, id, sent: Instant::now(), watcher: None, step: Step::First(Box::new(log)) };
        EventStream(Box::pin(futures_util::stream::unfold(
            (state, permit),
            |(mut state, mut permit)| async {
                let bytes = tokio::select! {
                    bytes = state.next() => bytes?,
                    // Whoever may go on asks again; who may not is refused then.
                    _ = permit.over() => return None,
                };
                Some((Ok(bytes), (state, permit)))
            },
        )))
    }
}

impl Responder for EventStream {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok()
            .content_type("text/event-stream")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            // nginx would collect events before it passes them on.
            .insert_header(("x-accel-buffering", "no"))
            .streaming(self.0)
    }
}

struct State {
    service: LogsService,
    id: i64,
    /// When something was sent last.
    sent: Instant,
    watcher: Option<Watcher>,
    step: Step,
}

enum Step {
    First(Box<BackupLog>),
    Running,
    Done,
}

impl State {
    async fn next(&mut self) -> Option<Bytes> {
        let bytes = match std::mem::replace(&mut self.step, Step::Running) {
            Step::First(log) => self.tell(*log),
            Step::Running => self.wait().await,
            Step::Done => None,
        };
        self.sent = Instant::now();
        bytes
    }

    /// The state of the log as an event; the final one ends the stream after it.
    fn tell(&mut self, log: BackupLog) -> Option<Bytes> {
        if log.overall_status != OverallStatus::Pending {
            self.step = Step::Done;
            return event("log", &log);
        }
        self.watcher = self.service.watch(self.id);
        match &self.watcher {
            Some(watcher) => event("progress", &watcher.snapshot()),
            None => event("progress", &self.service.progress_from_afar(&log)),
        }
    }

    async fn wait(&mut self) -> Option<Bytes> {
        let Some(watcher) = &mut self.watcher else {
            tokio::time::sleep(POLL).await;
            return self.read().await;
        };
        let Ok(()) = tokio::time::timeout(HEARTBEAT, watcher.changed()).await else {
            return Some(Bytes::from_static(b": still running\n\n"));
        };
        tokio::time::sleep(INTERVAL.saturating_sub(self.sent.elapsed())).await;
        if watcher.has_ended() {
            return self.read().await;
        }
        event("progress", &watcher.snapshot())
    }

    async fn read(&mut self) -> Option<Bytes> {
        match self.service.get(self.id).await {
            Ok(log) => self.tell(log),
            Err(error) => {
                tracing::warn!(backup_log.id = self.id, %error, "the progress of a pass can no longer be followed");
                None
            }
        }
    }
}

fn event<T: Serialize>(name: &str, data: &T) -> Option<Bytes> {
    let data = serde_json::to_string(data).ok()?;
    Some(Bytes::from(format!("event: {name}\ndata: {data}\n\n")))
}
