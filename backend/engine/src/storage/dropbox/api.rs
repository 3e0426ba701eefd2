//! Calls of the HTTP API. A route either takes and gives JSON, or takes or gives bytes and has its arguments in a header.

use super::NAME;
use super::fault::{self, Fault};
use crate::storage::account::Account;
use crate::storage::http::{self, Answer, Wanted};
use crate::storage::{ByteStream, Error, ErrorKind, Result, Secret};
use bytes::Bytes;
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// What a route answers: its result, or its own refusal.
pub(super) type Outcome<T> = std::result::Result<T, Fault>;

pub(super) struct Api {
    pub account: Arc<Account>,
    /// Up to the version, with a slash at the end.
    rpc: Url,
    content: Url,
}

/// What lies at a path.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub(super) enum Metadata {
    File(File),
    Folder(Named),
    Deleted(Named),
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct File {
    pub name: String,
    pub path_lower: Option<String>,
    pub path_display: Option<String>,
    pub rev: String,
    pub size: u64,
    pub content_hash: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Named {
    pub name: String,
    pub path_lower: Option<String>,
}

impl Api {
    pub fn new(account: Arc<Account>, base: Option<&Url>) -> Api {
        let (rpc, content) = match base {
            Some(base) => (below(base, "2/"), below(base, "2/")),
            None => {
                (constant("https://api.dropboxapi.com/2/"), constant("https://content.dropboxapi.com/2/"))
            }
        };
        Api { account, rpc, content }
    }

    /// A route that takes and gives JSON; `null` is the argument of one that takes none.
    pub async fn rpc<T: DeserializeOwned>(&self, route: &str, arg: &Value) -> Result<Outcome<T>> {
        let url = below(&self.rpc, route);
        let request =
            |token: &Secret| self.account.http.post(url.clone()).bearer_auth(token.expose()).json(arg);
        let answer = self.account.call(http::QUICK, request).await?;
        Ok(match self.judge(answer)? {
            Ok(answer) => Ok(answer.json()?),
            Err(fault) => Err(fault),
        })
    }

    /// A route that takes bytes.
    pub async fn send<T: DeserializeOwned>(
        &self,
        route: &str,
        arg: &Value,
        body: &Bytes,
        limit: Duration,
    ) -> Result<Outcome<T>> {
        let (url, arg) = (below(&self.content, route), header_json(arg));
        let request = |token: &Secret| {
            let request = self.content(&url, token, &arg);
            // The client sends no length with an empty body.
            let request = if body.is_empty() { request.header("content-length", "0") } else { request };
            request.header("content-type", "application/octet-stream").body(body.clone())
        };
        let answer = self.account.call(limit, request).await?;
        Ok(match self.judge(answer)? {
            // A result is JSON, be it `null`: a success without is a proxy's.
            Ok(answer) => Ok(answer.json()?),
            Err(fault) => Err(fault),
        })
    }

    /// The content of a file from an offset on; `key` is what messages call it.
    pub async fn download(&self, path: &str, key: &str, offset: u64) -> Result<Outcome<ByteStream>> {
        let (url, arg) = (below(&self.content, "files/download"), header_json(&json!({ "path": path })));
        let request = |token: &Secret| {
            // Without a body there is no length either, and some proxies insist on one.
            let request = self.content(&url, token, &arg).header("content-length", "0");
            if offset > 0 { request.header("range", format!("bytes={offset}-")) } else { request }
        };
        let outcome = self.account.stream(request).await?;
        match outcome {
            Ok((head, stream)) => {
                let wanted = Wanted { provider: NAME, key, offset, size_bytes: size_of(&head, key)? };
                Ok(Ok(wanted.of(&head, stream)?))
            }
            Err(answer) => match self.judge(answer)? {
                Err(fault) => Ok(Err(fault)),
                Ok(answer) => Err(fault::refused(&answer, None)),
            },
        }
    }

    fn content(&self, url: &Url, token: &Secret, arg: &str) -> RequestBuilder {
        let request = self.account.http.post(url.clone()).bearer_auth(token.expose());
        request.header("dropbox-api-arg", arg)
    }

    /// Sorts an answer out, and keeps the pause that it may ask for.
    fn judge(&self, answer: Answer) -> Result<Outcome<Answer>> {
        if answer.is_success() {
            return Ok(Ok(answer));
        }
        if answer.status == 409 {
            return match Fault::read(&answer.body) {
                Some(fault) => Ok(Err(fault)),
                None => Err(Error::new(
                    ErrorKind::Unavailable,
                    "Dropbox refused a request for a reason that cannot be read.",
                )),
            };
        }
        let mut wait = answer.retry_after(self.account.time.now());
        if answer.status == 429 && wait.is_none() {
            wait = fault::wait_in_body(&answer);
            if let Some(wait) = wait {
                self.account.close_for(wait);
            }
        }
        Err(fault::refused(&answer, wait))
    }

    /// What lies at `path`, which is not the root; `None` for nothing.
    pub async fn look(&self, path: &str, what: &str) -> Result<Option<Metadata>> {
        match self.rpc("files/get_metadata", &json!({ "path": path })).await? {
            Ok(Metadata::Deleted(_)) => Ok(None),
            Ok(found) => Ok(Some(found)),
            Err(fault) if fault.is("path/not_found") => Ok(None),
            Err(fault) => Err(fault.into_error(what)),
        }
    }
}

/// `route` below a base, whether or not that ends in a slash.
pub(super) fn below(base: &Url, route: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{route}", base.path().trim_end_matches('/')));
    url
}

#[expect(clippy::expect_used, reason = "constants of this module, each of them read by a test")]
pub(super) fn constant(url: &str) -> Url {
    Url::parse(url).expect("a URL")
}

/// JSON as a header can carry it: whatever is not printable ASCII is escaped.
fn header_json(arg: &Value) -> String {
    let mut text = String::new();
    for c in arg.to_string().chars() {
        if (' '..='~').contains(&c) {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing into a string does not fail.
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

#[derive(Deserialize)]
struct Sized {
    size: u64,
}

/// How large the file of a download is, as Dropbox says beside it. A success that does not say so is not Dropbox's.
fn size_of(head: &Answer, key: &str) -> Result<u64> {
    let told = head.headers.get("dropbox-api-result");
    // Names in it may be in any encoding.
    let told = told.map(|told| String::from_utf8_lossy(told.as_bytes()));
    let told = told.and_then(|told| serde_json::from_str::<Sized>(&told).ok());
    told.map(|told| told.size).ok_or_else(|| {
        let text = format!(
            "Something before Dropbox answered in place of the content of `{key}`. Check this server's proxy."
        );
        Error::new(ErrorKind::Unavailable, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("/plain", r#"{"path":"/plain"}"#)]
    #[case("/Für", r#"{"path":"/F\u00fcr"}"#)]
    #[case("/日本/☃", r#"{"path":"/\u65e5\u672c/\u2603"}"#)]
    #[case("/🦀", r#"{"path":"/\ud83e\udd80"}"#)]
    #[case("/\"q\\", r#"{"path":"/\"q\\"}"#)]
    #[case("/\u{7f}\u{80}", r#"{"path":"/\u007f\u0080"}"#)]
    #[case("/a%20#b?", r#"{"path":"/a%20#b?"}"#)]
    fn arguments_in_headers_are_ascii(#[case] path: &str, #[case] expected: &str) {
        let text = header_json(&json!({ "path": path }));
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({ "path": path }));
        assert!(reqwest::header::HeaderValue::from_str(&text).is_ok());
    }

    #[rstest]
    #[case("http://127.0.0.1:7", "http://127.0.0.1:7/2/files/download")]
    #[case("http://127.0.0.1:7/", "http://127.0.0.1:7/2/files/download")]
    #[case("http://127.0.0.1:7/dropbox", "http://127.0.0.1:7/dropbox/2/files/download")]
    fn another_base_may_have_a_path(#[case] base: &str, #[case] expected: &str) {
        assert_eq!(below(&below(&constant(base), "2/"), "files/download").as_str(), expected);
    }

    #[rstest]
    #[case(Some(r#"{"name": "a", "size": 10}"#.as_bytes()), Some(10))]
    #[case(Some(b"{\"name\": \"F\xfcr\", \"size\": 5000000000}".as_slice()), Some(5_000_000_000))]
    #[case(Some(b"{}".as_slice()), None)]
    #[case(Some(b"10".as_slice()), None)]
    #[case(None, None)]
    fn the_size_of_a_download_is_told_beside_it(#[case] told: Option<&[u8]>, #[case] size: Option<u64>) {
        let mut headers = reqwest::header::HeaderMap::new();
        if let Some(told) = told {
            let told = reqwest::header::HeaderValue::from_bytes(told).unwrap();
            headers.insert("dropbox-api-result", told);
        }
        let head = Answer { status: 200, headers, body: Bytes::new() };
        assert_eq!(size_of(&head, "x").map_err(|e| e.kind), size.ok_or(ErrorKind::Unavailable));
    }
}
