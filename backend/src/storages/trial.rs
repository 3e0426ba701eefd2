//! Testing the connection of a Storage Set, for the administrator who wonders whether it will work tonight.

use super::error::Error;
use super::repo::{self, Row};
use super::service::{Inner, StoragesService};
use crate::wire;
use contract::{StorageTestInput, StorageTestReport, StorageTestStep, StorageType, path_error, root_of};
use engine::pipeline::human;
use engine::storage::probe::{self, Step};
use engine::storage::{AccountInfo, Cloud, MemorySessions};
use std::sync::Arc;
use std::time::Duration;

/// How long the provider may take to tell whose account it is.
const ABOUT: Duration = Duration::from_secs(90);

impl StoragesService {
    /// What works and what does not; a Storage Set that is switched off is tested as well. An error is about the question, never about what
    /// was found.
    pub async fn test(&self, id: i64, input: &StorageTestInput) -> Result<StorageTestReport, Error> {
        let db = &self.inner.parts.db;
        let row = repo::find(db, id).await?.ok_or(Error::Missing(id))?;
        let kind: StorageType = wire::parse(&row.kind)?;
        let path = match &input.path {
            Some(path) => Some(path.clone()),
            None => repo::first_path(db, id).await?,
        };
        // An account's own root is a folder like another; without a bucket there is none.
        let path = path.or_else(|| (kind != StorageType::AmazonS3).then(String::new));
        if let Some(problem) = path.as_deref().and_then(|path| path_error(kind, path)) {
            return Err(Error::field("path", "format", problem));
        }
        let mut report = Report::new(path.clone());
        self.inner.try_out(&row, path.as_deref(), &mut report).await;
        let mut report = report.0;
        report.ok = report.steps.iter().all(|step| step.ok);
        for step in &mut report.steps {
            step.message = self.inner.parts.vault.redact(&step.message);
        }
        tracing::info!(storage.id = id, storage.kind = row.kind, ok = report.ok, "a connection was tested");
        Ok(report)
    }
}

struct Report(StorageTestReport);

impl Report {
    fn new(path: Option<String>) -> Report {
        Report(StorageTestReport {
            ok: false,
            account: None,
            total_bytes: None,
            used_bytes: None,
            free_bytes: None,
            path,
            steps: Vec::new(),
            notes: Vec::new(),
        })
    }

    fn step(&mut self, step: &str, ok: bool, message: impl Into<String>) {
        self.0.steps.push(StorageTestStep { step: step.into(), ok, message: message.into() });
    }

    fn account(&mut self, about: &AccountInfo) {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let free = about.total_bytes.zip(about.used_bytes).map(|(total, used)| total.saturating_sub(used));
        self.0.account = Some(about.name.clone());
        self.0.total_bytes = about.total_bytes.map(signed);
        self.0.used_bytes = about.used_bytes.map(signed);
        self.0.free_bytes = free.map(signed);
        self.step("account", true, format!("The account is {}.", about.name));
        match free {
            Some(0) => {
                self.step("space", false, "The account is full. Free space there, or empty its trash.")
            }
            Some(free) => self.step("space", true, format!("{} are free.", human(free))),
            None => {}
        }
    }
}

impl Inner {
    async fn try_out(&self, row: &Row, path: Option<&str>, report: &mut Report) {
        let cloud = match self.account(row) {
            Ok(cloud) => cloud,
            Err(message) => return report.step("credentials", false, message),
        };
        report.step("credentials", true, "The credentials are complete and can be read.");
        match tokio::time::timeout(ABOUT, cloud.about()).await {
            Ok(Ok(about)) => report.account(&about),
            Ok(Err(error)) => return report.step("account", false, error.message),
            Err(_) => return report.step("account", false, "The provider does not answer."),
        }
        if let Some(path) = path {
            self.try_folder(cloud, path, report).await;
        }
    }

    async fn try_folder(&self, cloud: Arc<dyn Cloud>, path: &str, report: &mut Report) {
        // What a test leaves behind is a small file, not an upload that somebody has to know of.
        let storage = match cloud.storage(root_of(path), Arc::new(MemorySessions::default())) {
            Ok(storage) => storage,
            Err(error) => return report.step("path", false, error.message),
        };
        let found = probe::probe(storage.as_ref()).await;
        for (step, result) in found.steps {
            let (step, done) = match step {
                Step::Write => ("write", "A small file was written."),
                Step::Read => ("read", "It was read back as it was written."),
                Step::List => ("list", "It is in the list of its folder."),
                Step::Delete => ("delete", "It was deleted."),
            };
            match result {
                Ok(()) => report.step(step, true, done),
                Err(error) => report.step(step, false, error.message),
            }
        }
        report.0.notes = found.notes;
    }
}
