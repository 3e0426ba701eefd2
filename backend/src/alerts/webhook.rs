//! One message to a webhook: signed, to an address that was looked at first, without following anybody anywhere.

use super::address::is_public;
use super::convert::HookConfig;
use super::words::Letter;
use crate::config::Secret;
use chrono::{DateTime, Utc};
use reqwest::{Client, Url};
use ring::hmac;
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use url::Host;

pub const AGENT: &str = concat!("Storekeep/", env!("CARGO_PKG_VERSION"));
const CONNECT: Duration = Duration::from_secs(10);

/// What is sent besides the letter itself.
pub struct Stamp<'a> {
    /// The same for every attempt.
    pub delivery: &'a str,
    pub now: DateTime<Utc>,
    pub public_url: &'a str,
}

/// What went wrong, without the address: it may be a capability.
pub fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// The body of a message: JSON.
fn body(letter: &Letter, stamp: &Stamp<'_>) -> String {
    let mut log = letter.log.as_ref().and_then(|log| serde_json::to_value(log).ok());
    if let Some(log) = log.as_mut().and_then(|log| log.as_object_mut()) {
        log.insert("url".into(), json!(letter.url(stamp.public_url)));
    }
    json!({
        "event": letter.event,
        "backup": letter.backup,
        "log": log,
        "subject": letter.subject,
        "message": letter.message(),
        "sent_at": stamp.now,
    })
    .to_string()
}

/// `t=<unix>,v1=<hex HMAC-SHA256 of "t.body">`: who knows the secret can tell that we sent it, and when.
fn signature(secret: &str, body: &str, now: DateTime<Utc>) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let time = now.timestamp();
    let tag = hmac::sign(&key, format!("{time}.{body}").as_bytes());
    format!("t={time},v1={}", hex::encode(tag.as_ref()))
}

/// Sends it. The error says what happened, to which host, and what to do.
pub async fn send(
    config: &HookConfig,
    secret: Option<&Secret>,
    letter: &Letter,
    stamp: &Stamp<'_>,
) -> Result<(), String> {
    let unreadable = "The address of the webhook cannot be read. Enter it again, beginning with https://.";
    let url = Url::parse(&config.url).map_err(|_| unreadable.to_owned())?;
    let (host, port) = match (url.host(), url.port_or_known_default()) {
        (Some(host), Some(port)) if matches!(url.scheme(), "http" | "https") => (host.to_owned(), port),
        _ => return Err(unreadable.into()),
    };
    let addresses = resolve(&host, port).await?;
    if !config.allow_private {
        check(&host, &addresses)?;
    }
    // A client of its own for each message: it is bound to the addresses that were looked at, so that a name which answers otherwise a moment
    // later leads nowhere else. No proxy: that would look the name up again.
    let mut client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .user_agent(AGENT);
    if let Host::Domain(name) = &host {
        client = client.resolve_to_addrs(name, &addresses);
    }
    let client = client.build().map_err(cause)?;
    let body = body(letter, stamp);
    let mut request = client
        .post(url)
        .header("content-type", "application/json")
        .header("x-storekeep-event", letter.event.name())
        .header("x-storekeep-delivery", stamp.delivery);
    if let Some(secret) = secret {
        request = request.header("x-storekeep-signature", signature(secret.expose(), &body, stamp.now));
    }
    let answer = request.body(body).send().await;
    let answer = answer.map_err(|e| format!("The webhook at {host} could not be reached: {}.", cause(e)))?;
    match answer.status().as_u16() {
        200..=299 => Ok(()),
        status @ 300..=399 => Err(format!(
            "The webhook at {host} answered with a redirect ({status}). Redirects are not followed: enter the address that it leads to."
        )),
        status => Err(format!(
            "The webhook at {host} answered with {status}. Look there why it refuses, and whether the address is right."
        )),
    }
}

async fn resolve(host: &Host<String>, port: u16) -> Result<Vec<SocketAddr>, String> {
    let ip = match host {
        Host::Domain(name) => {
            let found = tokio::net::lookup_host((name.as_str(), port)).await;
            let found: Vec<SocketAddr> = found
                .map_err(|e| format!("The name of the webhook's host {name} could not be looked up: {e}."))?
                .collect();
            if found.is_empty() {
                return Err(format!("The webhook's host {name} has no address."));
            }
            return Ok(found);
        }
        Host::Ipv4(ip) => IpAddr::V4(*ip),
        Host::Ipv6(ip) => IpAddr::V6(*ip),
    };
    Ok(vec![SocketAddr::new(ip, port)])
}

/// Every address counts: the client may take any of them.
fn check(host: &Host<String>, addresses: &[SocketAddr]) -> Result<(), String> {
    match addresses.iter().find(|address| !is_public(address.ip())) {
        Some(_) => Err(format!(
            "The webhook's host {host} has a private address, which nothing was sent to. Allow private addresses if it belongs to you."
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn stamp() -> Stamp<'static> {
        let now = "2026-03-02T10:00:00Z".parse().unwrap();
        Stamp { delivery: "7", now, public_url: "https://storekeep.example.org" }
    }

    #[test]
    fn signatures_are_what_receivers_compute() {
        // printf '1772445600.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let signed = signature("0123456789abcdef", r#"{"a":1}"#, stamp().now);
        let mac = "53c32c3d74bd4745473c767ad7e8c57e64b01bed02e8f224e49ca71f759828d3";
        assert_eq!(signed, format!("t=1772445600,v1={mac}"));
    }

    #[rstest]
    #[case("http://127.0.0.1:9/x")]
    #[case("http://0x7f.1:9/x")]
    #[case("http://2130706433:9/x")]
    #[case("http://localhost:9/x")]
    #[case("http://[::1]:9/x")]
    #[case("http://[::ffff:10.0.0.1]:9/x")]
    #[case("http://169.254.169.254/latest/meta-data")]
    #[tokio::test]
    async fn private_addresses_are_refused_however_they_are_written(#[case] url: &str) {
        let config = HookConfig { url: url.into(), allow_private: false };
        let error = send(&config, None, &Letter::test(), &stamp()).await.unwrap_err();
        assert!(error.contains("private address") && !error.contains("/x"), "{error}");
    }

    #[test]
    fn one_private_address_among_public_ones_is_enough() {
        let host = Host::Domain("both.example.org".to_owned());
        let both: Vec<SocketAddr> = vec!["1.1.1.1:443".parse().unwrap(), "10.0.0.1:443".parse().unwrap()];
        assert!(check(&host, &both[..1]).is_ok());
        assert!(check(&host, &both).is_err());
    }
}
