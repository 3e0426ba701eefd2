//! One message by e-mail.

use super::convert::MailConfig;
use super::words::Letter;
use crate::config::Secret;
use chrono::{DateTime, Utc};
use contract::MailSecurity;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{Address, AsyncTransport, Tokio1Executor};
use std::time::Duration;

/// For each step of the conversation; whoever calls limits the whole.
const STEP: Duration = Duration::from_secs(15);

/// The address, or what is wrong with it.
pub fn address(text: &str) -> Result<Address, String> {
    text.parse().map_err(|_| {
        format!("'{text}' is no e-mail address that can be sent to. Write it as name@example.org.")
    })
}

/// Sends it to everybody, or to nobody. `id` is the same for every attempt. The error says what happened and what to do.
pub async fn send(
    config: &MailConfig,
    password: Option<&Secret>,
    letter: &Letter,
    id: &str,
    now: DateTime<Utc>,
    public_url: &str,
) -> Result<(), String> {
    let message = message(config, letter, id, now, public_url)?;
    let server = format!("{}:{}", config.host, config.port);
    let transport = transport(config, password).map_err(|e| explain(&server, &e))?;
    transport.send(message).await.map(|_| ()).map_err(|e| explain(&server, &e))
}

fn message(
    config: &MailConfig,
    letter: &Letter,
    id: &str,
    now: DateTime<Utc>,
    public_url: &str,
) -> Result<Message, String> {
    let from = address(&config.from)?;
    let id = format!("<storekeep.{id}@{}>", from.domain());
    let subject: String = letter.subject.chars().filter(|c| !c.is_control()).collect();
    let mut builder = Message::builder()
        .from(Mailbox::new(Some("Storekeep".into()), from))
        .subject(format!("[Storekeep] {subject}"))
        .date(now.into())
        .message_id(Some(id))
        .header(ContentType::TEXT_PLAIN);
    for to in &config.to {
        builder = builder.to(Mailbox::new(None, address(to)?));
    }
    builder.body(letter.mail(public_url)).map_err(|e| format!("The mail could not be written: {e}."))
}

fn transport(
    config: &MailConfig,
    password: Option<&Secret>,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, Error> {
    let tls = || TlsParameters::new(config.host.clone());
    let tls = match config.security {
        MailSecurity::Tls => Tls::Wrapper(tls()?),
        MailSecurity::Starttls => Tls::Required(tls()?),
        MailSecurity::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.clone())
        .port(config.port)
        .timeout(Some(STEP))
        .tls(tls);
    if !config.username.is_empty() {
        let password = password.map(|p| p.expose().to_owned()).unwrap_or_default();
        builder = builder.credentials(Credentials::new(config.username.clone(), password));
    }
    Ok(builder.build())
}

fn explain(server: &str, error: &Error) -> String {
    let mut detail = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let text = inner.to_string();
        if !detail.contains(&text) {
            detail = format!("{detail}: {text}");
        }
        source = inner.source();
    }
    let what = if error.is_timeout() {
        "did not answer in time. Check its name, its port and the firewall between"
    } else if error.is_tls() {
        "did not agree on TLS. Check its certificate, and whether port and security fit together"
    } else if error.is_permanent() || error.is_transient() {
        "refused the message. Check the user name, the password and the addresses"
    } else {
        "could not be talked to. Check its name, its port and whether port and security fit together"
    };
    format!("The mail server {server} {what} ({detail}).")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> MailConfig {
        MailConfig {
            host: "smtp.example.org".into(),
            from: "backups@example.org".into(),
            to: vec!["ops@example.org".into(), "boss@example.org".into()],
            ..MailConfig::default()
        }
    }

    #[test]
    fn a_mail_is_plain_and_no_title_adds_a_header() {
        let letter =
            Letter { subject: "Backup failed: Größe\r\nBcc: eve@example.org".into(), ..Letter::test() };
        let now = "2026-03-02T10:00:00Z".parse().unwrap();
        let mail = message(&config(), &letter, "7.1", now, "https://storekeep.example.org").unwrap();
        let text = String::from_utf8(mail.formatted()).unwrap();
        assert!(text.contains("Message-ID: <storekeep.7.1@example.org>\r\n"), "{text}");
        assert!(text.contains("Date: Mon, 02 Mar 2026 10:00:00 +0000\r\n"), "{text}");
        assert!(text.contains("To: ops@example.org, boss@example.org\r\n"), "{text}");
        assert!(text.contains("Content-Type: text/plain; charset=utf-8\r\n"), "{text}");
        assert!(!text.contains("\r\nBcc:"), "{text}");
    }

    #[test]
    fn an_address_that_cannot_be_sent_to_is_named() {
        let config = MailConfig { to: vec!["no body".into()], ..config() };
        let now = "2026-03-02T10:00:00Z".parse().unwrap();
        let error = message(&config, &Letter::test(), "7", now, "https://x").unwrap_err();
        assert!(error.contains("'no body'"), "{error}");
    }
}
