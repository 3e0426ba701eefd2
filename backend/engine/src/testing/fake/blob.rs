//! Content that a fake keeps.

use md5::Md5;
use sha2::{Digest, Sha256};

/// What was stored, piece by piece. Above a limit only its hashes are kept, so that uploads of many gigabytes fit into memory.
#[derive(Clone)]
pub struct Blob {
    pub size: u64,
    bytes: Option<Vec<u8>>,
    sha256: Sha256,
    md5: Md5,
}

/// The largest content whose bytes are kept.
const KEPT: u64 = 128 << 20;

impl Default for Blob {
    fn default() -> Self {
        Blob { size: 0, bytes: Some(Vec::new()), sha256: Sha256::new(), md5: Md5::new() }
    }
}

impl Blob {
    pub fn of(bytes: &[u8]) -> Blob {
        let mut blob = Blob::default();
        blob.append(bytes);
        blob
    }

    pub fn append(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.sha256.update(bytes);
        self.md5.update(bytes);
        match &mut self.bytes {
            Some(kept) if self.size <= KEPT => kept.extend_from_slice(bytes),
            kept => *kept = None,
        }
    }

    /// `None` when it was too large to be kept.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }

    pub fn sha256(&self) -> String {
        hex::encode(self.sha256.clone().finalize())
    }

    pub fn md5(&self) -> String {
        hex::encode(self.md5.clone().finalize())
    }
}
