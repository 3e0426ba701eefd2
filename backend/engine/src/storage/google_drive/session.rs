//! The resumable upload: a session takes a file's bytes in order, says how many it has, and makes the file of them at the end.

use super::GRANULE;
use super::api::Api;
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
                Some(location) => {
                    given_url(location)?;
                    Ok(Start::Open(Secret::new(location)))
                }
                None => {
                    let text = "Google Drive began an upload without saying where it is.";
                    Err(Error::new(ErrorKind::Unavailable, text))
                }
            },
            409 => Ok(Start::Taken),
            _ => match self.fault(&answer).await {
                error if error.kind == ErrorKind::NotFound => Ok(Start::NoParent),
                error => Err(error),
            },
        }
    }

    /// How far the session is. An empty body has to say that it is empty.
    pub async fn ask_session(&self, session: &Secret, size_bytes: u64) -> Result<Progress> {
        let url = session_url(session)?;
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
        let url = session_url(session)?;
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
                    Some(location) => {
                        given_url(location)?;
                        Some(Secret::new(location))
                    }
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
            400 | 404 | 409 | 410 | 412 | 416 | 499 => Ok(Progress::Gone),
            _ => Err(self.fault(answer).await),
        }
    }

    /// Gives a session up. Gone already is fine.
    pub async fn cancel_session(&self, session: &Secret) -> Result<()> {
        let url = session_url(session)?;
        let answer = self.call(|http| http.delete(url.clone()).header("content-length", 0)).await?;
        // 499 is how Google says that it was cancelled.
        if answer.is_success() || matches!(answer.status, 400 | 404 | 410 | 499) {
            return Ok(());
        }
        match self.fault(&answer).await {
            // Another account's by now: it ends by itself.
            error if error.kind == ErrorKind::PermissionDenied => Ok(()),
            error => Err(error),
        }
    }
}

fn session_url(session: &Secret) -> Result<Url> {
    given_url(session.expose())
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
