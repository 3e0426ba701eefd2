//! Collects what an administrator should know about a tree.

use crate::event::{Event, Events, Warning};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Remarks kept per kind; a tree with a million unreadable files must not fill memory.
const KEPT: usize = 500;

/// Takes warnings from any thread, emits each at once, and keeps the first 500 of both kinds; the rest is counted.
#[derive(Debug)]
pub struct Warnings {
    events: Events,
    kept: Mutex<[Kept; 2]>,
}

#[derive(Debug, Default)]
struct Kept {
    warnings: Vec<Warning>,
    more: u64,
}

impl Warnings {
    pub fn new(events: Events) -> Warnings {
        Warnings { events, kept: Mutex::default() }
    }

    /// Something about this path (relative to the root) that leaves the archive complete.
    pub fn note(&self, code: &str, path: &[u8], message: &str) {
        self.add(Warning::note(code, Some(lossy(path)), message));
    }

    /// What lies at this path (relative to the root) is missing from the archive.
    pub fn missing(&self, code: &str, path: &[u8], message: &str) {
        self.add(Warning::missing(code, Some(lossy(path)), message));
    }

    fn add(&self, warning: Warning) {
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = &mut kept[usize::from(!warning.incomplete)];
            if kept.warnings.len() == KEPT {
                kept.more += 1;
                return;
            }
            kept.warnings.push(warning.clone());
        }
        self.events.emit(Event::Warned(warning));
    }

    /// What was collected so far: what is missing first, each kind by path and followed by the count of what was not kept.
    pub fn take(&self) -> Vec<Warning> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let [missing, notes] = std::mem::take(&mut *kept);
        let finish = |mut kept: Kept, rest: &dyn Fn(String) -> Warning| {
            kept.warnings.sort_by(|a, b| (&a.subject, &a.code).cmp(&(&b.subject, &b.code)));
            if kept.more > 0 {
                kept.warnings.push(rest(format!("{} more of this kind are not listed", kept.more)));
            }
            kept.warnings
        };
        let mut all = finish(missing, &|text| Warning::missing("more_warnings", None, text));
        all.extend(finish(notes, &|text| Warning::note("more_warnings", None, text)));
        all
    }
}

pub(super) fn lossy(path: &[u8]) -> String {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(path)).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn the_first_of_each_kind_are_kept_the_missing_ones_first_and_the_rest_counted() {
        let emitted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&emitted);
        let warnings = Warnings::new(Events::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        warnings.note("changed", b"b", "x");
        for i in 0..KEPT + 7 {
            warnings.missing("unreadable", format!("{i:05}").as_bytes(), "x");
        }
        warnings.note("changed", b"a", "x");
        let all = warnings.take();
        assert_eq!(all.len(), KEPT + 3);
        assert_eq!(emitted.load(Ordering::SeqCst), KEPT + 2);
        assert!(all[KEPT].message.starts_with("7 more") && all[KEPT].incomplete);
        assert_eq!(all[KEPT + 1].subject.as_deref(), Some("a"));
        assert!(!all[KEPT + 2].incomplete);
    }
}
