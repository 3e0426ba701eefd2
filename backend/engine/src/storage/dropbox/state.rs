//! What is remembered of an upload.

use super::folder::Folder;
use crate::storage::{Body, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// Sessions that may be lost before an upload is given up.
const MAX_LOST: u32 = 3;
/// How often Dropbox may fall behind what it had confirmed before its session is not trusted any more.
const MAX_BACK: u32 = 2;

/// The upload of one content. Has no `Debug`: who knows the session can write into it.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    pub size_bytes: u64,
    /// `None` when the body does not know it: then nothing is remembered, and nothing gone on with.
    pub sha256: Option<String>,
    pub session: Option<String>,
    /// The furthest that an earlier attempt got in this session.
    pub reached: u64,
    /// Dropbox's hash of the whole. Known once the whole was read, found to be right, and sent; a commit may have been asked for since.
    pub content_hash: Option<String>,
    lost: u32,
    back: u32,
    /// What was stored was not what was sent, once.
    pub damaged: bool,
}

impl State {
    /// The state that fits the body, else a new one. What remains of another content is forgotten.
    pub async fn load(folder: &Folder, key: &str, body: &dyn Body) -> Result<State> {
        let new = State {
            size_bytes: body.size_bytes(),
            sha256: body.sha256(),
            session: None,
            reached: 0,
            content_hash: None,
            lost: 0,
            back: 0,
            damaged: false,
        };
        let Some(saved) = folder.sessions.load(key).await? else { return Ok(new) };
        match serde_json::from_str::<State>(&saved) {
            Ok(state)
                if state.sha256.is_some()
                    && state.sha256 == new.sha256
                    && state.size_bytes == new.size_bytes =>
            {
                Ok(state)
            }
            // A session of another content, or of another version of this program, ends by itself.
            _ => {
                folder.sessions.remove(key).await?;
                Ok(new)
            }
        }
    }

    pub async fn save(&self, folder: &Folder, key: &str) -> Result<()> {
        if self.sha256.is_none() {
            return Ok(());
        }
        let text = serde_json::to_string(self).map_err(|e| Error::new(ErrorKind::Other, e.to_string()))?;
        folder.sessions.save(key, &text).await
    }

    /// The session is of no use any more; a new one begins with the first byte.
    ///
    /// # Errors
    /// `Other` when that happens again and again.
    pub async fn lose_session(&mut self, folder: &Folder, key: &str) -> Result<()> {
        self.session = None;
        self.reached = 0;
        self.content_hash = None;
        self.back = 0;
        self.lost += 1;
        if self.lost > MAX_LOST {
            folder.sessions.remove(key).await?;
            let text = format!("Dropbox lost the upload of `{key}` {} times. Try again later.", self.lost);
            return Err(Error::new(ErrorKind::Other, text));
        }
        tracing::debug!(key, lost = self.lost, "an upload session at Dropbox is gone");
        self.save(folder, key).await
    }

    /// Dropbox has less than it had confirmed. False when its session is not to be trusted any more.
    pub fn falls_back(&mut self) -> bool {
        self.back += 1;
        self.back < MAX_BACK
    }
}
