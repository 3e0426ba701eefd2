//! A body as it is sent: read once, hashed whole, held one fragment at a time.

use super::QuickXor;
use crate::storage::{Body, ByteStream, Error, ErrorKind, Result};
use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;

/// Pieces below this are put together: each costs some memory of its own.
const SMALL: usize = 1024;

pub(super) struct Source<'a> {
    key: &'a str,
    stream: ByteStream,
    size_bytes: u64,
    announced: Option<String>,
    /// What was read and not released yet.
    held: VecDeque<Bytes>,
    held_bytes: u64,
    read_bytes: u64,
    sha256: Sha256,
    quick_xor: QuickXor,
    ended: bool,
}

impl<'a> Source<'a> {
    pub async fn open(key: &'a str, body: &dyn Body) -> Result<Source<'a>> {
        Ok(Source {
            key,
            stream: body.open(0).await?,
            size_bytes: body.size_bytes(),
            announced: body.sha256(),
            held: VecDeque::new(),
            held_bytes: 0,
            read_bytes: 0,
            sha256: Sha256::new(),
            quick_xor: QuickXor::default(),
            ended: false,
        })
    }

    /// Where what is held begins.
    pub fn at(&self) -> u64 {
        self.read_bytes - self.held_bytes
    }

    /// Reads until `bytes` are held, or all that is left.
    ///
    /// # Errors
    /// `Integrity` for a body that has another size, or another content, than it says: before its last byte is given out.
    pub async fn hold(&mut self, bytes: u64) -> Result<()> {
        while self.held_bytes < bytes && self.read_bytes < self.size_bytes {
            self.read().await?;
        }
        if self.read_bytes == self.size_bytes && !self.ended {
            self.end().await?;
        }
        Ok(())
    }

    /// Lets go of everything before `offset`, which is not before [`Source::at`].
    pub async fn skip_to(&mut self, offset: u64) -> Result<()> {
        loop {
            while let Some(piece) = self.held.front_mut() {
                let before = offset.saturating_sub(self.read_bytes - self.held_bytes);
                let skipped = piece.len().min(usize::try_from(before).unwrap_or(usize::MAX));
                if skipped == 0 {
                    return Ok(());
                }
                piece.advance(skipped);
                self.held_bytes -= skipped as u64;
                if piece.is_empty() {
                    self.held.pop_front();
                }
            }
            if self.read_bytes >= offset.min(self.size_bytes) {
                return Ok(());
            }
            self.read().await?;
        }
    }

    /// The first `bytes` of what is held, without a copy.
    pub fn fragment(&self, bytes: u64) -> Vec<Bytes> {
        let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut fragment = Vec::new();
        for piece in &self.held {
            let part = piece.slice(..piece.len().min(left));
            left -= part.len();
            fragment.push(part);
            if left == 0 {
                break;
            }
        }
        fragment
    }

    /// The hash of everything, in base64; everything has been read.
    pub async fn quick_xor_hash(&mut self) -> Result<String> {
        self.skip_to(self.size_bytes).await?;
        self.hold(0).await?;
        Ok(self.quick_xor.base64())
    }

    async fn read(&mut self) -> Result<()> {
        let Some(piece) = self.stream.next().await.transpose()? else {
            let (key, read, size) = (self.key, self.read_bytes, self.size_bytes);
            let text = format!("`{key}` came with {read} bytes instead of {size}.");
            return Err(Error::new(ErrorKind::Integrity, text));
        };
        if piece.len() as u64 > self.size_bytes - self.read_bytes {
            return Err(self.longer());
        }
        self.sha256.update(&piece);
        self.quick_xor.update(&piece);
        self.read_bytes += piece.len() as u64;
        self.held_bytes += piece.len() as u64;
        match self.held.back_mut() {
            Some(last) if last.len() + piece.len() <= SMALL => {
                *last = [&last[..], &piece[..]].concat().into()
            }
            _ if piece.is_empty() => {}
            _ => self.held.push_back(piece),
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<()> {
        while let Some(more) = self.stream.next().await.transpose()? {
            if !more.is_empty() {
                return Err(self.longer());
            }
        }
        let sha256 = hex::encode(self.sha256.clone().finalize());
        if self.announced.as_ref().is_some_and(|announced| *announced != sha256) {
            let text = format!("`{}` was changed after it was made; it was not uploaded.", self.key);
            return Err(Error::new(ErrorKind::Integrity, text));
        }
        self.ended = true;
        Ok(())
    }

    fn longer(&self) -> Error {
        let text = format!("`{}` came with more than {} bytes.", self.key, self.size_bytes);
        Error::new(ErrorKind::Integrity, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::BytesBody;

    /// Gives `content` in pieces of a size, and says other things of itself.
    struct Pieces {
        content: Vec<u8>,
        piece: usize,
        size_bytes: u64,
        sha256: Option<String>,
    }

    #[async_trait::async_trait]
    impl Body for Pieces {
        fn size_bytes(&self) -> u64 {
            self.size_bytes
        }

        fn sha256(&self) -> Option<String> {
            self.sha256.clone()
        }

        async fn open(&self, offset: u64) -> std::io::Result<ByteStream> {
            let rest = &self.content[offset as usize..];
            let pieces: Vec<_> = rest.chunks(self.piece).map(|p| Ok(Bytes::copy_from_slice(p))).collect();
            Ok(futures_util::stream::iter(pieces).boxed())
        }
    }

    fn content(size: usize) -> Vec<u8> {
        (0..size).map(|i| (i.wrapping_mul(31) >> 3) as u8).collect()
    }

    #[tokio::test]
    async fn fragments_put_together_are_the_body_whatever_its_pieces() {
        for piece in [1, 700, SMALL - 1, SMALL, 40_000, 100_000] {
            let content = content(100_000);
            let body = Pieces { content: content.clone(), piece, size_bytes: 100_000, sha256: None };
            let mut source = Source::open("x", &body).await.unwrap();
            let mut sent = Vec::new();
            // The other side keeps a part of each fragment.
            for kept in [30_000, 1, 29_999, 0, 30_000, 10_000] {
                let at = source.at();
                assert_eq!(at, sent.len() as u64);
                source.hold(30_000).await.unwrap();
                let fragment = source.fragment(30_000).concat();
                let end = (at as usize + 30_000).min(content.len());
                assert!(fragment == content[at as usize..end], "pieces of {piece} at {at}");
                sent.extend_from_slice(&fragment[..kept]);
                source.skip_to(at + kept as u64).await.unwrap();
            }
            assert!(sent == content);
            let mut whole = QuickXor::default();
            whole.update(&content);
            assert_eq!(source.quick_xor_hash().await.unwrap(), whole.base64());
        }
    }

    #[tokio::test]
    async fn what_is_skipped_is_hashed() {
        let content = content(50_000);
        let mut source = Source::open("x", &BytesBody(content.clone().into())).await.unwrap();
        source.skip_to(49_999).await.unwrap();
        assert_eq!(source.at(), 49_999);
        source.hold(10).await.unwrap();
        assert_eq!(source.fragment(10).concat(), content[49_999..]);
        let mut whole = QuickXor::default();
        whole.update(&content);
        assert_eq!(source.quick_xor_hash().await.unwrap(), whole.base64());
    }

    #[tokio::test]
    async fn a_body_that_is_not_what_it_says_never_gives_its_last_byte() {
        use sha2::{Digest, Sha256};
        let other = Some(hex::encode(Sha256::digest(b"other")));
        for (size_bytes, sha256) in [(90, None), (110, None), (100, other)] {
            let body = Pieces { content: content(100), piece: 10, size_bytes, sha256 };
            let mut source = Source::open("x", &body).await.unwrap();
            source.hold(50).await.unwrap();
            assert_eq!(source.fragment(50).concat(), content(100)[..50]);
            assert_eq!(source.hold(1000).await.unwrap_err().kind, ErrorKind::Integrity, "{size_bytes}");
        }
    }
}
