//! Archives: what a pass writes.

use serde::{Deserialize, Serialize};

pub mod dump;
pub mod gzip;
pub mod manifest;
pub mod parts;
pub mod reuse;
pub mod tree;

/// One file of an archive, as the manifest and the log name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveFile {
    /// Relative to the copy: `files/files.tgz`, `files/files.tgz.001`, `db/db.sql.gz`.
    pub name: String,
    pub size_bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}
