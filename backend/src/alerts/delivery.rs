//! Sending what is in the outbox.
//!
//! A message is taken by one conditional update that moves it on, as a pass is: of any number of servers one sends it, and what a server took
//! that died is due again after a while. That may send a message twice (it was sent, and the server died before it said so), never lose one.

use super::convert;
use super::repo::{self, Message, Row};
use super::service::AlertsService;
use super::words::Letter;
use super::{mail, webhook};
use crate::db;
use crate::notifications::Notice;
use chrono::TimeDelta;
use contract::{Channel, Severity};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often is looked without being woken: other processes put messages there, too.
const POLL: Duration = Duration::from_secs(5);
/// How long one message may take.
pub(super) const LIMIT: Duration = Duration::from_secs(20);
/// Who took a message and has not sent it after this while is gone.
const TAKEN: TimeDelta = TimeDelta::minutes(2);
/// Before each further attempt.
const PAUSES: [TimeDelta; 5] = [
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(6),
];
/// From this attempt on a failing channel is told: the first may have come in the moment in which a server was started anew.
const TOLD_FROM: i32 = 2;
/// How long a message that is on its way may still take when the server stops.
const LAST: Duration = Duration::from_secs(5);
const BATCH: u64 = 50;

/// What a round did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    pub sent: usize,
    pub failed: usize,
}

impl AlertsService {
    /// Sends what is due until `stop` is cancelled. What goes wrong is logged, and the next round comes.
    pub async fn keep_delivering(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let round = self.deliver();
            tokio::pin!(round);
            let done = tokio::select! {
                done = &mut round => done,
                () = stop.cancelled() => match tokio::time::timeout(LAST, &mut round).await {
                    Ok(done) => done,
                    // It is due again after a while.
                    Err(_) => return,
                },
            };
            if let Err(error) = done {
                tracing::error!(%error, "the outbox of messages cannot be worked on");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.woken() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// One round. The channels go side by side: a dead one does not hold up the other.
    pub async fn deliver(&self) -> Result<Delivered, db::Error> {
        let (email, webhook) =
            tokio::join!(self.deliver_on(Channel::Email), self.deliver_on(Channel::Webhook));
        let (email, webhook) = (email?, webhook?);
        Ok(Delivered { sent: email.sent + webhook.sent, failed: email.failed + webhook.failed })
    }

    async fn deliver_on(&self, channel: Channel) -> Result<Delivered, db::Error> {
        let parts = self.parts();
        let mut done = Delivered::default();
        let kind = convert::kind(channel);
        for message in repo::due(&parts.db, kind, parts.clock.now(), BATCH).await? {
            let now = parts.clock.now();
            if !repo::claim(&parts.db, &message, now, now + TAKEN).await? {
                continue;
            }
            let Some(row) = repo::channel(&parts.db, kind).await?.filter(|row| row.enabled) else {
                tracing::info!(
                    message.id = message.id,
                    channel = kind,
                    "a message is dropped: its channel was switched off"
                );
                repo::remove(&parts.db, message.id).await?;
                continue;
            };
            match self.send(channel, &row, &message).await {
                Ok(()) => {
                    repo::remove(&parts.db, message.id).await?;
                    parts.notifications.settle(&notice_key(channel)).await?;
                    tracing::info!(
                        message.id = message.id,
                        channel = kind,
                        event = message.event,
                        "a message was sent"
                    );
                    done.sent += 1;
                }
                Err(reason) => {
                    self.not_sent(channel, &message, &reason).await?;
                    done.failed += 1;
                    // The others would only wait for the same.
                    break;
                }
            }
        }
        Ok(done)
    }

    async fn send(&self, channel: Channel, row: &Row, message: &Message) -> Result<(), String> {
        let letter: Letter = db::from_json(&message.body)
            .map_err(|_| "A message of another version of Storekeep cannot be read.".to_owned())?;
        let id = format!("{}.{}", message.id, message.created_at.timestamp_micros());
        self.send_letter(channel, row, &letter, &id).await
    }

    /// Sends a letter by what is stored of a channel. The error is fit to be read by administrators.
    pub(super) async fn send_letter(
        &self,
        channel: Channel,
        row: &Row,
        letter: &Letter,
        id: &str,
    ) -> Result<(), String> {
        let parts = self.parts();
        let unreadable = |_| "What is stored of the channel cannot be read. Save it again.".to_owned();
        let secret = parts.vault.open(row).map_err(|_| {
            "Its password or secret cannot be decrypted (the encryption key has changed). Enter it again."
                .to_owned()
        })?;
        let (now, public_url) = (parts.clock.now(), parts.public_url.get());
        let sending = async {
            match channel {
                Channel::Email => {
                    let config = convert::mail(row).map_err(unreadable)?;
                    mail::send(&config, secret.as_ref(), letter, id, now, public_url).await
                }
                Channel::Webhook => {
                    let config = convert::hook(row).map_err(unreadable)?;
                    let delivery = id.split('.').next().unwrap_or(id);
                    let stamp = webhook::Stamp { delivery, now, public_url };
                    webhook::send(&config, secret.as_ref(), letter, &stamp).await
                }
            }
        };
        let sent = tokio::time::timeout(LIMIT, sending).await.unwrap_or_else(|_| {
            Err(format!(
                "It took longer than {} seconds. Check the address and the network between.",
                LIMIT.as_secs()
            ))
        });
        sent.map_err(|reason| parts.vault.redact(&reason))
    }

    async fn not_sent(&self, channel: Channel, message: &Message, reason: &str) -> Result<(), db::Error> {
        let parts = self.parts();
        let attempt = message.attempts + 1;
        let pause = usize::try_from(message.attempts).ok().and_then(|n| PAUSES.get(n));
        tracing::warn!(
            message.id = message.id,
            channel = convert::kind(channel),
            event = message.event,
            attempt,
            given_up = pause.is_none(),
            reason,
            "a message could not be sent"
        );
        match pause {
            Some(pause) => {
                repo::put_off(&parts.db, message.id, attempt, parts.clock.now() + *pause).await?;
                if attempt >= TOLD_FROM {
                    self.tell_failing(channel, Severity::Warning, reason, "It is tried again by itself.")
                        .await?;
                }
            }
            None => {
                repo::remove(&parts.db, message.id).await?;
                let given_up =
                    "A message was given up after six attempts. Mend the channel and send a test message.";
                self.tell_failing(channel, Severity::Error, reason, given_up).await?;
            }
        }
        Ok(())
    }

    /// One notice for each channel while it fails.
    async fn tell_failing(
        &self,
        channel: Channel,
        severity: Severity,
        reason: &str,
        next: &str,
    ) -> Result<(), db::Error> {
        let title = match channel {
            Channel::Email => "Messages by e-mail do not get through",
            Channel::Webhook => "Messages to the webhook do not get through",
        };
        let (message, key) = (&format!("{reason} {next}"), &notice_key(channel));
        self.parts().notifications.replace(&Notice { severity, title, message, key }).await
    }
}

/// Where the inbox keeps the matter of a channel.
pub(super) fn notice_key(channel: Channel) -> String {
    format!("channel:{}", convert::kind(channel))
}
