//! Looking at the store, at most once in a few seconds however many ask.

use super::convert;
use crate::redact::Redactor;
use contract::SourceReport;
use engine::source::magento::Source;
use engine::source::report::inspect;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long a report is shown again. What it was made from, the store's configuration, is never kept.
const FRESH: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct SourceService {
    inner: Arc<Inner>,
}

struct Inner {
    /// The store; `None` when no Magento root is configured.
    source: Option<Source>,
    archive_dir: PathBuf,
    redactor: Redactor,
    last: Mutex<Option<(Instant, SourceReport)>>,
}

impl SourceService {
    pub fn new(source: Option<Source>, archive_dir: PathBuf, redactor: Redactor) -> Self {
        let last = Mutex::new(None);
        SourceService { inner: Arc::new(Inner { source, archive_dir, redactor, last }) }
    }

    /// The store as it is now, or was a few seconds ago. Who asks while somebody else's look is under way gets that one.
    pub async fn report(&self) -> SourceReport {
        let Some(source) = &self.inner.source else { return convert::no_source() };
        let mut last = self.inner.last.lock().await;
        if let Some((at, report)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return report.clone();
        }
        let report = convert::report(inspect(source, &self.inner.archive_dir).await, &self.inner.redactor);
        *last = Some((Instant::now(), report.clone()));
        report
    }
}
