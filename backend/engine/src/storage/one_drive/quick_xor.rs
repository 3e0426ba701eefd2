//! quickXorHash: the one hash that both kinds of OneDrive tell of every file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bits of the ring.
const RING: usize = 160;
/// Each byte is XORed into the ring so many bits after the one before.
const STEP: usize = 11;

/// The state of a hash. Bytes that lie `RING` apart meet at the same bit (11 and 160 have no common divisor), so they are XORed with each
/// other first and turned into their places once, at the end.
#[derive(Clone)]
pub struct QuickXor {
    columns: [u8; RING],
    length: u64,
}

impl Default for QuickXor {
    fn default() -> Self {
        QuickXor { columns: [0; RING], length: 0 }
    }
}

impl QuickXor {
    pub fn update(&mut self, mut bytes: &[u8]) {
        let at = (self.length % RING as u64) as usize;
        self.length += bytes.len() as u64;
        if at > 0 {
            let (head, rest) = bytes.split_at(bytes.len().min(RING - at));
            mix(&mut self.columns[at..], head);
            bytes = rest;
        }
        let (rows, rest) = bytes.as_chunks::<RING>();
        for row in rows {
            mix(&mut self.columns, row);
        }
        mix(&mut self.columns, rest);
    }

    /// The hash of everything so far, in base64 as OneDrive writes it.
    pub fn base64(&self) -> String {
        let mut ring = [0u8; RING / 8];
        for (i, byte) in self.columns.iter().enumerate() {
            let bit = i * STEP % RING;
            let placed = u16::from(*byte) << (bit % 8);
            ring[bit / 8] ^= placed as u8;
            ring[(bit / 8 + 1) % ring.len()] ^= (placed >> 8) as u8;
        }
        mix(&mut ring[12..], &self.length.to_le_bytes());
        STANDARD.encode(ring)
    }
}

/// `into` is as long as `bytes`, or longer. In words, for builds that leave it to us.
fn mix(into: &mut [u8], bytes: &[u8]) {
    let whole = bytes.len() / 16 * 16;
    let (words, rest) = into.split_at_mut(whole);
    for (a, b) in words.as_chunks_mut::<16>().0.iter_mut().zip(bytes[..whole].as_chunks::<16>().0) {
        *a = (u128::from_ne_bytes(*a) ^ u128::from_ne_bytes(*b)).to_ne_bytes();
    }
    for (a, b) in rest.iter_mut().zip(&bytes[whole..]) {
        *a ^= b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn of(bytes: &[u8]) -> String {
        let mut hash = QuickXor::default();
        hash.update(bytes);
        hash.base64()
    }

    #[rstest]
    #[case("", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    #[case("Sg==", "SgAAAAAAAAAAAAAAAQAAAAAAAAA=")]
    #[case("tbQ=", "taAFAAAAAAAAAAAAAgAAAAAAAAA=")]
    #[case("0pZP", "0rDEEwAAAAAAAAAAAwAAAAAAAAA=")]
    #[case("eAV52qE=", "eChAHrQRCgAAAAAABQAAAAAAAAA=")]
    fn known_hashes_come_out(#[case] bytes: &str, #[case] hash: &str) {
        assert_eq!(of(&STANDARD.decode(bytes).unwrap()), hash);
    }

    /// The definition, bit by bit.
    fn plainly(bytes: &[u8]) -> String {
        let mut ring = [false; RING];
        for (i, byte) in bytes.iter().enumerate() {
            for bit in 0..8 {
                ring[(i * STEP + bit) % RING] ^= byte >> bit & 1 == 1;
            }
        }
        for bit in 0..64 {
            ring[96 + bit] ^= bytes.len() as u64 >> bit & 1 == 1;
        }
        let octet = |bits: &[bool]| (0..8).fold(0, |octet, bit| octet | u8::from(bits[bit]) << bit);
        STANDARD.encode(ring.chunks(8).map(octet).collect::<Vec<u8>>())
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_hash_as_the_whole(bytes: Vec<u8>, cuts: Vec<u8>) {
            let mut hash = QuickXor::default();
            let mut rest = bytes.as_slice();
            for cut in cuts {
                let (piece, after) = rest.split_at(rest.len().min(cut.into()));
                hash.update(piece);
                rest = after;
            }
            hash.update(rest);
            prop_assert_eq!(hash.base64(), plainly(&bytes));
        }

        #[test]
        fn long_content_hashes_as_defined(seed: u8, size in 0usize..2000) {
            let bytes: Vec<u8> = (0..size).map(|i| (i as u8).wrapping_mul(seed) ^ (i >> 3) as u8).collect();
            prop_assert_eq!(of(&bytes), plainly(&bytes));
        }
    }
}
