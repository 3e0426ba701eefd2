//! A destination in memory, for tests and trials.

use super::{
    Body, ByteStream, BytesBody, Entry, Error, ErrorKind, Listing, Result, Storage, StorageKind, Stored,
};
use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub struct MemoryStorage {
    kind: StorageKind,
    objects: Mutex<BTreeMap<String, Bytes>>,
}

impl MemoryStorage {
    /// `kind` is what it pretends to be.
    pub fn new(kind: StorageKind) -> Self {
        MemoryStorage { kind, objects: Mutex::default() }
    }

    /// Every key, sorted.
    pub fn keys(&self) -> Vec<String> {
        self.objects().keys().cloned().collect()
    }

    pub fn get(&self, key: &str) -> Option<Bytes> {
        self.objects().get(key).cloned()
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: &str) -> Result<Bytes> {
        super::check_key(key)?;
        self.get(key).ok_or_else(|| Error::new(ErrorKind::NotFound, format!("There is no object `{key}`.")))
    }
}

#[async_trait::async_trait]
impl Storage for MemoryStorage {
    fn kind(&self) -> StorageKind {
        self.kind
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        super::check_key(key)?;
        let mut content = Vec::new();
        let mut stream = body.open(0).await?;
        while let Some(chunk) = stream.next().await {
            content.extend_from_slice(&chunk?);
        }
        let size_bytes = content.len() as u64;
        if size_bytes != body.size_bytes() {
            let text = format!("`{key}` came with {size_bytes} bytes instead of {}.", body.size_bytes());
            return Err(Error::new(ErrorKind::Integrity, text));
        }
        let sha256 = Some(hex::encode(Sha256::digest(&content)));
        self.objects().insert(key.into(), content.into());
        Ok(Stored { size_bytes, sha256 })
    }

    /// Nothing of a `put` that broke off stays.
    async fn abandon(&self, key: &str) -> Result<()> {
        super::check_key(key)
    }

    async fn stat(&self, key: &str) -> Result<Entry> {
        Ok(Entry { key: key.into(), size_bytes: self.find(key)?.len() as u64 })
    }

    async fn list(&self, prefix: &str) -> Result<Listing> {
        if !prefix.is_empty() {
            super::check_key(prefix.trim_end_matches('/'))?;
        }
        let entry =
            |(key, content): (&String, &Bytes)| Entry { key: key.clone(), size_bytes: content.len() as u64 };
        let objects = self.objects();
        let entries = objects.iter().filter(|(key, _)| super::below(key, prefix)).map(entry).collect();
        Ok(Listing { entries, complete: true })
    }

    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream> {
        Ok(BytesBody(self.find(key)?).open(offset).await?)
    }

    async fn delete(&self, key: &str) -> Result<()> {
        super::check_key(key)?;
        self.objects().remove(key);
        Ok(())
    }

    async fn remove_empty_dir(&self, prefix: &str) -> Result<()> {
        super::check_key(prefix.trim_end_matches('/'))
    }
}
