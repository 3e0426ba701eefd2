//! What is stored: bytes in memory, files on disk.

use super::{Body, ByteStream, Earlier, Error, ErrorKind};
use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use tokio::io::AsyncSeekExt;
use tokio_util::io::ReaderStream;

const CHUNK: usize = 256 * 1024;

/// A small object: a manifest.
pub struct BytesBody(pub Bytes);

#[async_trait::async_trait]
impl Body for BytesBody {
    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn sha256(&self) -> Option<String> {
        Some(hex::encode(Sha256::digest(&self.0)))
    }

    async fn open(&self, offset: u64) -> io::Result<ByteStream> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let rest = self.0.slice(from..);
        Ok(futures_util::stream::iter((!rest.is_empty()).then_some(Ok(rest))).boxed())
    }
}

/// A file whose size and SHA-256 are known from when it was written. What is read from the start to the end is compared with them: a file
/// that was cut, appended to or damaged since ends its stream with an `Integrity` error instead of being stored as if it were good.
pub struct FileBody {
    path: PathBuf,
    name: String,
    size_bytes: u64,
    sha256: String,
    earlier: Vec<Earlier>,
}

impl FileBody {
    /// `name` is what messages call it; `sha256` is lower-case hexadecimal.
    pub fn new(path: &Path, name: &str, size_bytes: u64, sha256: &str) -> Self {
        let (path, name, sha256) = (path.into(), name.into(), sha256.into());
        FileBody { path, name, size_bytes, sha256, earlier: Vec::new() }
    }

    /// The same with what earlier objects of the destination hold of it ([`Body::earlier`]).
    #[must_use]
    pub fn made_of(self, earlier: Vec<Earlier>) -> Self {
        FileBody { earlier, ..self }
    }
}

#[async_trait::async_trait]
impl Body for FileBody {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn sha256(&self) -> Option<String> {
        Some(self.sha256.clone())
    }

    fn earlier(&self) -> &[Earlier] {
        &self.earlier
    }

    async fn open(&self, offset: u64) -> io::Result<ByteStream> {
        let damaged = |what: String| {
            Error::new(ErrorKind::Integrity, format!("The local archive {} {what}", self.path.display()))
        };
        let mut file = tokio::fs::File::open(&self.path).await.map_err(|e| {
            io::Error::new(e.kind(), format!("The local archive {} cannot be read: {e}", self.path.display()))
        })?;
        let found = file.metadata().await?.len();
        if found != self.size_bytes {
            return Err(damaged(format!("has {found} bytes instead of {}.", self.size_bytes)).into());
        }
        if offset > 0 {
            file.seek(io::SeekFrom::Start(offset)).await?;
        }
        let check = Check {
            stream: ReaderStream::with_capacity(file, CHUNK),
            hash: (offset == 0).then(Sha256::new),
            left: self.size_bytes.saturating_sub(offset),
            sha256: self.sha256.clone(),
            name: self.name.clone(),
        };
        Ok(futures_util::stream::unfold(Some(check), |check| async { check?.next().await }).boxed())
    }
}

struct Check {
    stream: ReaderStream<tokio::fs::File>,
    hash: Option<Sha256>,
    left: u64,
    sha256: String,
    name: String,
}

impl Check {
    /// The next chunk, and the state after it; the last chunk is only given out once the whole is known to be right.
    async fn next(mut self) -> Option<(io::Result<Bytes>, Option<Check>)> {
        if self.left == 0 {
            return None;
        }
        let mut chunk = match self.stream.next().await {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => return Some((Err(error), None)),
            None => return Some((Err(self.damaged("was cut")), None)),
        };
        // Bytes beyond the known size are another's: the file grew while it was read.
        chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= chunk.len() as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(&chunk);
        }
        if self.left == 0
            && let Some(hash) = self.hash.take()
            && hex::encode(hash.finalize()) != self.sha256
        {
            return Some((Err(self.damaged("was changed")), None));
        }
        Some((Ok(chunk), Some(self)))
    }

    fn damaged(&self, what: &str) -> io::Error {
        let text = format!("The local archive {} {what} after it was made; it was not uploaded.", self.name);
        Error::new(ErrorKind::Integrity, text).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(body: &dyn Body, offset: u64) -> io::Result<Vec<u8>> {
        let mut stream = body.open(offset).await?;
        let mut all = Vec::new();
        while let Some(chunk) = stream.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all)
    }

    fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("files.tgz");
        std::fs::write(&path, content).unwrap();
        (dir, path, hex::encode(Sha256::digest(content)))
    }

    #[tokio::test]
    async fn a_file_can_be_read_again_from_any_offset() {
        let content: Vec<u8> = (0..600_000u32).map(|i| (i % 251) as u8).collect();
        let (_dir, path, sha256) = file(&content);
        let body = FileBody::new(&path, "files.tgz", content.len() as u64, &sha256);
        for offset in [0, 1, 262_144, 599_999, 0] {
            assert_eq!(read(&body, offset).await.unwrap(), &content[offset as usize..]);
        }
        let bytes = BytesBody(content.clone().into());
        assert_eq!(read(&bytes, 17).await.unwrap(), &content[17..]);
        assert_eq!(read(&bytes, 600_000).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn a_file_that_changed_since_it_was_made_is_not_given_out_whole() {
        let (_dir, path, sha256) = file(b"what was written");
        let body = FileBody::new(&path, "files/files.tgz", 16, &sha256);
        std::fs::write(&path, b"what was Written").unwrap();
        let error = Error::from(read(&body, 0).await.unwrap_err());
        assert_eq!(error.kind, ErrorKind::Integrity);
        assert!(error.message.contains("files/files.tgz was changed"), "{error}");
        std::fs::write(&path, b"what was").unwrap();
        let error = Error::from(read(&body, 0).await.unwrap_err());
        assert_eq!(error.kind, ErrorKind::Integrity);
        assert!(error.message.contains("8 bytes instead of 16"), "{error}");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(Error::from(read(&body, 0).await.unwrap_err()).kind, ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn an_empty_file_is_a_file() {
        let (_dir, path, sha256) = file(b"");
        assert_eq!(read(&FileBody::new(&path, "x", 0, &sha256), 0).await.unwrap(), b"");
    }
}
