//! The content of an upload, in pieces as large as the provider wants them, hashed on the way.

use super::GRANULE;
use crate::storage::{Body, ByteStream, Error, ErrorKind, Result, There};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use md5::Md5;
use sha2::{Digest as _, Sha256};

/// What was read from the first byte to the last. Lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest {
    pub sha256: String,
    pub md5: String,
}

/// Reads a body once, from its start.
pub(super) struct Feed<'a> {
    body: &'a dyn Body,
    key: &'a str,
    stream: ByteStream,
    /// Came with the stream and was not hashed yet.
    rest: Bytes,
    /// Was given out, and was not taken by the provider.
    back: Bytes,
    /// Bytes that have been read and hashed.
    read: u64,
    sha256: Sha256,
    md5: Md5,
}

impl<'a> Feed<'a> {
    pub async fn open(body: &'a dyn Body, key: &'a str) -> Result<Feed<'a>> {
        let stream = body.open(0).await?;
        let (rest, back) = (Bytes::new(), Bytes::new());
        Ok(Feed { body, key, stream, rest, back, read: 0, sha256: Sha256::new(), md5: Md5::new() })
    }

    /// At most `most` bytes, none of them empty; `None` at the end of the body.
    async fn some(&mut self, most: u64) -> Result<Option<Bytes>> {
        while self.rest.is_empty() {
            match self.stream.next().await {
                Some(more) => self.rest = more?,
                None => return Ok(None),
            }
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(self.rest.len());
        let some = self.rest.split_to(most);
        self.sha256.update(&some);
        self.md5.update(&some);
        self.read += some.len() as u64;
        Ok(Some(some))
    }

    fn short(&self) -> Error {
        let text =
            format!("`{}` came with {} bytes instead of {}.", self.key, self.read, self.body.size_bytes());
        Error::new(ErrorKind::Integrity, text)
    }

    /// Reads what the provider has already.
    pub async fn skip(&mut self, bytes: u64) -> Result<()> {
        while self.read < bytes {
            if self.some(bytes - self.read).await?.is_none() {
                return Err(self.short());
            }
        }
        Ok(())
    }

    /// The next piece of at most `most` bytes, which are all that is left or a whole number of granules: then so is the piece.
    pub async fn next(&mut self, most: u64) -> Result<Bytes> {
        let back = self.back.len() as u64;
        if back >= most {
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            return Ok(self.back.split_to(most.min(self.back.len())));
        }
        // What is too long to be copied is given out again as it is.
        let whole = back / GRANULE * GRANULE;
        if whole > 0 {
            return Ok(self.back.split_to(usize::try_from(whole).unwrap_or(usize::MAX)));
        }
        let mut piece = BytesMut::with_capacity(usize::try_from(most).unwrap_or(0));
        piece.extend_from_slice(&std::mem::take(&mut self.back));
        while (piece.len() as u64) < most {
            match self.some(most - piece.len() as u64).await? {
                Some(some) => piece.extend_from_slice(&some),
                None => return Err(self.short()),
            }
        }
        Ok(piece.freeze())
    }

    /// Gives back the end of the last piece.
    pub fn give_back(&mut self, rest: Bytes) {
        if self.back.is_empty() {
            self.back = rest;
        } else if !rest.is_empty() {
            // The last piece was the start of what had been given back before: the two are one again.
            let mut both = BytesMut::with_capacity(rest.len() + self.back.len());
            both.extend_from_slice(&rest);
            both.extend_from_slice(&self.back);
            self.back = both.freeze();
        }
    }

    /// To be called when the last piece was read and before it is sent: what is sent whole can be seen by others.
    ///
    /// # Errors
    /// `Integrity` when there is more, or when the content is not what the body announced.
    pub async fn end(&mut self) -> Result<Digest> {
        if self.some(u64::MAX).await?.is_some() {
            let text = format!("`{}` came with more than {} bytes.", self.key, self.body.size_bytes());
            return Err(Error::new(ErrorKind::Integrity, text));
        }
        let digest = Digest {
            sha256: hex::encode(self.sha256.clone().finalize()),
            md5: hex::encode(self.md5.clone().finalize()),
        };
        if self.body.sha256().is_some_and(|announced| announced != digest.sha256) {
            let text = format!("`{}` is not what it was when it was made: its SHA-256 differs.", self.key);
            return Err(Error::new(ErrorKind::Integrity, text));
        }
        Ok(digest)
    }
}

/// The digest of a whole body.
pub(super) async fn digest(body: &dyn Body, key: &str) -> Result<Digest> {
    body.already_there(&There::first(body.size_bytes()));
    let mut feed = Feed::open(body, key).await?;
    feed.skip(body.size_bytes()).await?;
    feed.end().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::BytesBody;
    use rstest::rstest;

    struct Pieces(Vec<usize>, u64, Option<String>);

    #[async_trait::async_trait]
    impl Body for Pieces {
        fn size_bytes(&self) -> u64 {
            self.1
        }

        fn sha256(&self) -> Option<String> {
            self.2.clone()
        }

        async fn open(&self, _: u64) -> std::io::Result<ByteStream> {
            let mut n = 0u32;
            let pieces = self.0.clone().into_iter().map(move |size| {
                let piece: Vec<u8> = (0..size).map(|i| ((i as u32 + n) % 251) as u8).collect();
                n += size as u32;
                Ok(Bytes::from(piece))
            });
            Ok(futures_util::stream::iter(pieces).boxed())
        }
    }

    const G: u64 = GRANULE;

    async fn whole(body: &dyn Body) -> Vec<u8> {
        let mut stream = body.open(0).await.unwrap();
        let mut all = Vec::new();
        while let Some(piece) = stream.next().await {
            all.extend_from_slice(&piece.unwrap());
        }
        all
    }

    /// Reads everything; of each piece the provider keeps what `kept` says.
    #[rstest]
    #[case::all(|n: usize| n)]
    #[case::a_granule(|n: usize| n.min(262_144))]
    #[case::odd(|n: usize| n.min(100_001))]
    #[case::one_and_a_half(|n: usize| n.min(393_216))]
    #[tokio::test]
    async fn every_piece_but_the_last_is_made_of_granules(#[case] kept: fn(usize) -> usize) {
        let size = 5 * G + 77;
        let body =
            Pieces(vec![0, 300_000, 1, 0, 900_000, usize::try_from(size).unwrap() - 1_200_001], size, None);
        let content = whole(&body).await;
        let mut feed = Feed::open(&body, "x").await.unwrap();
        let (mut at, mut got) = (0u64, Vec::new());
        while at < size {
            let piece = feed.next((2 * G).min(size - at)).await.unwrap();
            let last = at + piece.len() as u64 == size;
            assert!(last || (piece.len() as u64).is_multiple_of(G), "{} at {at}", piece.len());
            let kept = kept(piece.len());
            got.extend_from_slice(&piece[..kept]);
            feed.give_back(piece.slice(kept..));
            at += kept as u64;
        }
        assert!(got == content);
        let expected =
            Digest { sha256: hex::encode(Sha256::digest(&content)), md5: hex::encode(Md5::digest(&content)) };
        assert_eq!(feed.end().await.unwrap(), expected);
        assert_eq!(digest(&body, "x").await.unwrap(), expected);
    }

    #[tokio::test]
    async fn hashes_are_those_of_the_standards() {
        let abc = digest(&BytesBody("abc".into()), "x").await.unwrap();
        assert_eq!(abc.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(abc.md5, "900150983cd24fb0d6963f7d28e17f72");
        let empty = digest(&BytesBody(Bytes::new()), "x").await.unwrap();
        assert_eq!(empty.md5, "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[tokio::test]
    async fn what_is_skipped_is_hashed_too() {
        let body = Pieces(vec![700, 300], 1000, None);
        let mut feed = Feed::open(&body, "x").await.unwrap();
        feed.skip(0).await.unwrap();
        feed.skip(650).await.unwrap();
        assert_eq!(feed.next(350).await.unwrap()[..], whole(&body).await[650..]);
        assert_eq!(feed.end().await.unwrap(), digest(&body, "x").await.unwrap());
    }

    #[rstest]
    #[case::short(Pieces(vec![10], 30, None), "with 10 bytes instead of 30")]
    #[case::long(Pieces(vec![10, 0, 30], 20, None), "more than 20 bytes")]
    #[case::another(Pieces(vec![20], 20, Some("00".into())), "SHA-256 differs")]
    #[tokio::test]
    async fn another_content_than_announced_is_found_before_its_last_piece_is_sent(
        #[case] body: Pieces,
        #[case] says: &str,
    ) {
        let mut feed = Feed::open(&body, "x").await.unwrap();
        let error = match feed.next(body.size_bytes()).await {
            Ok(_) => feed.end().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind, ErrorKind::Integrity);
        assert!(error.message.contains(says), "{error}");
    }
}
