//! Dropbox's own hash: the SHA-256 of the SHA-256 digests of all blocks of 4 MiB (the last one may be shorter).
//! Source: <https://www.dropbox.com/developers/reference/content-hash>.

use sha2::{Digest, Sha256};

/// Bytes in a block.
pub(crate) const BLOCK: usize = 4 << 20;

/// Hashes content as it comes, in pieces of any size.
#[derive(Clone, Default)]
pub(crate) struct ContentHash {
    blocks: Sha256,
    block: Sha256,
    /// Bytes in `block`, fewer than `BLOCK`.
    filled: usize,
}

impl ContentHash {
    /// Of content that is there as a whole.
    pub(crate) fn of(content: &[u8]) -> String {
        let mut hash = ContentHash::default();
        hash.update(content);
        hash.finish()
    }

    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.filled));
            self.block.update(now);
            self.filled += now.len();
            if self.filled == BLOCK {
                self.blocks.update(self.block.finalize_reset());
                self.filled = 0;
            }
            bytes = later;
        }
    }

    /// Lower-case hexadecimal, as the API writes it.
    pub(crate) fn finish(mut self) -> String {
        if self.filled > 0 {
            self.blocks.update(self.block.finalize());
        }
        hex::encode(self.blocks.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    #[case(1, "1cd6ef71e6e0ff46ad2609d403dc3fee244417089aa4461245a4e4fe23a55e42")]
    #[case(BLOCK, "d4d63bac5b866c71620185392a8a6218ac1092454a2d16f820363b69852befa3")]
    #[case(BLOCK + 1, "8f553da8d00d0bf509d8470e242888be33019c20c0544811f5b2b89e98360b92")]
    fn known_contents_have_known_hashes(#[case] size: usize, #[case] expected: &str) {
        assert_eq!(ContentHash::of(&vec![b'A'; size]), expected);
    }

    #[rstest]
    #[case(1_000_003)]
    #[case(BLOCK - 1)]
    #[case(BLOCK)]
    #[case(2 * BLOCK + 7)]
    fn the_pieces_in_which_content_comes_do_not_matter(#[case] piece: usize) {
        let content: Vec<u8> = (0..2 * BLOCK + 100_000).map(|i| (i % 251) as u8).collect();
        let mut hash = ContentHash::default();
        for piece in content.chunks(piece) {
            hash.update(piece);
        }
        assert_eq!(hash.finish(), ContentHash::of(&content));
    }
}
