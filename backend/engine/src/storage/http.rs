//! Requests to providers: no redirect is followed, https or loopback only, every wait ends, answers are bounded, and no URL gets into an
//! error (those of upload sessions are capabilities).

use super::{ByteStream, Error, ErrorKind, Result};
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, Url};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(10);
/// A small call, the reading of its answer included.
pub const QUICK: Duration = Duration::from_secs(60);
/// A stream that gives nothing for so long has broken off.
const SILENCE: Duration = Duration::from_secs(60);
/// The slowest upload that is waited for, in bytes a second.
const SLOWEST: u64 = 64 * 1024;
/// The largest answer that is read whole.
const MAX_ANSWER: usize = 8 << 20;
const AGENT: &str = concat!("ISV|Storekeep|Storekeep/", env!("CARGO_PKG_VERSION"));

/// How long sending `bytes` may take.
pub fn sending(bytes: u64) -> Duration {
    Duration::from_secs(60 + bytes / SLOWEST)
}

/// A client of HTTP APIs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http(Client);

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Http {
    /// # Errors
    /// When the machine has no usable TLS set-up.
    pub fn new() -> Result<Http> {
        // No `timeout` and no `read_timeout`: both run through the whole of an upload. Each request is timed as a whole instead.
        // HTTP/1.1 only: bulk uploads gain nothing from multiplexing, and lose by its flow control.
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .user_agent(AGENT)
            .http1_only()
            .build();
        client.map(Http).map_err(|e| {
            let text = format!("No HTTPS client can be made on this server: {}", chain(&e.without_url()));
            Error::new(ErrorKind::Other, text)
        })
    }

    pub fn get(&self, url: Url) -> RequestBuilder {
        self.0.get(url)
    }

    pub fn post(&self, url: Url) -> RequestBuilder {
        self.0.post(url)
    }

    pub fn put(&self, url: Url) -> RequestBuilder {
        self.0.put(url)
    }

    pub fn patch(&self, url: Url) -> RequestBuilder {
        self.0.patch(url)
    }

    pub fn delete(&self, url: Url) -> RequestBuilder {
        self.0.delete(url)
    }

    /// Sends, and reads the whole answer, within `limit`. An answer of any status is `Ok`.
    ///
    /// A request without a body needs an explicit `content-length: 0` where the server insists on one: the client sends none.
    ///
    /// # Errors
    /// `Unavailable` when there was no whole answer; whether the request took effect is then not known. `InvalidConfig` when the
    /// certificate is not trusted.
    pub async fn call(&self, request: RequestBuilder, limit: Duration) -> Result<Answer> {
        let (client, request) = request.build_split();
        let request = request.map_err(|e| broken("the provider", e))?;
        let host = host(request.url());
        let sending = async {
            let response = client.execute(request).await.map_err(|e| broken(&host, e))?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = whole(response, &host).await?;
            Ok(Answer { status, headers, body })
        };
        tokio::time::timeout(limit, sending).await.map_err(|_| silent(&host, limit))?
    }

    /// Sends, and gives out the body of a successful answer as it comes. Any other answer is the inner `Err`, read whole.
    pub async fn stream(
        &self,
        request: RequestBuilder,
    ) -> Result<std::result::Result<(Answer, ByteStream), Answer>> {
        let (client, request) = request.build_split();
        let request = request.map_err(|e| broken("the provider", e))?;
        let host = host(request.url());
        let response = tokio::time::timeout(QUICK, client.execute(request)).await;
        let response = response.map_err(|_| silent(&host, QUICK))?.map_err(|e| broken(&host, e))?;
        let head = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: Bytes::new(),
        };
        if !response.status().is_success() {
            let body = tokio::time::timeout(QUICK, whole(response, &host)).await;
            let body = body.map_err(|_| silent(&host, QUICK))??;
            return Ok(Err(Answer { body, ..head }));
        }
        let body = futures_util::stream::unfold(Some((response.bytes_stream(), host)), |state| async {
            let (mut stream, host) = state?;
            match tokio::time::timeout(SILENCE, stream.next()).await {
                Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some((stream, host)))),
                Ok(Some(Err(error))) => Some((Err(broken(&host, error).into()), None)),
                Ok(None) => None,
                Err(_) => Some((Err(silent(&host, SILENCE).into()), None)),
            }
        });
        Ok(Ok((head, body.boxed())))
    }
}

async fn whole(response: reqwest::Response, host: &str) -> Result<Bytes> {
    let mut stream = response.bytes_stream();
    let mut body = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.map_err(|e| broken(host, e))?);
        if body.len() > MAX_ANSWER {
            let text = format!("The answer of {host} is larger than any it should give.");
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
    }
    Ok(body.freeze())
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON. What a proxy answers in place of the provider is no JSON: `Unavailable`, worth another try.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|e| {
            let text = format!("The answer ({}) could not be read: {e}.", self.status);
            Error::new(ErrorKind::Unavailable, text)
        })
    }

    /// Whether it is a page for people: those of proxies and of networks that want a sign-in come with any status, and no API gives any.
    pub fn is_page(&self) -> bool {
        let said = self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
        said || self.body.trim_ascii_start().starts_with(b"<")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long the provider asks to wait: seconds or a date.
    pub fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        wait_until(self.header("retry-after")?, now)
    }
}

/// What is wanted of a file at a provider: all that follows `offset`.
pub struct Wanted<'a> {
    /// As messages call it.
    pub provider: &'a str,
    pub key: &'a str,
    pub offset: u64,
    /// Of the whole file.
    pub size_bytes: u64,
}

impl Wanted<'_> {
    /// The content that an answer brings: no less, no more and no other part, whatever the server (or a proxy in its place) gives out.
    pub fn of(&self, head: &Answer, stream: ByteStream) -> Result<ByteStream> {
        let Wanted { provider, key, offset, size_bytes } = *self;
        let start = match head.status {
            // The range was not looked at.
            200 => Some(0),
            206 => {
                let range = head.header("content-range").and_then(|range| range.strip_prefix("bytes "));
                range.and_then(|range| range.split_once('-')?.0.trim().parse().ok())
            }
            _ => None,
        };
        let text = format!("{provider} gave out another part of `{key}` than what was asked for.");
        let other = Error::new(ErrorKind::Unavailable, text);
        let Some(start) = start.filter(|start| *start <= offset) else { return Err(other) };
        // Where the length is told, a page in place of the content shows before its first byte.
        let told = head.header("content-length").and_then(|length| length.parse::<u64>().ok());
        if told.is_some_and(|told| told != size_bytes.saturating_sub(start)) {
            return Err(other);
        }
        let broken = format!("{provider} broke off in the middle of `{key}`, or it was changed meanwhile.");
        let left = Left { stream, skip: offset - start, wanted: size_bytes.saturating_sub(offset), broken };
        Ok(futures_util::stream::unfold(Some(left), |left| async { left?.next().await }).boxed())
    }
}

struct Left {
    stream: ByteStream,
    skip: u64,
    wanted: u64,
    broken: String,
}

impl Left {
    async fn next(mut self) -> Option<(std::io::Result<Bytes>, Option<Left>)> {
        loop {
            let mut chunk = match self.stream.next().await {
                Some(Ok(chunk)) => chunk,
                Some(Err(error)) => return Some((Err(error), None)),
                None if self.wanted == 0 => return None,
                None => return Some((Err(self.broken()), None)),
            };
            let skipped = chunk.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
            let chunk = chunk.split_off(skipped);
            self.skip -= skipped as u64;
            if chunk.is_empty() {
                continue;
            }
            return match self.wanted.checked_sub(chunk.len() as u64) {
                Some(wanted) => Some((Ok(chunk), Some(Left { wanted, ..self }))),
                None => Some((Err(self.broken()), None)),
            };
        }
    }

    fn broken(&self) -> std::io::Error {
        Error::new(ErrorKind::Unavailable, self.broken.clone()).into()
    }
}

/// The value of a `Retry-After`: seconds or a date.
pub(crate) fn wait_until(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::<Utc>::from(httpdate::parse_http_date(value).ok()?);
    Some((at - now).to_std().unwrap_or(Duration::ZERO))
}

/// A base URL: https, or http on the loopback address (a fake of a test, a proxy of the operator's).
pub fn base_url(text: &str) -> std::result::Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|e| format!("`{text}` is not a URL: {e}."))?;
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err(format!("`{text}` has to start with https:// (http:// is for the loopback address only).")),
    }
}

/// A URL that a provider gave out, to be used as it is. The same rule: a capability does not travel in clear.
pub fn given_url(text: &str) -> Result<Url> {
    base_url(text).map_err(|_| {
        Error::new(ErrorKind::Unavailable, "The provider gave out an address that is no https:// URL.")
    })
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or("the provider").to_owned()
}

fn silent(host: &str, limit: Duration) -> Error {
    let text = format!("{host} did not answer within {} seconds.", limit.as_secs());
    Error::new(ErrorKind::Unavailable, text)
}

/// No answer, or half of one.
fn broken(host: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    // An error of the body that was being sent is told as what it is.
    if let Some(ours) = ours(&error) {
        return ours;
    }
    let cause = chain(&error);
    if let Some(error) = untrusted(host, &cause) {
        return error;
    }
    let doing = if error.is_connect() { "cannot be reached" } else { "broke off the connection" };
    let text = format!("{host} {doing}: {cause}. Check this server's network, DNS and proxy.");
    Error::new(ErrorKind::Unavailable, text)
}

/// The error for a connection that failed because of the other side's certificate; `cause` is what was said about it.
pub(crate) fn untrusted(host: &str, cause: &str) -> Option<Error> {
    let signs = ["certificate", "UnknownIssuer", "NotValidForName"];
    signs.iter().any(|sign| cause.contains(sign)).then(|| {
        let text = format!(
            "The certificate of {host} is not trusted: {cause}. A proxy may intercept the connection, or the clock of this \
             server is wrong."
        );
        Error::new(ErrorKind::InvalidConfig, text)
    })
}

fn ours(error: &reqwest::Error) -> Option<Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(e) = cause {
        if let Some(ours) = e.downcast_ref::<Error>() {
            return Some(Error::new(ours.kind.clone(), ours.message.clone()));
        }
        // What a stream of a body fails with is our error inside of an `io::Error`.
        if let Some(io) = e.downcast_ref::<std::io::Error>()
            && let Some(ours) = io.get_ref().and_then(|inner| inner.downcast_ref::<Error>())
        {
            return Some(Error::new(ours.kind.clone(), ours.message.clone()));
        }
        cause = e.source();
    }
    None
}

/// What an error says, with its causes, each once.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(e) = cause {
        let more = e.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = e.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://graph.microsoft.com/v1.0", true)]
    #[case("http://127.0.0.1:8080", true)]
    #[case("http://[::1]:8080/x", true)]
    #[case("http://localhost", true)]
    #[case("http://10.0.0.1", false)]
    #[case("http://localhost.example.org", false)]
    #[case("ftp://example.org", false)]
    #[case("example.org", false)]
    fn base_urls_are_https_or_loopback(#[case] text: &str, #[case] good: bool) {
        assert_eq!(base_url(text).is_ok(), good);
    }

    #[rstest]
    #[case("7", Some(7))]
    #[case("Thu, 26 Nov 2026 10:01:00 GMT", Some(60))]
    #[case("Thu, 26 Nov 2026 09:00:00 GMT", Some(0))]
    #[case("soon", None)]
    fn waits_are_seconds_or_dates(#[case] value: &'static str, #[case] seconds: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", reqwest::header::HeaderValue::from_static(value));
        let answer = Answer { status: 429, headers, body: Bytes::new() };
        let now = "2026-11-26T10:00:00Z".parse().unwrap();
        assert_eq!(answer.retry_after(now).map(|d| d.as_secs()), seconds);
    }

    #[rstest]
    #[case("text/html; charset=utf-8", "", true)]
    #[case("application/xhtml+xml, Text/HTML", "", true)]
    #[case("", "\r\n <!DOCTYPE html>", true)]
    #[case("application/json", "{}", false)]
    #[case("text/plain", "Bad header: <x>", false)]
    #[case("", "", false)]
    fn pages_are_told_from_answers(
        #[case] kind: &'static str,
        #[case] body: &'static str,
        #[case] page: bool,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", reqwest::header::HeaderValue::from_static(kind));
        assert_eq!(Answer { status: 200, headers, body: body.into() }.is_page(), page);
    }

    /// What is read of ten bytes when `sent` comes.
    async fn read(
        status: u16,
        headers: &[(&'static str, &'static str)],
        sent: &'static [u8],
        offset: u64,
    ) -> Option<Vec<u8>> {
        let mut head = Answer { status, headers: HeaderMap::new(), body: Bytes::new() };
        for (name, value) in headers {
            head.headers.insert(*name, reqwest::header::HeaderValue::from_static(value));
        }
        let pieces = sent.chunks(3).map(|piece| Ok(Bytes::from_static(piece)));
        let stream = futures_util::stream::iter(pieces.collect::<Vec<_>>()).boxed();
        let wanted = Wanted { provider: "It", key: "x", offset, size_bytes: 10 };
        let mut stream = wanted.of(&head, stream).ok()?;
        let mut all = Vec::new();
        while let Some(chunk) = stream.next().await {
            all.extend_from_slice(&chunk.ok()?);
        }
        Some(all)
    }

    #[tokio::test]
    async fn only_the_rest_of_a_file_is_given_out_and_all_of_it() {
        let range = |range: &'static str| [("content-range", range)];
        assert_eq!(read(200, &[], b"0123456789", 0).await.unwrap(), b"0123456789");
        assert_eq!(read(200, &[], b"0123456789", 10).await.unwrap(), b"");
        assert_eq!(read(206, &range("bytes 4-9/10"), b"456789", 4).await.unwrap(), b"456789");
        assert_eq!(read(200, &[], b"0123456789", 4).await.unwrap(), b"456789");
        assert_eq!(read(206, &range("bytes 2-9/10"), b"23456789", 4).await.unwrap(), b"456789");
        assert_eq!(read(206, &range("bytes 5-9/10"), b"56789", 4).await, None);
        assert_eq!(read(206, &range("bytes 4-8/10"), b"45678", 4).await, None);
        assert_eq!(read(206, &[], b"456789", 4).await, None);
        assert_eq!(read(204, &[], b"", 4).await, None);
        assert_eq!(read(200, &[], b"012345678", 0).await, None);
        assert_eq!(read(200, &[], b"0123456789+", 0).await, None);
        assert_eq!(read(200, &[("content-length", "10")], b"0123456789", 4).await.unwrap(), b"456789");
        assert_eq!(read(200, &[("content-length", "6")], b"<html>", 4).await, None);
    }

    #[tokio::test]
    async fn who_cannot_be_reached_is_named_without_the_path() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let http = Http::new().unwrap();
        let url = format!("http://127.0.0.1:{port}/session?upload_id=hunter2").parse().unwrap();
        let error = http.call(http.put(url), QUICK).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.message.starts_with("127.0.0.1 cannot be reached"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
