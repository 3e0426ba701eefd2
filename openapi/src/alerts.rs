//! Being told: where word is sent when a backup fails, is missed, or works again.

use crate::auth::opaque_debug;
use crate::check::{self, Check};
use crate::problem::FieldError;
use serde::{Deserialize, Serialize};
use validator::Validate;

/// More people than this read a mailing list.
pub const MAX_RECIPIENTS: usize = 20;

/// A way to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Email,
    Webhook,
}

impl Channel {
    pub const ALL: [Channel; 2] = [Channel::Email, Channel::Webhook];
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    /// From the first byte on; usually port 465.
    #[default]
    Tls,
    /// Changes to TLS before anything else is said, or fails; usually port 587.
    Starttls,
    /// In clear: for a relay on the same machine or network.
    None,
}

/// Messages by e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EmailAlerts {
    pub enabled: bool,
    pub host: String,
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 65535))]
    pub port: i32,
    pub security: MailSecurity,
    /// Empty when the server wants nobody to sign in.
    pub username: String,
    /// The password itself is never given out.
    pub password_set: bool,
    pub from: String,
    pub to: Vec<String>,
}

/// Messages to a web address, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookAlerts {
    pub enabled: bool,
    pub url: String,
    /// The secret itself is never given out.
    pub secret_set: bool,
    /// Also addresses in private networks and of the machine itself.
    pub allow_private: bool,
}

/// Where word is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Alerts {
    pub email: EmailAlerts,
    pub webhook: WebhookAlerts,
    /// Changes with every save; the `ETag` of these.
    pub revision: i64,
}

#[derive(Clone, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EmailAlertsInput {
    pub enabled: bool,
    /// The name or address of the mail server, without a port.
    #[validate(custom(function = "host_rule"))]
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 253))]
    pub host: String,
    #[validate(range(
        min = 1,
        max = 65535,
        message = "Use a port from 1 to 65535; mail servers have 465 (TLS) or 587 (STARTTLS)."
    ))]
    #[serde(default = "smtps")]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 65535))]
    pub port: i32,
    #[serde(default)]
    pub security: MailSecurity,
    #[validate(
        length(max = 254, message = "Use at most 254 characters."),
        custom(function = "check::one_line")
    )]
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 254))]
    pub username: String,
    /// The stored one stays when this is left out; empty, it is removed. Another host needs it again.
    #[validate(
        length(max = 1000, message = "Use at most 1000 characters."),
        custom(function = "check::one_line")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_length = 1000))]
    pub password: Option<String>,
    /// The sender's address.
    #[validate(custom(function = "address_rule"))]
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 254))]
    pub from: String,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_items = 20))]
    pub to: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WebhookAlertsInput {
    pub enabled: bool,
    /// `http` or `https`. Redirects are not followed.
    #[validate(custom(function = "url_rule"))]
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 500))]
    pub url: String,
    /// Signs what is sent. The stored one stays when this is left out; empty, it is removed.
    #[validate(custom(function = "secret_rule"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_length = 500))]
    pub secret: Option<String>,
    #[serde(default)]
    pub allow_private: bool,
}

/// Saves all of it.
#[derive(Clone, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AlertsInput {
    #[validate(nested)]
    pub email: EmailAlertsInput,
    #[validate(nested)]
    pub webhook: WebhookAlertsInput,
}

opaque_debug!(EmailAlertsInput, WebhookAlertsInput, AlertsInput);

/// Sends a message for a test, by what is saved, whether it is switched on or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AlertTestInput {
    pub channel: Channel,
}

impl Check for AlertTestInput {
    fn check(&self) -> Vec<FieldError> {
        Vec::new()
    }
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AlertTestReport {
    pub ok: bool,
    /// Where it went, or why it did not and what to do.
    pub message: String,
}

fn smtps() -> i32 {
    465
}

fn host_rule(host: &str) -> Result<(), validator::ValidationError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.len() > 253
        || !host.chars().all(fine)
        || (host.contains(':') && host.parse::<std::net::IpAddr>().is_err())
    {
        let message = "Write the name of the mail server alone, such as smtp.example.org; the port has a field of its own.";
        return Err(check::error("format", message));
    }
    Ok(())
}

fn address_rule(address: &str) -> Result<(), validator::ValidationError> {
    match address.is_empty() || is_address(address) {
        true => Ok(()),
        false => Err(check::error("format", ADDRESS)),
    }
}

const ADDRESS: &str = "Write a plain e-mail address, such as backups@example.org.";

fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"@".contains(c);
    let label = |l: &str| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || c == '-');
    address.len() <= 254 && !local.is_empty() && !local.contains(odd) && domain.split('.').all(label)
}

fn url_rule(url: &str) -> Result<(), validator::ValidationError> {
    if url.is_empty() { Ok(()) } else { check::web_address(url) }
}

fn secret_rule(secret: &str) -> Result<(), validator::ValidationError> {
    if !secret.is_empty() && !(16..=500).contains(&secret.len()) {
        return Err(check::error(
            "length",
            "Use 16 to 500 characters; `openssl rand -hex 32` makes a good one.",
        ));
    }
    check::one_line(secret)
}

/// Nothing that leaves the machine.
fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl Check for AlertsInput {
    fn check(&self) -> Vec<FieldError> {
        let mut errors = self.validate().err().map(|e| check::flatten(&e)).unwrap_or_default();
        let mut add = |field: String, code: &str, message: &str| {
            errors.push(FieldError::new(field, code, message));
        };
        let email = &self.email;
        if email.to.len() > MAX_RECIPIENTS {
            add("email.to".into(), "length", "Use at most 20 addresses; a mailing list takes more.");
        }
        for (i, _) in email.to.iter().enumerate().filter(|(_, address)| !is_address(address)) {
            add(format!("email.to[{i}]"), "format", ADDRESS);
        }
        if email.security == MailSecurity::None && !email.username.is_empty() && !is_this_machine(&email.host)
        {
            let message =
                "The password would travel in clear. Choose TLS or STARTTLS, or leave the user name out.";
            add("email.security".into(), "conflict", message);
        }
        if email.enabled {
            if email.host.is_empty() {
                add("email.host".into(), "required", "Enter the mail server, or switch e-mail off.");
            }
            if email.from.is_empty() {
                add("email.from".into(), "required", "Enter the address that messages come from.");
            }
            if email.to.is_empty() {
                add("email.to".into(), "required", "Enter at least one address that messages go to.");
            }
        }
        if self.webhook.enabled && self.webhook.url.is_empty() {
            add("webhook.url".into(), "required", "Enter the address of the webhook, or switch it off.");
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> AlertsInput {
        serde_json::from_value(serde_json::json!({
            "email": {"enabled": true, "host": "smtp.example.org", "username": "u", "from": "a@example.org", "to": ["b@example.org"]},
            "webhook": {"enabled": true, "url": "https://hooks.example.org/x", "secret": "0123456789abcdef"},
        }))
        .unwrap()
    }

    fn fields(change: impl FnOnce(&mut AlertsInput)) -> Vec<(String, String)> {
        let mut input = input();
        change(&mut input);
        input.check().into_iter().map(|e| (e.field, e.code)).collect()
    }

    fn one(field: &str, code: &str) -> Vec<(String, String)> {
        vec![(field.into(), code.into())]
    }

    #[test]
    fn a_whole_set_passes_and_so_does_an_empty_one_that_is_off() {
        assert_eq!(fields(|_| {}), vec![]);
        let off = serde_json::json!({"email": {"enabled": false}, "webhook": {"enabled": false}});
        let off: AlertsInput = serde_json::from_value(off).unwrap();
        assert_eq!((off.check(), off.email.port), (vec![], 465));
    }

    #[test]
    fn what_is_on_needs_to_know_where_to() {
        assert_eq!(fields(|i| i.email.host.clear()), one("email.host", "required"));
        assert_eq!(fields(|i| i.email.from.clear()), one("email.from", "required"));
        assert_eq!(fields(|i| i.email.to.clear()), one("email.to", "required"));
        assert_eq!(fields(|i| i.webhook.url.clear()), one("webhook.url", "required"));
    }

    #[test]
    fn what_cannot_work_is_named() {
        for host in ["smtp.example.org:465", "a b", "ü.example", "http://x"] {
            assert_eq!(fields(|i| i.email.host = host.into()), one("email.host", "format"), "{host}");
        }
        assert_eq!(fields(|i| i.email.host = "::1".into()), vec![]);
        assert_eq!(fields(|i| i.email.port = 0), one("email.port", "range"));
        for address in
            ["a", "a@", "@b.org", "A <a@b.org>", "a@b.org\r\nBcc: c@d.org", "a b@c.org", "a@b..org"]
        {
            assert_eq!(
                fields(|i| i.email.to = vec![address.into()]),
                one("email.to[0]", "format"),
                "{address}"
            );
        }
        assert_eq!(fields(|i| i.email.password = Some("a\nb".into())), one("email.password", "format"));
        assert_eq!(fields(|i| i.webhook.url = "ftp://x".into()), one("webhook.url", "format"));
        assert_eq!(fields(|i| i.webhook.url = "https://u:p@x".into()), one("webhook.url", "format"));
        assert_eq!(fields(|i| i.webhook.secret = Some("short".into())), one("webhook.secret", "length"));
        assert_eq!(fields(|i| i.webhook.secret = Some(String::new())), vec![]);
    }

    #[test]
    fn a_password_leaves_the_machine_encrypted_alone() {
        assert_eq!(fields(|i| i.email.security = MailSecurity::None), one("email.security", "conflict"));
        let here = |i: &mut AlertsInput| {
            i.email.security = MailSecurity::None;
            i.email.host = "localhost".into();
        };
        assert_eq!(fields(here), vec![]);
    }

    #[test]
    fn nothing_of_it_is_shown_by_debug_output() {
        assert_eq!(format!("{:?}", input()), "AlertsInput(..)");
    }
}
