//! Reading a body in chunks, with the hashes of all that was read.

use super::content_hash::ContentHash;
use crate::storage::{Body, ByteStream, Error, ErrorKind, Result};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

pub(super) struct Source {
    key: String,
    size_bytes: u64,
    sha256: Option<String>,
    stream: ByteStream,
    /// What came and was not given out yet.
    rest: Bytes,
    read: u64,
    whole: ContentHash,
    sum: Sha256,
}

/// Bytes to send.
pub(super) struct Chunk {
    pub bytes: Bytes,
    /// Dropbox's hash of these bytes alone: it compares what arrives with it.
    pub hash: String,
}

impl Source {
    pub async fn open(key: &str, body: &dyn Body) -> Result<Source> {
        Ok(Source {
            key: key.into(),
            size_bytes: body.size_bytes(),
            sha256: body.sha256(),
            stream: body.open(0).await?,
            rest: Bytes::new(),
            read: 0,
            whole: ContentHash::default(),
            sum: Sha256::new(),
        })
    }

    /// At most `most` of the bytes that come next, empty at the end. What is taken is in the hashes.
    async fn take(&mut self, most: u64) -> Result<Bytes> {
        while self.rest.is_empty() {
            match self.stream.next().await {
                Some(piece) => self.rest = piece?,
                None => return Ok(Bytes::new()),
            }
        }
        let length = usize::try_from(most).unwrap_or(usize::MAX).min(self.rest.len());
        let taken = self.rest.split_to(length);
        self.whole.update(&taken);
        self.sum.update(&taken);
        self.read += taken.len() as u64;
        Ok(taken)
    }

    fn left(&self) -> u64 {
        self.size_bytes.saturating_sub(self.read)
    }

    fn wrong_size(&self, found: impl std::fmt::Display) -> Error {
        let text = format!("`{}` came with {found} bytes instead of {}.", self.key, self.size_bytes);
        Error::new(ErrorKind::Integrity, text)
    }

    /// Reads up to `offset` for the hashes alone.
    pub async fn skip_to(&mut self, offset: u64) -> Result<()> {
        while self.read < offset {
            if self.take(offset - self.read).await?.is_empty() {
                return Err(self.wrong_size(self.read));
            }
        }
        Ok(())
    }

    /// The next bytes, `length` of them or all that are left; `None` at the end.
    pub async fn chunk(&mut self, length: usize) -> Result<Option<Chunk>> {
        let length = usize::try_from(self.left()).unwrap_or(usize::MAX).min(length);
        if length == 0 {
            return Ok(None);
        }
        let mut bytes = BytesMut::with_capacity(length);
        let mut hash = ContentHash::default();
        while bytes.len() < length {
            let piece = self.take((length - bytes.len()) as u64).await?;
            if piece.is_empty() {
                return Err(self.wrong_size(self.read));
            }
            hash.update(&piece);
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(Chunk { bytes: bytes.freeze(), hash: hash.finish() }))
    }

    /// Dropbox's hash of the whole.
    ///
    /// # Errors
    /// `Integrity` when there is more than was announced, or it is another content than was announced.
    pub async fn finish(mut self) -> Result<String> {
        if !self.take(1).await?.is_empty() {
            return Err(self.wrong_size(format_args!("more than {}", self.size_bytes)));
        }
        let sum = hex::encode(self.sum.finalize());
        if self.sha256.is_some_and(|announced| announced != sum) {
            let text = format!("`{}` was changed after its hash was taken; it was not uploaded.", self.key);
            return Err(Error::new(ErrorKind::Integrity, text));
        }
        Ok(self.whole.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::BytesBody;

    #[tokio::test]
    async fn chunks_begin_anywhere_and_the_hash_is_of_the_whole() {
        let content: Vec<u8> = (0..100_000u32).map(|i| (i % 253) as u8).collect();
        let body = BytesBody(content.clone().into());
        for (offset, length) in [(0, 100_000), (0, 33_333), (1, 7_000), (99_999, 50_000), (100_000, 10)] {
            let mut source = Source::open("x", &body).await.unwrap();
            source.skip_to(offset).await.unwrap();
            let mut rest = Vec::new();
            while let Some(chunk) = source.chunk(length).await.unwrap() {
                assert!(
                    chunk.bytes.len() == length
                        || rest.len() + chunk.bytes.len() + offset as usize == 100_000
                );
                assert_eq!(chunk.hash, ContentHash::of(&chunk.bytes));
                rest.extend_from_slice(&chunk.bytes);
            }
            assert_eq!(rest, content[offset as usize..]);
            assert_eq!(source.finish().await.unwrap(), ContentHash::of(&content));
        }
    }
}
