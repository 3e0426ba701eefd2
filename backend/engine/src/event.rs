//! What a pass tells while it runs. Log row, live progress and metrics are listeners.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The steps of a pass. `Files` and `Database` run side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Preflight,
    Files,
    Database,
    Seal,
    Retention,
    Upload,
}

/// Something an administrator should know that does not end the pass.
///
/// `code` is stable; `subject` is the file, table or privilege (lossy text for names that are not UTF-8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    pub code: String,
    pub subject: Option<String>,
    pub message: String,
    /// True when the archive lacks something because of it: the pass can then be `partial` at best.
    pub incomplete: bool,
}

impl Warning {
    /// A remark that leaves the archive complete.
    pub fn note(code: &str, subject: Option<String>, message: impl Into<String>) -> Self {
        Warning { code: code.into(), subject, message: message.into(), incomplete: false }
    }

    /// Something is missing from the archive.
    pub fn missing(code: &str, subject: Option<String>, message: impl Into<String>) -> Self {
        Warning { code: code.into(), subject, message: message.into(), incomplete: true }
    }
}

#[derive(Debug, Clone)]
pub enum Event {
    /// A phase begins; the totals are estimates of source bytes and of files or tables.
    Started {
        phase: Phase,
        total_bytes: Option<u64>,
        total_items: Option<u64>,
    },
    /// Cumulative within the phase, at most a few times a second: source bytes dealt with, compressed bytes written, items.
    Advanced {
        phase: Phase,
        bytes: u64,
        bytes_written: u64,
        items: u64,
    },
    Ended {
        phase: Phase,
        ok: bool,
    },
    /// A destination's turn begins. `row` is its place among the rows of the job; rows go side by side within [`Phase::Upload`].
    RowStarted {
        row: usize,
        total_bytes: u64,
    },
    /// Bytes of the copy that the destination has taken so far, at most a few times a second.
    RowAdvanced {
        row: usize,
        bytes: u64,
    },
    RowEnded {
        row: usize,
        ok: bool,
    },
    Warned(Warning),
}

/// Where events go. Cheap to clone, callable from any thread; must not block.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    pub fn new(listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Events(Arc::new(listener))
    }

    /// Nobody listens.
    pub fn none() -> Self {
        Events::new(|_| {})
    }

    pub fn emit(&self, event: Event) {
        (self.0)(event);
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}
