//! What is said: one text for every channel, made when the thing happens, from what is known then. Every text passes the redactor.

use super::telling::{Ended, Missed};
use crate::redact::Redactor;
use chrono::{DateTime, Utc};
use contract::{OverallStatus, RowResult, RowStatus};
use serde::{Deserialize, Serialize};

/// So many warnings are told; the log has the others.
const WARNINGS: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Failed,
    Partial,
    /// There is no good copy for longer than the schedule and the grace allow.
    Missed,
    /// A good pass after one of the above.
    Recovered,
    /// The button.
    Test,
}

impl Event {
    pub fn name(self) -> &'static str {
        match self {
            Event::Failed => "failed",
            Event::Partial => "partial",
            Event::Missed => "missed",
            Event::Recovered => "recovered",
            Event::Test => "test",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    pub id: i64,
    pub title: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogPart {
    pub id: i64,
    pub status: OverallStatus,
    pub trigger: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub duration_sec: f64,
    pub error_message: Option<String>,
    pub storages: Vec<RowResult>,
}

/// A message as the outbox keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    pub event: Event,
    pub backup: Option<About>,
    pub log: Option<LogPart>,
    /// One line.
    pub subject: String,
    pub paragraphs: Vec<String>,
}

impl Letter {
    /// In one piece.
    pub fn message(&self) -> String {
        self.paragraphs.join("\n")
    }

    /// As the inbox shows it.
    pub fn notice(&self) -> String {
        self.paragraphs.join(" ")
    }

    /// Where to read more.
    pub fn url(&self, public_url: &str) -> String {
        match (&self.log, &self.backup) {
            (Some(log), _) => format!("{public_url}/logs/{}", log.id),
            (None, Some(_)) => format!("{public_url}/backups"),
            (None, None) => public_url.to_owned(),
        }
    }

    /// The text of a mail.
    pub fn mail(&self, public_url: &str) -> String {
        let text = self.paragraphs.join("\n\n");
        format!("{text}\n\n{}\n\n-- \nSent by Storekeep at {public_url}\n", self.url(public_url))
    }

    pub fn test() -> Letter {
        Letter {
            event: Event::Test,
            backup: None,
            log: None,
            subject: "A test message".into(),
            paragraphs: vec![
                "This is a test message. Word of backups that fail, are missed, or work again will come the same way.".into(),
            ],
        }
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// What is said of a pass that has ended. `trouble` is what was told of its Set before.
pub fn ended(event: Event, pass: &Ended, title: &str, trouble: Option<&str>, redactor: &Redactor) -> Letter {
    let began = time(pass.started_at);
    let mut paragraphs = Vec::new();
    let subject = match event {
        Event::Recovered => {
            let before = match trouble {
                Some("missed") => "had no good copy for too long",
                Some("partial") => "was incomplete",
                _ => "had failed",
            };
            paragraphs.push(format!(
                "The pass of '{title}' that began at {began} succeeded; before, the backup {before}."
            ));
            format!("Backup works again: {title}")
        }
        Event::Partial => {
            paragraphs.push(format!(
                "The pass of '{title}' that began at {began} is incomplete: every destination took its copy, but something is missing in it."
            ));
            format!("Backup incomplete: {title}")
        }
        _ => {
            paragraphs.push(format!("The pass of '{title}' that began at {began} failed."));
            format!("Backup failed: {title}")
        }
    };
    if event != Event::Recovered {
        paragraphs.extend(pass.error.clone());
        let failed: Vec<&RowResult> = pass.rows.iter().filter(|r| r.status == RowStatus::Failed).collect();
        paragraphs.extend(failed.iter().map(|row| format!("Destination '{}': {}", row.title, row.message)));
        if event == Event::Partial {
            paragraphs.extend(warnings(pass));
        }
        paragraphs.push(next_step(event, failed.len() < pass.rows.len()).into());
    }
    letter(event, pass.backup_id, title, Some(pass), subject, paragraphs, redactor)
}

fn warnings(pass: &Ended) -> Vec<String> {
    let told = pass.warnings.iter().take(WARNINGS).map(|w| match &w.subject {
        Some(subject) => format!("{subject}: {}", w.message),
        None => w.message.clone(),
    });
    let mut told: Vec<String> = told.collect();
    if pass.warnings.len() > WARNINGS {
        told.push(format!("The log lists {} more warnings.", pass.warnings.len() - WARNINGS));
    }
    told
}

fn next_step(event: Event, some_have_it: bool) -> &'static str {
    match (event, some_have_it) {
        (Event::Partial, _) => {
            "Older complete copies are kept. Mend what is named above, then run the Backup Set again or wait for its next slot."
        }
        (_, true) => {
            "What the other destinations took is kept. Mend what is named above, then try the failed destinations again from the log, or \
             wait for the next slot."
        }
        (_, false) => "Mend what is named above, then run the Backup Set again or wait for its next slot.",
    }
}

/// What is said of a Set that has no good copy for too long.
pub fn missed(missed: &Missed, title: &str, redactor: &Redactor) -> Letter {
    let since = match missed.last_good_at {
        Some(at) => format!("The newest good copy of '{title}' is of {}.", time(at)),
        None => format!("There is no good copy of '{title}' yet."),
    };
    let due = format!("Another one was due at {}, and the grace after that is over.", time(missed.due_at));
    let next = match missed.last_status.as_deref() {
        Some("failed") => "The last pass failed: its log says why. Mend that, then run the Backup Set again.",
        Some("partial") => {
            "The last pass was incomplete: its log says what is missing. Mend that, then run the Backup Set again."
        }
        _ => {
            "If the server was off, nothing is to be done: the pass that was missed starts now. Otherwise see in the logs whether passes wait \
             for others."
        }
    };
    let subject = format!("Backup missed: {title}");
    let paragraphs = vec![format!("{since} {due}"), next.into()];
    letter(Event::Missed, missed.backup_id, title, None, subject, paragraphs, redactor)
}

fn letter(
    event: Event,
    backup_id: i64,
    title: &str,
    pass: Option<&Ended>,
    subject: String,
    paragraphs: Vec<String>,
    redactor: &Redactor,
) -> Letter {
    Letter {
        event,
        backup: Some(About { id: backup_id, title: title.to_owned() }),
        log: pass.map(|pass| LogPart {
            id: pass.log_id,
            status: pass.status,
            trigger: pass.trigger.clone(),
            started_at: pass.started_at,
            finished_at: pass.finished_at,
            duration_sec: pass.duration_sec,
            error_message: pass.error.as_deref().map(|e| redactor.redact(e)),
            storages: pass
                .rows
                .iter()
                .map(|row| RowResult { message: redactor.redact(&row.message), ..row.clone() })
                .collect(),
        }),
        subject: redactor.redact(&subject),
        paragraphs: paragraphs.iter().map(|p| redactor.redact(p)).collect(),
    }
}
