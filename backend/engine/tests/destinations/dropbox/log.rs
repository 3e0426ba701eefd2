//! Listens to every log line of the process for what must not be in one.

use std::fmt::{Debug, Write};
use std::sync::{Mutex, Once};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Every secret that the fake gives out has this in it.
const MARK: &str = "S3CR3T";

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
static START: Once = Once::new();

struct Listener;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        if line.0.contains(MARK) {
            SEEN.lock().unwrap().push(line.0);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

pub fn listen() {
    // Another listener of this process may have been first; then that one listens.
    START.call_once(|| drop(tracing::subscriber::set_global_default(Listener)));
}

/// Log lines so far with a secret in them.
pub fn secrets_seen() -> Vec<String> {
    SEEN.lock().unwrap().clone()
}
