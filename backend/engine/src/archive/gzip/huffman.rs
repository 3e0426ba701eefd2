//! A gzip member without matches: blocks of literals under a Huffman code of their own, or stored where that gains nothing.
//!
//! For content that is compressed already. In a photograph nothing repeats, yet some bytes come more often than others: that is all that
//! `gzip -6` finds in it, too, and finding it this way costs a tenth. The formats are those of RFC 1951 (3.2.3 to 3.2.7) and RFC 1952.

use libdeflater::Crc;

/// Bytes of a block. Each carries its code, some 60 bytes; what a longer one would save there it loses where pictures differ.
const BLOCK: usize = 32 << 10;
/// The longest code of a literal. Four of them, and what is left of the byte before, fit into 64 bits.
const LONGEST: usize = 12;
/// Literals and the end of the block.
const SYMBOLS: usize = 257;
const END: usize = 256;
/// A stored block: its three bits, padding, and its length twice.
const STORED: usize = 1 + 4;
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
const TAIL: usize = 8;
/// Whole words are written, the last of them beyond the end.
const WORD: usize = 8;

/// Bytes that [`write_member`] needs to have at most.
pub(super) fn bound(bytes: usize) -> usize {
    HEAD.len() + bytes + bytes.div_ceil(BLOCK).max(1) * STORED + TAIL + WORD
}

/// Bits per byte that a code of single bytes comes to at best; 0 for nothing.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let counts = count(bytes);
    let total = bytes.len() as f64;
    let used = counts[..END].iter().filter(|count| **count > 0).map(|count| f64::from(*count));
    used.map(|count| count * (total / count).log2()).sum::<f64>() / total.max(1.0)
}

/// Writes `bytes` as one member to the beginning of `to`, which has [`bound`] bytes; returns how many it took.
pub(super) fn write_member(bytes: &[u8], to: &mut [u8]) -> usize {
    to[..HEAD.len()].copy_from_slice(&HEAD);
    let mut bits = Bits { to, at: HEAD.len(), held: 0, count: 0 };
    let mut blocks = bytes.chunks(BLOCK).peekable();
    if bytes.is_empty() {
        bits.stored(bytes, true);
    }
    while let Some(block) = blocks.next() {
        let last = blocks.peek().is_none();
        let code = Code::of(block);
        match code.bits.div_ceil(8) < block.len() + STORED {
            true => bits.coded(block, &code, last),
            false => bits.stored(block, last),
        }
    }
    bits.align();
    let mut crc = Crc::new();
    crc.update(bytes);
    bits.put(u64::from(crc.sum()), 32);
    // The size modulo 2^32, as the format has it.
    bits.put(bytes.len() as u64 & 0xffff_ffff, 32);
    bits.at
}

/// Bits are packed from the lowest upwards; codes go in with their bits reversed.
struct Bits<'a> {
    to: &'a mut [u8],
    at: usize,
    held: u64,
    /// Of `held`; fewer than 8 between calls.
    count: u32,
}

impl Bits<'_> {
    /// At most 56 bits.
    fn put(&mut self, value: u64, count: u32) {
        self.held |= value << self.count;
        self.count += count;
        self.spill();
    }

    fn spill(&mut self) {
        self.to[self.at..self.at + WORD].copy_from_slice(&self.held.to_le_bytes());
        self.at += (self.count / 8) as usize;
        self.held >>= self.count & !7;
        self.count &= 7;
    }

    fn align(&mut self) {
        self.put(0, (8 - self.count) % 8);
    }

    fn stored(&mut self, block: &[u8], last: bool) {
        self.put(u64::from(last), 3);
        self.align();
        // A block is shorter than 64 KiB.
        let length = block.len() as u64;
        self.put(length | (length ^ 0xffff) << 16, 32);
        self.to[self.at..self.at + block.len()].copy_from_slice(block);
        self.at += block.len();
    }

    fn coded(&mut self, block: &[u8], code: &Code, last: bool) {
        self.put(u64::from(last) | 2 << 1, 3);
        code.describe(self);
        let mut quads = block.chunks_exact(4);
        for quad in &mut quads {
            for byte in quad {
                let (bits, length) = code.symbols[usize::from(*byte)];
                self.held |= u64::from(bits) << self.count;
                self.count += u32::from(length);
            }
            self.spill();
        }
        for symbol in quads.remainder().iter().map(|byte| usize::from(*byte)).chain([END]) {
            let (bits, length) = code.symbols[symbol];
            self.put(u64::from(bits), u32::from(length));
        }
    }
}

/// The code of one block.
struct Code {
    /// Reversed bits and length.
    symbols: [(u16, u8); SYMBOLS],
    /// Lengths of all codes, as they are written: that of the one distance, which never comes, is the last.
    lengths: [u8; SYMBOLS + 1],
    /// The code in which those lengths are written.
    meta: [(u16, u8); 19],
    /// What a block takes, its description included.
    bits: usize,
}

impl Code {
    fn of(block: &[u8]) -> Code {
        let frequencies = count(block);
        let mut lengths = [0; SYMBOLS + 1];
        limited(&frequencies, LONGEST, &mut lengths[..SYMBOLS]);
        // Some readers want a distance code that has a code in it.
        lengths[SYMBOLS] = 1;
        let mut meta_frequencies = [0; 19];
        for length in lengths {
            meta_frequencies[usize::from(length)] += 1;
        }
        let mut meta_lengths = [0; 19];
        limited(&meta_frequencies, 7, &mut meta_lengths);
        let cost = |frequencies: &[u32], lengths: &[u8]| {
            frequencies.iter().zip(lengths).map(|(f, l)| *f as usize * usize::from(*l)).sum::<usize>()
        };
        let description = 3 + 5 + 5 + 4 + 19 * 3 + cost(&meta_frequencies, &meta_lengths);
        let bits = description + cost(&frequencies, &lengths);
        let (mut symbols, mut meta) = ([(0, 0); SYMBOLS], [(0, 0); 19]);
        canonical(&lengths[..SYMBOLS], &mut symbols);
        canonical(&meta_lengths, &mut meta);
        Code { symbols, lengths, meta, bits }
    }

    fn describe(&self, bits: &mut Bits<'_>) {
        /// The order of RFC 1951, 3.2.7.
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        // 257 literals and lengths, one distance, 19 lengths of the lengths' own code.
        bits.put(15 << 10, 14);
        for length in ORDER {
            bits.put(u64::from(self.meta[length].1), 3);
        }
        for length in self.lengths {
            let (code, count) = self.meta[usize::from(length)];
            bits.put(u64::from(code), u32::from(count));
        }
    }
}

fn count(block: &[u8]) -> [u32; SYMBOLS] {
    // Four tables: a byte that follows itself does not wait for its own count.
    let mut tables = [[0u32; 256]; 4];
    let mut quads = block.chunks_exact(4);
    for quad in &mut quads {
        for (table, byte) in tables.iter_mut().zip(quad) {
            table[usize::from(*byte)] += 1;
        }
    }
    for byte in quads.remainder() {
        tables[0][usize::from(*byte)] += 1;
    }
    let mut frequencies = [0; SYMBOLS];
    for (byte, frequency) in frequencies[..END].iter_mut().enumerate() {
        *frequency = tables.iter().map(|table| table[byte]).sum();
    }
    frequencies[END] = 1;
    frequencies
}

/// Lengths of an optimal prefix code (Huffman's), 0 for symbols that do not come. Codes that would be longer than `limit` are cut, and the
/// room that they take is made by lengthening others, as zlib does: for such short blocks that costs next to nothing.
fn limited(frequencies: &[u32], limit: usize, lengths: &mut [u8]) {
    let mut leaves: Vec<(u32, usize)> =
        frequencies.iter().enumerate().filter(|(_, f)| **f > 0).map(|(symbol, f)| (*f, symbol)).collect();
    leaves.sort_unstable();
    let count = leaves.len();
    if let [(_, symbol)] = leaves[..] {
        lengths[symbol] = 1;
        return;
    }
    // Leaves by weight, then the nodes above them, which come into being by weight, too.
    let mut weights: Vec<u64> = leaves.iter().map(|(f, _)| u64::from(*f)).collect();
    let mut parents = vec![0; 2 * count - 1];
    let (mut leaf, mut node) = (0, count);
    for parent in count..2 * count - 1 {
        let mut sum = 0;
        for _ in 0..2 {
            let next = if node >= parent || (leaf < count && weights[leaf] <= weights[node]) {
                &mut leaf
            } else {
                &mut node
            };
            sum += weights[*next];
            parents[*next] = parent;
            *next += 1;
        }
        weights.push(sum);
    }
    let mut depths = vec![0usize; 2 * count - 1];
    let mut with = vec![0usize; limit + 1];
    for at in (0..2 * count - 2).rev() {
        depths[at] = depths[parents[at]] + 1;
        if at < count {
            with[depths[at].min(limit)] += 1;
        }
    }
    // Kraft's sum in units of the longest code.
    let mut sum: usize = (1..=limit).map(|length| with[length] << (limit - length)).sum();
    while sum > 1 << limit {
        let shorter = (1..limit).rev().find(|length| with[*length] > 0).unwrap_or(1);
        with[shorter] -= 1;
        with[shorter + 1] += 2;
        with[limit] -= 1;
        sum -= 1;
    }
    let longest_first = (1..=limit).rev().flat_map(|length| std::iter::repeat_n(length as u8, with[length]));
    for ((_, symbol), length) in leaves.iter().zip(longest_first) {
        lengths[*symbol] = length;
    }
}

/// The codes that follow from their lengths (RFC 1951, 3.2.2), reversed.
fn canonical(lengths: &[u8], codes: &mut [(u16, u8)]) {
    let mut next = [0u16; 17];
    for length in lengths.iter().filter(|length| **length > 0) {
        next[usize::from(*length) + 1] += 1;
    }
    for length in 1..17 {
        next[length] = (next[length] + next[length - 1]) << 1;
    }
    for (length, code) in lengths.iter().zip(codes).filter(|(length, _)| **length > 0) {
        let next = &mut next[usize::from(*length)];
        *code = (next.reverse_bits() >> (16 - length), *length);
        *next += 1;
    }
}

#[cfg(test)]
mod tests;
