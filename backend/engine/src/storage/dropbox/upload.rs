//! Storing an object: a session that bytes are appended to, then a commit that makes an object of it.
//!
//! Until the commit nothing is seen. How much of a session Dropbox has is what Dropbox says and nothing else; there is no call that asks
//! for it, but appending nothing at an offset is refused with the right one. The state that is saved leads from every point at which
//! this may end back to where it was:
//!
//! - nothing, or no session: begin one;
//! - a session: ask for its offset and send the rest;
//! - a session and the hash of the whole: commit. If the session is gone, a commit was done, which then shows in the object.

use super::api::{Metadata, Outcome};
use super::commit::{Commit, Full};
use super::content_hash::ContentHash;
use super::fault::Fault;
use super::folder::{Folder, named};
use super::source::{Chunk, Source};
use super::state::State;
use crate::storage::http;
use crate::storage::{Body, Error, ErrorKind, Result, Stored, There};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

/// The largest file that Dropbox takes.
const MAX_BYTES: u64 = 2_199_019_061_248;

/// One attempt.
struct Attempt<'a> {
    folder: &'a Folder,
    key: &'a str,
    path: String,
    body: &'a dyn Body,
    state: State,
    /// What Dropbox has of the session, as it said last.
    at: u64,
}

#[derive(Deserialize)]
struct Begun {
    session_id: String,
}

pub(super) async fn put(folder: &Folder, key: &str, body: &dyn Body) -> Result<Stored> {
    let path = folder.path(key)?;
    if body.size_bytes() > MAX_BYTES {
        return Err(Fault::tagged("too_large").into_error(&named(key)));
    }
    let state = State::load(folder, key, body).await?;
    let mut attempt = Attempt { folder, key, path, body, state, at: 0 };
    match attempt.run().await {
        Ok(verified) => {
            folder.sessions.remove(key).await?;
            // Dropbox's hash is of the bytes that have this one.
            let sha256 = attempt.state.sha256.filter(|_| verified);
            Ok(Stored { size_bytes: body.size_bytes(), sha256 })
        }
        Err(error) => Err(attempt.failed(error).await),
    }
}

impl Attempt<'_> {
    /// Goes on where the state says, to the end; true if Dropbox's hash of the object was compared.
    async fn run(&mut self) -> Result<bool> {
        if self.state.session.is_some() && !self.find_offset().await? {
            if let Some(done) = self.look_for_a_commit().await? {
                return Ok(done);
            }
            self.lose_session().await?;
        }
        let whole_is_there = self.state.session.is_some() && self.at == self.state.size_bytes;
        match self.state.content_hash.clone() {
            // It was read and sent as a whole; nothing would be learnt by reading it again.
            Some(hash) if whole_is_there => self.commit(hash).await,
            _ => {
                let hash = self.send().await?;
                self.state.content_hash = Some(hash.clone());
                self.state.save(self.folder, self.key).await?;
                self.commit(hash).await
            }
        }
    }

    /// Asks how much Dropbox has; false when the session is of no use any more.
    async fn find_offset(&mut self) -> Result<bool> {
        let fault = match self.append(self.state.reached, &Bytes::new(), None).await? {
            Ok(_) => {
                self.at = self.state.reached;
                return Ok(true);
            }
            Err(fault) => fault,
        };
        match fault.correct_offset {
            Some(offset) if offset <= self.state.size_bytes => {
                self.at = offset;
                Ok(offset >= self.state.reached || self.fall_back().await?)
            }
            // More than there is to send.
            Some(_) => Ok(false),
            None if fault.is_session_gone() => Ok(false),
            None => Err(fault.into_error(&named(self.key))),
        }
    }

    /// Dropbox has less than it had confirmed.
    async fn fall_back(&mut self) -> Result<bool> {
        let trusted = self.state.falls_back();
        if trusted {
            self.state.save(self.folder, self.key).await?;
        }
        Ok(trusted)
    }

    /// The session is gone: if a commit had been asked for, that may be why.
    async fn look_for_a_commit(&self) -> Result<Option<bool>> {
        let Some(hash) = &self.state.content_hash else { return Ok(None) };
        match self.folder.cloud.api.look(&self.path, &named(self.key)).await? {
            Some(Metadata::File(file))
                if file.size == self.state.size_bytes && file.content_hash.as_ref() == Some(hash) =>
            {
                Ok(Some(true))
            }
            _ => Ok(None),
        }
    }

    async fn lose_session(&mut self) -> Result<()> {
        self.at = 0;
        self.state.lose_session(self.folder, self.key).await
    }

    /// Sends what Dropbox does not have yet; returns its hash of the whole.
    async fn send(&mut self) -> Result<String> {
        if self.state.session.is_none() {
            self.check_target().await?;
        }
        let length = self.folder.cloud.tuning.chunk;
        self.body.already_there(&There::first(self.at));
        let mut source = Source::open(self.key, self.body).await?;
        source.skip_to(self.at).await?;
        while let Some(chunk) = source.chunk(length).await? {
            if self.state.session.is_none() {
                if chunk.bytes.len() as u64 == self.state.size_bytes {
                    // A small object goes with the first request.
                    self.begin(Some(chunk)).await?;
                    continue;
                }
                self.begin(None).await?;
            }
            self.send_chunk(chunk).await?;
        }
        let hash = source.finish().await?;
        if self.state.session.is_none() {
            self.begin(None).await?;
        }
        Ok(hash)
    }

    /// Says before the first byte what would otherwise be said after the last.
    async fn check_target(&self) -> Result<()> {
        let (api, what) = (&self.folder.cloud.api, named(self.key));
        let size_bytes = self.state.size_bytes;
        if size_bytes <= self.folder.cloud.tuning.chunk as u64 {
            return Ok(());
        }
        let replaced = match api.look(&self.path, &what).await? {
            Some(Metadata::File(file)) => file.size,
            Some(_) => return Err(Fault::tagged("path/conflict/folder").into_error(&what)),
            None => 0,
        };
        let space = api.space().await?;
        match space.free_bytes() {
            Some(free) if free.saturating_add(replaced) < size_bytes => Err(space.full(&what, size_bytes)),
            _ => Ok(()),
        }
    }

    /// Opens a session, with the whole object if that is one chunk.
    async fn begin(&mut self, whole: Option<Chunk>) -> Result<()> {
        let (arg, bytes) = match whole {
            Some(chunk) => (json!({ "close": false, "content_hash": chunk.hash }), chunk.bytes),
            None => (json!({ "close": false }), Bytes::new()),
        };
        let limit = http::sending(bytes.len() as u64);
        let begun: Outcome<Begun> =
            self.folder.cloud.api.send("files/upload_session/start", &arg, &bytes, limit).await?;
        let begun = begun.map_err(|fault| fault.into_error(&named(self.key)))?;
        self.state.session = Some(begun.session_id);
        self.state.save(self.folder, self.key).await?;
        self.at = bytes.len() as u64;
        Ok(())
    }

    async fn append(&self, offset: u64, bytes: &Bytes, hash: Option<&str>) -> Result<Outcome<IgnoredAny>> {
        let session = self.state.session.as_deref().unwrap_or_default();
        let mut arg = json!({ "cursor": { "session_id": session, "offset": offset }, "close": false });
        if let Some(hash) = hash {
            arg["content_hash"] = json!(hash);
        }
        let limit = http::sending(bytes.len() as u64);
        self.folder.cloud.api.send("files/upload_session/append_v2", &arg, bytes, limit).await
    }

    async fn send_chunk(&mut self, chunk: Chunk) -> Result<()> {
        let Chunk { mut bytes, mut hash } = chunk;
        let end = self.at + bytes.len() as u64;
        while self.at < end {
            let fault = match self.append(self.at, &bytes, Some(&hash)).await? {
                Ok(_) => {
                    self.at = end;
                    return Ok(());
                }
                Err(fault) => fault,
            };
            match fault.correct_offset {
                // The request had been stored, in part or as a whole, and came a second time.
                Some(offset) if self.at < offset && offset <= end => {
                    bytes = bytes.slice(usize::try_from(offset - self.at).unwrap_or(bytes.len())..);
                    hash = ContentHash::of(&bytes);
                    self.at = offset;
                }
                // Dropbox has not what it had confirmed. The next attempt asks again, and sends that again.
                Some(offset) if offset <= self.at => {
                    self.at = offset;
                    return Err(self.interrupted("has less of it than it had confirmed"));
                }
                Some(_) => {
                    self.lose_session().await?;
                    return Err(self.interrupted("has more of it than was sent"));
                }
                None if fault.is_session_gone() => {
                    self.lose_session().await?;
                    return Err(self.interrupted("has given it up"));
                }
                None => return Err(fault.into_error(&named(self.key))),
            }
        }
        Ok(())
    }

    fn interrupted(&self, why: &str) -> Error {
        let text = format!("The upload of `{}` was interrupted: Dropbox {why}.", self.key);
        Error::new(ErrorKind::Unavailable, text)
    }

    async fn commit(&mut self, content_hash: String) -> Result<bool> {
        let full = Full {
            path: self.path.clone(),
            what: named(self.key),
            session: self.state.session.clone().unwrap_or_default(),
            size_bytes: self.state.size_bytes,
            content_hash,
        };
        match self.folder.cloud.commit(full).await? {
            Commit::Stored { verified } => Ok(verified),
            Commit::Behind(offset) => {
                self.at = offset;
                Err(self.interrupted("has less of it than it had confirmed"))
            }
            Commit::Gone => {
                self.lose_session().await?;
                Err(self.interrupted("has given it up"))
            }
            Commit::Damaged => {
                let again = self.state.sha256.is_some() && !self.state.damaged;
                let text =
                    format!("What Dropbox stored of `{}` is not what was sent; it was removed.", self.key);
                self.state.damaged = true;
                self.lose_session().await?;
                // Once may be bad luck.
                let kind = if again { ErrorKind::Unavailable } else { ErrorKind::Integrity };
                Err(Error::new(kind, text))
            }
        }
    }

    /// Notes how far this attempt got. Only what is remembered counts as an advance: else a session that keeps losing what it had could
    /// be tried for ever.
    async fn failed(mut self, error: Error) -> Error {
        if self.state.sha256.is_none() || self.state.session.is_none() || self.at <= self.state.reached {
            return error;
        }
        self.state.reached = self.at;
        match self.state.save(self.folder, self.key).await {
            Ok(()) => error.advanced(true),
            Err(unsaved) => {
                tracing::warn!(key = self.key, error = %unsaved, "the progress of an upload could not be noted");
                error
            }
        }
    }
}
