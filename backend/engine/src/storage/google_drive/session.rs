//! The resumable upload: a session takes a file's bytes in order, says how many it has, and makes the file of them at the end.

use super::GRANULE;
use super::api::Api;
use super::fault::is_googles;
use super::file::{FIELDS, File};
use crate::storage::http::{self, Answer, given_url};
use crate::storage::{Error, ErrorKind, Result, Secret};
use bytes::Bytes;
use reqwest::Url;
use serde_json::Value;
use std::time::Duration;

/// Closing a large file may take Google a while.
const CLOSING: Duration = Duration::from_secs(15 * 60);

/// How a session was begun.
pub(super) enum Start {
    /// Its URL, which is a capability.
    Open(Secret),
    /// There is a file of that id: the session of before has come to its end.
    Taken,
    NoParent,
}

/// What a session says of itself.
pub(super) enum Progress {
    /// Bytes that are stored, and the URL that holds from now on where it changes.
    At(u64, Option<Secret>),
    /// The file is made.
    Done(Box<File>),
    /// There is no such session any more, or it takes nothing any more.
    Gone,
}

impl Api {
    pub async fn start_session(&self, metadata: &Value, size_bytes: u64) -> Result<Start> {
        let mut url = self.upload.clone();
        url.query_pairs_mut().append_pair("uploadType", "resumable").append_pair("fields", FIELDS);
        let request = |http: &http::Http| {
            http.post(url.clone())
                .header("x-upload-content-type", "application/octet-stream")
                .header("x-upload-content-length", size_bytes)
                .json(metadata)
        };
        let answer = self.call(request).await?;
        match answer.status {
            200 => match answer.header("location") {
                Some(location) => Ok(Start::Open(self.given_session(location)?)),
                None => {
                    let text = "Google Drive began an upload without saying where it is.";
                    Err(Error::new(ErrorKind::Unavailable, text))
                }
            },
            409 if is_googles(&answer) => Ok(Start::Taken),
            _ => match self.fault(&answer).await {
                error if error.kind == ErrorKind::NotFound => Ok(Start::NoParent),
                error => Err(error),
            },
        }
    }

    /// How far the session is. An empty body has to say that it is empty.
    pub async fn ask_session(&self, session: &Secret, size_bytes: u64) -> Result<Progress> {
        // One of another base, by now: it ends by itself, wherever that is.
        let Some(url) = self.session_url(session.expose()) else { return Ok(Progress::Gone) };
        let answer = self.call(|http| {
            http.put(url.clone())
                .header("content-length", 0)
                .header("content-range", format!("bytes */{size_bytes}"))
        });
        let answer = answer.await?;
        match self.progress(&answer).await {
            // Another account's by now.
            Err(error) if error.kind == ErrorKind::PermissionDenied => Ok(Progress::Gone),
            progress => progress,
        }
    }

    /// Sends `piece` as what follows `offset`. The last piece of a file makes it; an empty file is one empty piece.
    pub async fn send(
        &self,
        session: &Secret,
        offset: u64,
        piece: &Bytes,
        size_bytes: u64,
    ) -> Result<Progress> {
        let Some(url) = self.session_url(session.expose()) else { return Ok(Progress::Gone) };
        let length = piece.len() as u64;
        let range = match length {
            0 => format!("bytes */{size_bytes}"),
            _ => format!("bytes {offset}-{}/{size_bytes}", offset + length - 1),
        };
        let last = offset + length == size_bytes;
        debug_assert!(last || length.is_multiple_of(GRANULE));
        let limit = http::sending(length) + if last { CLOSING } else { Duration::ZERO };
        let account = &self.account;
        let answer = account.call(limit, |token: &Secret| {
            account
                .http
                .put(url.clone())
                .bearer_auth(token.expose())
                .header("content-length", length)
                .header("content-range", &range)
                .body(piece.clone())
        });
        let answer = answer.await?;
        self.progress(&answer).await
    }

    async fn progress(&self, answer: &Answer) -> Result<Progress> {
        match answer.status {
            200 | 201 => Ok(Progress::Done(Box::new(answer.json()?))),
            308 => {
                let moved = match answer.header("location") {
                    Some(location) => Some(self.given_session(location)?),
                    None => None,
                };
                match stored(answer.header("range")) {
                    Some(bytes) => Ok(Progress::At(bytes, moved)),
                    None => {
                        let text = "Google Drive told the state of an upload in a form that is not known.";
                        Err(Error::new(ErrorKind::Unavailable, text))
                    }
                }
            }
            // Whatever else Google has against a session, a new one is what helps.
            // 499 is how it says that we have cancelled it ourselves.
            400 | 404 | 409 | 410 | 412 | 416 | 499 if is_googles(answer) => Ok(Progress::Gone),
            _ => Err(self.fault(answer).await),
        }
    }

    /// Gives a session up. Gone already is fine.
    pub async fn cancel_session(&self, session: &Secret) -> Result<()> {
        let Some(url) = self.session_url(session.expose()) else { return Ok(()) };
        let answer = self.call(|http| http.delete(url.clone()).header("content-length", 0)).await?;
        // 499 is how Google says that it was cancelled.
        let ended = match answer.status {
            200..=299 => !answer.is_page(),
            400 | 404 | 410 | 499 => is_googles(&answer),
            _ => false,
        };
        if ended {
            return Ok(());
        }
        match self.fault(&answer).await {
            // Another account's by now: it ends by itself.
            error if error.kind == ErrorKind::PermissionDenied => Ok(()),
            error => Err(error),
        }
    }

    /// The address of a session, if it is Google's: with each request to it goes the token.
    fn session_url(&self, session: &str) -> Option<Url> {
        given_url(session).ok().filter(|url| may_have_the_token(url, &self.upload))
    }

    fn given_session(&self, location: &str) -> Result<Secret> {
        match self.session_url(location) {
            Some(_) => Ok(Secret::new(location)),
            None => {
                let text = "Google Drive, or a proxy before it, says that an upload goes on at another host.";
                Err(Error::new(ErrorKind::Unavailable, text))
            }
        }
    }
}

/// Whether an address is where uploads begin, or at another host of Google's API.
fn may_have_the_token(url: &Url, upload: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    url.origin() == upload.origin() || (url.scheme() == "https" && host.ends_with(".googleapis.com"))
}

/// The bytes that `Range: bytes=0-N` stands for; without the header there are none. `None`: not understood.
fn stored(range: Option<&str>) -> Option<u64> {
    match range {
        None => Some(0),
        Some(range) => {
            let last = range.trim().strip_prefix("bytes=0-")?;
            last.parse::<u64>().ok()?.checked_add(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://www.googleapis.com/upload/drive/v3/files?upload_id=x", true)]
    #[case("https://content.googleapis.com/upload", true)]
    #[case("http://www.googleapis.com/upload", false)]
    #[case("https://googleapis.com.example.org/upload", false)]
    #[case("https://evilgoogleapis.com/upload", false)]
    #[case("https://www.googleapis.com@example.org/upload", false)]
    #[case("http://127.0.0.1:7/upload", false)]
    fn the_token_goes_to_google_alone(#[case] session: &str, #[case] may: bool) {
        let upload = "https://www.googleapis.com/upload/drive/v3/files".parse().unwrap();
        assert_eq!(may_have_the_token(&session.parse().unwrap(), &upload), may);
        // Unless it stands in for Google, as the fake of a test does.
        let upload = "http://127.0.0.1:7/upload/drive/v3/files".parse().unwrap();
        assert_eq!(
            may_have_the_token(&session.parse().unwrap(), &upload),
            may || session.contains("127.0.0.1")
        );
    }

    #[rstest]
    #[case(None, Some(0))]
    #[case(Some("bytes=0-0"), Some(1))]
    #[case(Some("bytes=0-262143"), Some(262_144))]
    #[case(Some("bytes=0-6442450943"), Some(6 << 30))]
    #[case(Some("0-262143"), None)]
    #[case(Some("bytes 0-9"), None)]
    #[case(Some("bytes=5-9"), None)]
    #[case(Some("bytes=0-"), None)]
    #[case(Some("bytes=0-18446744073709551615"), None)]
    #[case(Some("rubbish"), None)]
    fn the_range_names_the_last_byte_that_is_stored(#[case] range: Option<&str>, #[case] bytes: Option<u64>) {
        assert_eq!(stored(range), bytes);
    }
}
