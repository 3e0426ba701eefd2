//! What is remembered of an upload in parts, so that it can be gone on with or given up.

use super::parts::Plan;
use crate::storage::{Body, Error, ErrorKind, Result, Sessions};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One upload in parts. It is saved without an id before the provider is asked for one, so that an upload whose id never arrived is looked
/// for; with the id before the first part is sent; and then now and then with the parts that have arrived, for providers that do not list
/// them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub bucket: String,
    /// With the prefix.
    pub key: String,
    pub upload_id: Option<String>,
    pub size: u64,
    /// Of the whole content; `None`: not known beforehand, and so never gone on with.
    pub sha256: Option<String>,
    pub part_size: u64,
    /// Parts that the provider has confirmed, by number.
    #[serde(default)]
    pub parts: BTreeMap<u32, Part>,
}

/// A part that has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// Without quotes.
    pub etag: String,
    /// Base64, as the provider computed it, where checksums of the newer kind are used: it wants them back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc32: Option<String>,
}

impl State {
    pub fn new(bucket: &str, key: &str, body: &dyn Body, part_size: u64) -> State {
        State {
            bucket: bucket.into(),
            key: key.into(),
            upload_id: None,
            size: body.size_bytes(),
            sha256: body.sha256(),
            part_size,
            parts: BTreeMap::new(),
        }
    }

    pub fn plan(&self) -> Plan {
        Plan { size: self.size, part_size: self.part_size }
    }

    /// Whether this is an upload of the same content to the same place.
    pub fn fits(&self, bucket: &str, key: &str, body: &dyn Body) -> bool {
        self.sha256.is_some()
            && self.part_size > 0
            && self.bucket == bucket
            && self.key == key
            && self.size == body.size_bytes()
            && self.sha256 == body.sha256()
    }

    /// What is remembered of `key`. What cannot be read (of another version, or under another encryption key) says that there was an upload,
    /// and no more: see [`State::is_unreadable`].
    pub async fn load(sessions: &dyn Sessions, key: &str) -> Result<Option<State>> {
        let Some(text) = sessions.load(key).await? else { return Ok(None) };
        Ok(Some(serde_json::from_str(&text).unwrap_or_else(|error| {
            tracing::warn!(key, %error, "the memory of an upload cannot be read");
            State::unreadable()
        })))
    }

    fn unreadable() -> State {
        let (bucket, key) = (String::new(), String::new());
        State { bucket, key, upload_id: None, size: 0, sha256: None, part_size: 0, parts: BTreeMap::new() }
    }

    /// There was an upload whose id and place are not known any more.
    pub fn is_unreadable(&self) -> bool {
        self.bucket.is_empty()
    }

    pub async fn save(&self, sessions: &dyn Sessions, key: &str) -> Result<()> {
        let text = serde_json::to_string(self).map_err(|e| Error::new(ErrorKind::Other, e.to_string()))?;
        sessions.save(key, &text).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{BytesBody, MemorySessions};

    fn body(content: &'static [u8]) -> BytesBody {
        BytesBody(bytes::Bytes::from_static(content))
    }

    #[tokio::test]
    async fn a_state_comes_back_as_it_was_saved() {
        let sessions = MemorySessions::default();
        let mut state = State::new("b", "p/k", &body(b"content"), 16);
        state.upload_id = Some("id".into());
        state.parts.insert(1, Part { etag: "e".into(), crc32: None });
        state.save(&sessions, "k").await.unwrap();
        assert_eq!(State::load(&sessions, "k").await.unwrap(), Some(state));
        assert_eq!(State::load(&sessions, "other").await.unwrap(), None);
        sessions.save("k", "{\"from\":\"another version\"}").await.unwrap();
        let unreadable = State::load(&sessions, "k").await.unwrap().unwrap();
        assert!(unreadable.is_unreadable() && !unreadable.fits("", "", &body(b"")));
    }

    #[test]
    fn only_the_same_content_at_the_same_place_is_gone_on_with() {
        let state = State::new("b", "k", &body(b"content"), 16);
        assert!(state.fits("b", "k", &body(b"content")));
        assert!(!state.fits("b", "k", &body(b"Content")));
        assert!(!state.fits("b", "k", &body(b"contents")));
        assert!(!state.fits("b", "other", &body(b"content")));
        assert!(!state.fits("other", "k", &body(b"content")));
        assert!(!State { sha256: None, ..state }.fits("b", "k", &body(b"content")));
    }
}
