//! Between the wire and what is stored of a channel.

use super::repo::{EMAIL, Row, WEBHOOK};
use crate::db;
use contract::{
    Alerts, Channel, EmailAlerts, EmailAlertsInput, MailSecurity, WebhookAlerts, WebhookAlertsInput,
};
use serde::{Deserialize, Serialize};

/// What is stored of the mail server, apart from the password. What a row lacks is empty: the migration makes it so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailConfig {
    pub host: String,
    pub port: u16,
    pub security: MailSecurity,
    pub username: String,
    pub from: String,
    pub to: Vec<String>,
}

impl Default for MailConfig {
    fn default() -> Self {
        MailConfig {
            host: String::new(),
            port: 465,
            security: MailSecurity::Tls,
            username: String::new(),
            from: String::new(),
            to: Vec::new(),
        }
    }
}

/// The same of the webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookConfig {
    pub url: String,
    pub allow_private: bool,
}

impl From<&EmailAlertsInput> for MailConfig {
    fn from(input: &EmailAlertsInput) -> Self {
        MailConfig {
            host: input.host.clone(),
            port: u16::try_from(input.port).unwrap_or_default(),
            security: input.security,
            username: input.username.clone(),
            from: input.from.clone(),
            to: input.to.clone(),
        }
    }
}

impl From<&WebhookAlertsInput> for HookConfig {
    fn from(input: &WebhookAlertsInput) -> Self {
        HookConfig { url: input.url.clone(), allow_private: input.allow_private }
    }
}

/// The name of a channel's row.
pub fn kind(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => EMAIL,
        Channel::Webhook => WEBHOOK,
    }
}

pub fn mail(row: &Row) -> Result<MailConfig, db::Error> {
    db::from_json(&row.config)
}

pub fn hook(row: &Row) -> Result<HookConfig, db::Error> {
    db::from_json(&row.config)
}

pub fn alerts(email: &Row, webhook: &Row) -> Result<Alerts, db::Error> {
    let (mail, hook) = (mail(email)?, hook(webhook)?);
    Ok(Alerts {
        email: EmailAlerts {
            enabled: email.enabled,
            host: mail.host,
            port: mail.port.into(),
            security: mail.security,
            username: mail.username,
            password_set: email.secret_enc.is_some(),
            from: mail.from,
            to: mail.to,
        },
        webhook: WebhookAlerts {
            enabled: webhook.enabled,
            url: hook.url,
            secret_set: webhook.secret_enc.is_some(),
            allow_private: hook.allow_private,
        },
        revision: email.revision,
    })
}
