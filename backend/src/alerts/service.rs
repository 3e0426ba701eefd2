//! Where word is sent.

use super::convert;
use super::delivery::notice_key;
use super::error::Error;
use super::mail;
use super::ping::Pings;
use super::repo::{self, Change, EMAIL, NewSecret, Row, WEBHOOK};
use super::vault::Vault;
use super::words::Letter;
use crate::clock::SharedClock;
use crate::db::{self, Db};
use crate::notifications::NotificationsService;
use crate::storages::PublicUrl;
use contract::{AlertTestReport, Alerts, AlertsInput, Channel, FieldError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// What the channels need of the house.
pub struct Parts {
    pub db: Db,
    pub clock: SharedClock,
    pub vault: Vault,
    pub notifications: NotificationsService,
    pub public_url: PublicUrl,
}

/// Tells people. Cheap to clone.
#[derive(Clone)]
pub struct AlertsService {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    /// There may be something to send.
    wake: Notify,
    pings: Pings,
}

impl AlertsService {
    pub fn new(parts: Parts) -> Self {
        AlertsService { inner: Arc::new(Inner { parts, wake: Notify::new(), pings: Pings::default() }) }
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    pub(super) fn pings(&self) -> &Pings {
        &self.inner.pings
    }

    pub(super) fn wake(&self) {
        self.inner.wake.notify_one();
    }

    pub(super) async fn woken(&self) {
        self.inner.wake.notified().await;
    }

    pub async fn get(&self) -> Result<Alerts, Error> {
        let (email, webhook) = self.rows().await?;
        Ok(convert::alerts(&email, &webhook)?)
    }

    /// Saves all of it. With `expected`, only when nobody has saved since that revision.
    pub async fn save(&self, input: &AlertsInput, expected: Option<i64>) -> Result<Alerts, Error> {
        let (email, webhook) = self.rows().await?;
        let mut errors = Vec::new();
        for (i, to) in input.email.to.iter().enumerate() {
            errors.extend(
                mail::address(to).err().map(|e| FieldError::new(format!("email.to[{i}]"), "format", e)),
            );
        }
        if !input.email.from.is_empty() {
            errors.extend(
                mail::address(&input.email.from).err().map(|e| FieldError::new("email.from", "format", e)),
            );
        }
        let known = convert::mail(&email).unwrap_or_default();
        let moved = !known.host.eq_ignore_ascii_case(&input.email.host);
        if moved && email.secret_enc.is_some() && input.email.password.is_none() {
            // Nobody who may change the server gets the password of the one before sent there.
            let message =
                "This is another mail server: enter its password, or an empty one if it wants none.";
            errors.push(FieldError::new("email.password", "required", message));
        }
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        let changes = [
            Change {
                kind: EMAIL,
                enabled: input.email.enabled,
                config: db::to_json(&convert::MailConfig::from(&input.email))?,
                secret: self.secret(&email, input.email.password.as_deref())?,
            },
            Change {
                kind: WEBHOOK,
                enabled: input.webhook.enabled,
                config: db::to_json(&convert::HookConfig::from(&input.webhook))?,
                secret: self.secret(&webhook, input.webhook.secret.as_deref())?,
            },
        ];
        // What was decided by the rows as they were read holds for these rows alone.
        if !repo::save(&self.parts().db, Some(expected.unwrap_or(email.revision)), &changes).await? {
            return Err(Error::Changed);
        }
        for (channel, on) in
            [(Channel::Email, input.email.enabled), (Channel::Webhook, input.webhook.enabled)]
        {
            if !on {
                self.parts().notifications.settle(&notice_key(channel)).await?;
            }
        }
        self.get().await
    }

    fn secret(&self, row: &Row, entered: Option<&str>) -> Result<NewSecret, Error> {
        Ok(match entered {
            None => NewSecret::Keep,
            Some("") => NewSecret::Clear,
            Some(secret) => NewSecret::Set(self.parts().vault.seal(row.id, secret)?),
        })
    }

    /// Sends a message for a test, now.
    pub async fn test(&self, channel: Channel) -> Result<AlertTestReport, Error> {
        let (email, webhook) = self.rows().await?;
        let not = |message: &str| Ok(AlertTestReport { ok: false, message: message.into() });
        let (row, went) = match channel {
            Channel::Email => {
                let config = convert::mail(&email)?;
                if config.host.is_empty() || config.from.is_empty() || config.to.is_empty() {
                    return not(
                        "Enter the mail server, a sender and at least one recipient, and save them first.",
                    );
                }
                (email, format!("The mail server took a message for {}.", config.to.join(", ")))
            }
            Channel::Webhook => {
                if convert::hook(&webhook)?.url.is_empty() {
                    return not("Enter the address of the webhook, and save it first.");
                }
                (webhook, "The webhook took a message.".to_owned())
            }
        };
        let id = format!("test-{}", hex::encode(rand::random::<[u8; 8]>()));
        Ok(match self.send_letter(channel, &row, &Letter::test(), &id).await {
            Ok(()) => {
                self.parts().notifications.settle(&notice_key(channel)).await?;
                AlertTestReport { ok: true, message: went }
            }
            Err(message) => AlertTestReport { ok: false, message },
        })
    }

    async fn rows(&self) -> Result<(Row, Row), Error> {
        let db = &self.parts().db;
        let email = repo::channel(db, EMAIL).await?.ok_or(Error::Missing(EMAIL))?;
        let webhook = repo::channel(db, WEBHOOK).await?.ok_or(Error::Missing(WEBHOOK))?;
        Ok((email, webhook))
    }

    /// A pass starts: its Set's address is called.
    pub fn pass_begins(&self, log_id: i64, ping_url: Option<&str>) {
        if let Some(url) = ping_url {
            self.pings().begin(log_id, url);
        }
    }

    /// This process has nothing more to do with a pass.
    pub fn forget_pass(&self, log_id: i64) {
        self.pings().forget(log_id);
    }

    /// Before the process ends: waits up to `limit` for what is on its way.
    pub async fn finish(&self, limit: Duration) {
        self.pings().finish(limit).await;
    }
}
