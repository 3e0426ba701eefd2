//! What is told, and when: on failed, partial, missed and recovered, never on every success.
//!
//! These are called inside the transaction that makes it true. They change nothing outside of it, so that it can be tried again.

use super::repo::{self, Facts};
use super::service::AlertsService;
use super::words::{self, Event, Letter};
use crate::db::{self, Tx};
use crate::notifications::Notice;
use chrono::{DateTime, Utc};
use contract::{OverallStatus, RowResult, Severity, Warning};

/// A pass that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub backup_id: i64,
    pub log_id: i64,
    pub status: OverallStatus,
    pub trigger: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub duration_sec: f64,
    pub error: Option<String>,
    pub rows: Vec<RowResult>,
    pub warnings: Vec<Warning>,
    /// It is tried again by itself: nothing is lost yet.
    pub retried: bool,
}

/// A Set that has no good copy for too long.
#[derive(Debug, Clone, PartialEq)]
pub struct Missed {
    pub backup_id: i64,
    pub title: String,
    pub last_good_at: Option<DateTime<Utc>>,
    /// The slot that should have made one.
    pub due_at: DateTime<Utc>,
    pub last_status: Option<String>,
}

/// What is to be done once the transaction is committed; see [`AlertsService::committed`].
#[must_use]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// There is something new in the outbox.
    pub(super) queued: bool,
    /// The log, the address and whether it ended well.
    pub(super) ping: Option<(i64, String, bool)>,
}

/// Where the inbox keeps the matter of a Set.
fn key(backup_id: i64) -> String {
    format!("backup:{backup_id}")
}

/// What there is to tell of a pass.
fn event(pass: &Ended, facts: &Facts) -> Option<Event> {
    match pass.status {
        OverallStatus::Success => facts.trouble.is_some().then_some(Event::Recovered),
        OverallStatus::Partial => Some(Event::Partial),
        // Whoever cancelled it knows.
        OverallStatus::Failed if facts.cancelled || pass.retried => None,
        OverallStatus::Failed => Some(Event::Failed),
        OverallStatus::Pending => None,
    }
}

impl AlertsService {
    /// Puts what there is to tell of a pass into the outbox and the inbox.
    pub async fn pass_ended(&self, tx: &Tx, pass: &Ended) -> Result<Told, db::Error> {
        let Some(facts) = repo::facts(tx, pass.backup_id, pass.log_id).await? else {
            return Ok(Told::default());
        };
        let good = pass.status == OverallStatus::Success;
        let ping = facts.ping_url.clone().map(|url| (pass.log_id, url, good));
        let Some(event) = event(pass, &facts) else { return Ok(Told { queued: false, ping }) };
        let vault = &self.parts().vault;
        let letter = words::ended(event, pass, &facts.title, facts.trouble.as_deref(), vault.redactor());
        let queued = self.tell(tx, pass.backup_id, &letter).await?;
        Ok(Told { queued, ping })
    }

    /// The same of a Set that was marked as missed.
    pub async fn missed(&self, tx: &Tx, missed: &Missed) -> Result<Told, db::Error> {
        let letter = words::missed(missed, &missed.title, self.parts().vault.redactor());
        let queued = self.tell(tx, missed.backup_id, &letter).await?;
        Ok(Told { queued, ping: None })
    }

    async fn tell(&self, tx: &Tx, backup_id: i64, letter: &Letter) -> Result<bool, db::Error> {
        let parts = self.parts();
        let (severity, over) = match letter.event {
            Event::Recovered | Event::Test => (Severity::Info, true),
            Event::Partial => (Severity::Warning, false),
            Event::Failed | Event::Missed => (Severity::Error, false),
        };
        repo::set_trouble(tx, backup_id, (!over).then(|| letter.event.name())).await?;
        if over {
            parts.notifications.settle_in(tx, &key(backup_id)).await?;
        } else {
            let (title, message, key) = (&letter.subject, &letter.notice(), &key(backup_id));
            parts.notifications.replace_in(tx, &Notice { severity, title, message, key }).await?;
        }
        let body = db::to_json(letter)?;
        Ok(repo::put(tx, letter.event.name(), &body, parts.clock.now()).await? > 0)
    }

    /// What [`AlertsService::pass_ended`] or [`AlertsService::missed`] told is true now: it is sent.
    pub fn committed(&self, told: Told) {
        if told.queued {
            self.wake();
        }
        if let Some((log_id, url, good)) = told.ping {
            self.pings().end(log_id, &url, good);
        }
    }
}
