//! A body, read block by block.

use crate::storage::{Body, ByteStream, Error, ErrorKind, Result};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

/// Reads a body from its start to its end, and hashes all of it.
pub(super) struct Reader<'a> {
    stream: ByteStream,
    /// Of the chunk that was read last, what belongs to the next block.
    rest: Bytes,
    sha256: Sha256,
    read: u64,
    size: u64,
    key: &'a str,
}

impl<'a> Reader<'a> {
    pub async fn open(body: &dyn Body, key: &'a str) -> Result<Reader<'a>> {
        let stream = body.open(0).await?;
        Ok(Reader {
            stream,
            rest: Bytes::new(),
            sha256: Sha256::new(),
            read: 0,
            size: body.size_bytes(),
            key,
        })
    }

    /// The next `bytes` bytes.
    ///
    /// # Errors
    /// `Integrity` when the body ends before; what the body fails with.
    pub async fn take(&mut self, bytes: u64) -> Result<Bytes> {
        let wanted = usize::try_from(bytes)
            .map_err(|_| Error::new(ErrorKind::InvalidConfig, "Parts are too large for this machine."))?;
        let mut block = BytesMut::with_capacity(wanted);
        while block.len() < wanted {
            if self.rest.is_empty() {
                match self.stream.next().await {
                    Some(chunk) => self.rest = chunk?,
                    None => return Err(self.wrong_size(self.read + block.len() as u64)),
                }
            }
            let chunk = self.rest.split_to(self.rest.len().min(wanted - block.len()));
            self.sha256.update(&chunk);
            block.extend_from_slice(&chunk);
        }
        self.read += bytes;
        Ok(block.freeze())
    }

    /// Makes sure that nothing comes after what was read; the SHA-256 of all of it.
    pub async fn finish(mut self) -> Result<String> {
        let mut more = self.rest.len() as u64;
        while more == 0 {
            match self.stream.next().await {
                Some(chunk) => more += chunk?.len() as u64,
                None => return Ok(hex::encode(self.sha256.finalize())),
            }
        }
        Err(self.wrong_size(self.read + more))
    }

    fn wrong_size(&self, found: u64) -> Error {
        let text = format!("`{}` came with {found} bytes instead of {}.", self.key, self.size);
        Error::new(ErrorKind::Integrity, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::BytesBody;

    struct Chunked(u64, Vec<&'static [u8]>);

    #[async_trait::async_trait]
    impl Body for Chunked {
        fn size_bytes(&self) -> u64 {
            self.0
        }

        fn sha256(&self) -> Option<String> {
            None
        }

        async fn open(&self, _offset: u64) -> std::io::Result<ByteStream> {
            let chunks = self.1.clone().into_iter().map(|c| Ok(Bytes::from_static(c)));
            Ok(futures_util::stream::iter(chunks).boxed())
        }
    }

    #[tokio::test]
    async fn blocks_do_not_depend_on_how_the_body_is_chunked() {
        let body = Chunked(10, vec![b"abc", b"", b"defghij"]);
        let mut reader = Reader::open(&body, "k").await.unwrap();
        for block in [&b"abcd"[..], b"efgh", b"ij"] {
            assert_eq!(reader.take(block.len() as u64).await.unwrap(), block);
        }
        let whole = BytesBody(Bytes::from_static(b"abcdefghij"));
        assert_eq!(reader.finish().await.unwrap(), whole.sha256().unwrap());
    }

    #[tokio::test]
    async fn a_body_of_another_size_is_found_out() {
        let short = Chunked(4, vec![b"abc"]);
        let error = Reader::open(&short, "k").await.unwrap().take(4).await.unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::Integrity, "`k` came with 3 bytes instead of 4.")
        );
        for chunks in [vec![&b"abcde"[..]], vec![b"abcd", b"", b"e"]] {
            let long = Chunked(4, chunks);
            let mut reader = Reader::open(&long, "k").await.unwrap();
            reader.take(4).await.unwrap();
            assert_eq!(reader.finish().await.unwrap_err().kind, ErrorKind::Integrity);
        }
    }
}
