//! Looking at the store, at most once in a few seconds however many ask, and never for long.

use super::convert;
use crate::redact::Redactor;
use crate::settings::SettingsService;
use contract::SourceReport;
use engine::source::files::{self, Symlinks};
use engine::source::magento::Source;
use engine::source::report::{Problem, Report, Severity, inspect};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a report is shown again. What it was made from, the store's configuration, is never kept.
const FRESH: Duration = Duration::from_secs(5);
/// How long a look may take. A database that is gone is noticed after ten seconds; one that stalls never says anything.
const LIMIT: Duration = Duration::from_secs(20);
/// How long counting files takes at most when it is done once more without the database.
const FILES_LIMIT: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct SourceService {
    inner: Arc<Inner>,
    settings: SettingsService,
}

struct Inner {
    /// The store; `None` when no Magento root is configured.
    source: Option<Source>,
    archive_dir: PathBuf,
    redactor: Redactor,
    limit: Duration,
    /// The look that is under way, or was the last one.
    last: Mutex<Option<Look>>,
}

/// When a look was done and what it saw; nothing while it is under way.
type Look = watch::Receiver<Option<(Instant, SourceReport)>>;

impl SourceService {
    pub fn new(
        source: Option<Source>,
        archive_dir: PathBuf,
        redactor: Redactor,
        settings: SettingsService,
    ) -> Self {
        let inner = Inner { source, archive_dir, redactor, limit: LIMIT, last: Mutex::new(None) };
        SourceService { inner: Arc::new(inner), settings }
    }

    /// The store as it is now, or was a few seconds ago, and whether anything would start at all. Who asks while somebody else's
    /// look is under way gets that one.
    pub async fn report(&self) -> SourceReport {
        let mut report = self.inner.report().await;
        match self.settings.current().await {
            Ok(settings) if settings.enabled => {}
            Ok(_) => report.problems.insert(0, convert::switched_off()),
            Err(error) => tracing::error!(%error, "the settings cannot be read"),
        }
        report
    }
}

impl Inner {
    async fn report(self: &Arc<Self>) -> SourceReport {
        let Some(source) = &self.source else { return convert::no_source() };
        let mut look = self.look(source);
        match look.wait_for(Option::is_some).await.map(|seen| seen.clone()) {
            Ok(Some((_, report))) => report,
            // It panicked; the message is in the output of the server.
            _ => convert::report(broken_off(source, self.limit), &self.redactor),
        }
    }

    /// The look of a few seconds ago, the one under way, or a new one. It goes on when nobody waits for it any more.
    fn look(self: &Arc<Self>, source: &Source) -> Look {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look) = last.as_ref() {
            let usable = match &*look.borrow() {
                Some((at, _)) => at.elapsed() < FRESH,
                None => look.has_changed().is_ok(),
            };
            if usable {
                return look.clone();
            }
        }
        let (done, look) = watch::channel(None);
        let (inner, source) = (self.clone(), source.clone());
        tokio::spawn(async move {
            let report = convert::report(inner.inspect(&source).await, &inner.redactor);
            done.send_replace(Some((Instant::now(), report)));
        });
        last.insert(look).clone()
    }

    async fn inspect(&self, source: &Source) -> Report {
        if let Ok(report) = tokio::time::timeout(self.limit, inspect(source, &self.archive_dir)).await {
            return report;
        }
        tracing::warn!(seconds = self.limit.as_secs_f64(), "looking at the store took too long");
        let mut report = broken_off(source, self.limit);
        let of_files = source.clone();
        // On a thread of its own: a file system may be what stalls.
        let files = tokio::task::spawn_blocking(move || look_at_files(&of_files));
        if let Ok(Ok(Some(files))) = tokio::time::timeout(FILES_LIMIT * 2, files).await {
            report = Report { problems: report.problems, ..files };
        }
        report
    }
}

/// What is told when a look took too long.
fn broken_off(source: &Source, limit: Duration) -> Report {
    let problem = Problem {
        severity: Severity::Error,
        code: "timeout".into(),
        message: format!(
            "Looking at the store's databases was given up after {} seconds: they take connections but do not answer in time.",
            limit.as_secs()
        ),
        remedy: "Look at the load and the locks of the database server, then load this again.".into(),
    };
    Report { root: source.root.clone(), problems: vec![problem], ..Report::default() }
}

/// The part of a report that needs no database.
fn look_at_files(source: &Source) -> Option<Report> {
    let root = source.resolve_root().ok()?;
    let measures = files::measure(&root, Symlinks::default(), FILES_LIMIT).ok()?;
    Some(Report {
        root: source.root.clone(),
        version: source.version(),
        directories: measures.directories,
        suggested_excludes: measures.suggested,
        resolved_root: Some(root),
        ..Report::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// It takes connections and never says a word.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_that_stalls_is_a_problem_and_holds_nobody_up() {
        let stalling = TcpListener::bind("127.0.0.1:0").unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("app/etc")).unwrap();
        std::fs::write(dir.path().join("app/etc/env.php"), "<?php return [];").unwrap();
        std::fs::create_dir(dir.path().join("pub")).unwrap();
        let source = Source {
            root: dir.path().to_path_buf(),
            database_url: Some(format!("mysql://u:hunter2@{}/shop", stalling.local_addr().unwrap())),
            environment: Default::default(),
        };
        let limit = Duration::from_secs(1);
        let (archive_dir, redactor) = (dir.path().join("archives"), Redactor::default());
        let inner =
            Arc::new(Inner { source: Some(source), archive_dir, redactor, limit, last: Mutex::new(None) });
        let began = Instant::now();
        // The first one who asks does not stay for the answer.
        assert!(tokio::time::timeout(Duration::from_millis(100), inner.report()).await.is_err());
        let all = futures_util::future::join_all((0..10).map(|_| inner.report())).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert!(all.iter().all(|report| *report == all[0]));
        let problems: Vec<_> =
            all[0].problems.iter().map(|p| (p.code.as_str(), p.severity.as_str())).collect();
        assert_eq!(problems, [("timeout", "error")]);
        let names: Vec<_> = all[0].directories.iter().map(|d| d.path.as_str()).collect();
        assert_eq!(names, ["app", "pub"]);
        assert!(all[0].resolved_root.is_some());
    }
}
