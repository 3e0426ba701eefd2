//! Uploads under way, remembered so that they can be gone on with, or given up cleanly.

use super::Result;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What a driver remembers of the uploads of one destination (one row's folder), by the object's key. It survives the process where the
/// server keeps it. A state may hold a session URL, which is a bearer capability: it is stored encrypted and never logged.
///
/// A state is saved before the request that it describes, and removed once the object is there or the session is gone.
#[async_trait::async_trait]
pub trait Sessions: Send + Sync {
    async fn load(&self, key: &str) -> Result<Option<String>>;
    async fn save(&self, key: &str, state: &str) -> Result<()>;
    /// Nothing there is fine.
    async fn remove(&self, key: &str) -> Result<()>;
}

/// Remembers as long as the process runs.
#[derive(Debug, Default)]
pub struct MemorySessions(Mutex<BTreeMap<String, String>>);

impl MemorySessions {
    /// Every state, by key.
    pub fn all(&self) -> BTreeMap<String, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait::async_trait]
impl Sessions for MemorySessions {
    async fn load(&self, key: &str) -> Result<Option<String>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    async fn save(&self, key: &str, state: &str) -> Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.into(), state.into());
        Ok(())
    }

    async fn remove(&self, key: &str) -> Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        Ok(())
    }
}
