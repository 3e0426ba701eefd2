//! What is remembered of an upload under way.

use crate::storage::{Body, Error, ErrorKind, Result};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state of one `put`, as the `Sessions` keep it. Everything in it is written before the request that it is about.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    pub size_bytes: u64,
    /// Of the content; without it the upload is never gone on with, only cleared away.
    pub sha256: Option<String>,
    /// Ids of the folders that have to be made, by their paths.
    pub folders: BTreeMap<String, String>,
    /// The id of the file that it becomes.
    pub target: Option<String>,
    /// The id of the folder that it lies in.
    pub parent: Option<String>,
    /// A capability: never shown.
    pub session: Option<String>,
    pub expires_at: Option<DateTime<Utc>>,
    /// The most that Google ever confirmed of this content, in any session.
    pub furthest: u64,
    /// How often in a row this session took nothing.
    pub stuck: u32,
}

impl State {
    pub fn new(body: &dyn Body) -> State {
        State {
            size_bytes: body.size_bytes(),
            sha256: body.sha256(),
            folders: BTreeMap::new(),
            target: None,
            parent: None,
            session: None,
            expires_at: None,
            furthest: 0,
            stuck: 0,
        }
    }

    /// `None` for what another version of the program wrote.
    pub fn read(text: &str) -> Option<State> {
        serde_json::from_str(text).ok()
    }

    pub fn write(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|_| Error::new(ErrorKind::Other, "The state of an upload cannot be written down."))
    }

    pub fn is_of(&self, body: &dyn Body) -> bool {
        self.sha256.is_some() && self.sha256 == body.sha256() && self.size_bytes == body.size_bytes()
    }

    pub fn forget_session(&mut self) {
        (self.session, self.expires_at, self.stuck) = (None, None, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::BytesBody;

    #[test]
    fn a_state_is_of_one_content_only() {
        let (a, b) = (BytesBody("content".into()), BytesBody("another".into()));
        let state = State::read(&State::new(&a).write().unwrap()).unwrap();
        assert!(state.is_of(&a));
        assert!(!state.is_of(&b));
        let unknown = State { sha256: None, ..State::new(&a) };
        assert!(!unknown.is_of(&a));
        assert!(State::read("{}").is_none());
        assert!(State::read("not json").is_none());
    }
}
