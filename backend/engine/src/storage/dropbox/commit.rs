//! Making an object of a session: one at a time for an account, with a look at what is there, and at what came of it.

use super::Dropbox;
use super::api::{File, Metadata, Outcome};
use super::fault::Fault;
use crate::storage::{Error, ErrorKind, Result};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Dropbox puts large files together for minutes.
const FINISH: Duration = Duration::from_secs(15 * 60);
/// How often a hash that did not come with the answer is asked for.
const HASH_TRIES: u32 = 3;
const HASH_WAIT: Duration = Duration::from_secs(1);

/// A session that holds a whole content.
#[derive(Clone)]
pub(super) struct Full {
    pub path: String,
    /// As messages call it.
    pub what: String,
    pub session: String,
    pub size_bytes: u64,
    /// Dropbox's hash of it.
    pub content_hash: String,
}

pub(super) enum Commit {
    /// It is there; `verified` if Dropbox's hash of it is ours, and not merely its size.
    Stored { verified: bool },
    /// Dropbox has not all of the bytes, but so many.
    Behind(u64),
    /// The session is gone, and the object is not there.
    Gone,
    /// What was stored is not what was sent. It was removed again.
    Damaged,
}

impl Full {
    fn is_in(&self, found: &Option<Metadata>) -> bool {
        matches!(found, Some(Metadata::File(file))
            if file.size == self.size_bytes && file.content_hash.as_deref() == Some(&self.content_hash))
    }
}

impl Dropbox {
    /// Commits, and sees it through when the caller goes away meanwhile: once Dropbox was asked, somebody has to wait for what it does, lest
    /// a deletion that follows comes too early.
    pub(super) async fn commit(self: &Arc<Self>, full: Full) -> Result<Commit> {
        let turn = Arc::clone(&self.writes).lock_owned().await;
        let cloud = Arc::clone(self);
        let committing = tokio::spawn(async move {
            let _turn = turn;
            cloud.commit_in_turn(&full).await
        });
        committing.await.map_err(|e| Error::new(ErrorKind::Other, format!("A commit broke off: {e}")))?
    }

    async fn commit_in_turn(&self, full: &Full) -> Result<Commit> {
        let before = self.api.look(&full.path, &full.what).await?;
        // An earlier commit whose answer was lost has done it.
        if full.is_in(&before) {
            return Ok(Commit::Stored { verified: true });
        }
        // What is replaced is what was looked at: if it changes in between, Dropbox refuses.
        let mode = match before {
            None => json!("add"),
            Some(Metadata::File(file)) => json!({ ".tag": "update", "update": file.rev }),
            Some(_) => return Err(Fault::tagged("path/conflict/folder").into_error(&full.what)),
        };
        match self.finish(full, &mode).await? {
            Ok(file) => self.check(full, file).await,
            Err(fault) => self.refused(full, fault).await,
        }
    }

    async fn finish(&self, full: &Full, mode: &Value) -> Result<Outcome<File>> {
        let arg = json!({
            "cursor": { "session_id": full.session, "offset": full.size_bytes },
            "commit": { "path": full.path, "mode": mode, "autorename": false, "mute": true },
        });
        self.api.send("files/upload_session/finish", &arg, &Bytes::new(), FINISH).await
    }

    async fn refused(&self, full: &Full, fault: Fault) -> Result<Commit> {
        if let Some(offset) = fault.correct_offset {
            return Ok(if offset < full.size_bytes { Commit::Behind(offset) } else { Commit::Gone });
        }
        let conflict = fault.is("path/conflict/file");
        if !conflict && !fault.is_session_gone() {
            if fault.has("insufficient_space")
                && let Ok(space) = self.api.space().await
            {
                return Err(space.full(&full.what, full.size_bytes));
            }
            return Err(fault.into_error(&full.what));
        }
        // Perhaps the same commit, sent before or twice, was faster.
        if full.is_in(&self.api.look(&full.path, &full.what).await?) {
            return Ok(Commit::Stored { verified: true });
        }
        if conflict { Err(fault.into_error(&full.what)) } else { Ok(Commit::Gone) }
    }

    /// Compares what Dropbox says it has with what was read.
    async fn check(&self, full: &Full, mut file: File) -> Result<Commit> {
        for _ in 0..HASH_TRIES {
            if file.content_hash.is_some() {
                break;
            }
            self.api.account.time.sleep(HASH_WAIT).await;
            match self.api.look(&full.path, &full.what).await? {
                Some(Metadata::File(found)) => file = found,
                _ => return Err(Error::new(ErrorKind::Unavailable, format!("{} is gone again.", full.what))),
            }
        }
        let verified = file.content_hash.as_deref().map(|hash| hash == full.content_hash);
        if file.size == full.size_bytes && verified != Some(false) {
            if verified.is_none() {
                tracing::warn!(
                    path = full.path,
                    "Dropbox tells no hash of a stored object: its size alone was checked"
                );
            }
            return Ok(Commit::Stored { verified: verified.is_some() });
        }
        if let Err(error) = self.delete_revision(&full.path, &file.rev, &full.what).await {
            tracing::warn!(path = full.path, %error, "a damaged object could not be removed");
        }
        Ok(Commit::Damaged)
    }
}
