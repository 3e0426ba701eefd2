//! The bytes of one member before compression, and how they are compressed.
//!
//! In what is compressed already (photographs, archives, fonts) nothing repeats, and looking for it costs as much time as in text: it is
//! recognised, and coded without (see [`super::huffman`]). Most of a photograph's repetitions are metadata at its head, so that is decided
//! piece by piece.

use super::huffman;
use crate::archive::reuse::Fingerprint;
use libdeflater::{CompressionLvl, Compressor};
use std::io;
use std::ops::Range;

/// A file is judged in pieces of this size,
const PIECE: usize = 32 << 10;
/// and in smaller ones where metadata end and the picture begins.
const FINE_PIECE: usize = 4 << 10;
const FINE_UNTIL: usize = 64 << 10;
/// Bits of a byte, taken by itself: text has 4 to 6, machine code and pixels up to 7, what is compressed nearly 8.
const DENSE: f64 = 7.4;
/// The beginning of a file that is always deflated.
const HEAD: usize = 4 << 10;
/// What is looked at of a file without a known head.
const SAMPLE: usize = 2 << 10;
/// A file without a known head is judged as well when it is this large.
const LARGE: usize = 64 << 10;
/// In a sample that keeps more than so many of a thousand bytes nothing repeats.
const UNMATCHED: usize = 965;

/// What a job fills.
#[derive(Debug, Default)]
pub struct Block {
    pub bytes: Vec<u8>,
    /// What these bytes were made from, if that can be told.
    pub fingerprint: Option<Fingerprint>,
    /// Contents of files within `bytes`, which may be compressed already.
    files: Vec<(Range<usize>, bool)>,
}

impl Block {
    pub(super) fn clear(&mut self, fingerprint: Option<Fingerprint>) {
        self.bytes.clear();
        self.files.clear();
        self.fingerprint = fingerprint;
    }

    /// The bytes from here on are a file's content, or a later piece of one when `is_piece`.
    pub fn file_from(&mut self, start: usize, is_piece: bool) {
        self.files.push((start..self.bytes.len(), is_piece));
    }
}

/// What a worker compresses with.
pub(super) struct Tools {
    deflate: Compressor,
    probe: Compressor,
    scratch: Vec<u8>,
}

impl Tools {
    pub(super) fn new(level: CompressionLvl) -> Tools {
        Tools {
            deflate: Compressor::new(level),
            probe: Compressor::new(CompressionLvl::new(1).unwrap_or(level)),
            scratch: Vec::new(),
        }
    }

    /// Compresses the block into the beginning of `out`, as one member or several; returns how many bytes that are.
    pub(super) fn compress(&mut self, block: &Block, out: &mut Vec<u8>) -> io::Result<usize> {
        let packed = self.packed(block);
        let (mut done, mut length) = (0, 0);
        for range in packed {
            if range.start > done {
                length += self.deflate(&block.bytes[done..range.start], out, length)?;
            }
            let bytes = &block.bytes[range.clone()];
            length += huffman::write_member(bytes, room(out, length, huffman::bound(bytes.len())));
            done = range.end;
        }
        if done < block.bytes.len() || length == 0 {
            length += self.deflate(&block.bytes[done..], out, length)?;
        }
        Ok(length)
    }

    fn deflate(&mut self, bytes: &[u8], out: &mut Vec<u8>, at: usize) -> io::Result<usize> {
        let out = room(out, at, self.deflate.gzip_compress_bound(bytes.len()));
        let written = self.deflate.gzip_compress(bytes, out);
        written.map_err(|error| io::Error::other(format!("compression failed: {error}")))
    }

    /// The ranges in which nothing repeats, in order, none next to another.
    fn packed(&mut self, block: &Block) -> Vec<Range<usize>> {
        let mut packed: Vec<Range<usize>> = Vec::new();
        for (file, is_piece) in &block.files {
            let content = &block.bytes[file.clone()];
            let known = !is_piece && content.len() > HEAD && is_packed(content);
            if !known && (content.len() < LARGE || !self.has_no_matches(content)) {
                continue;
            }
            let mut at = if *is_piece { 0 } else { HEAD };
            while at < content.len() {
                let size = if *is_piece || at >= FINE_UNTIL { PIECE } else { FINE_PIECE };
                // A short rest goes with the piece before it.
                let end = if content.len() - at < 2 * size { content.len() } else { at + size };
                if huffman::entropy(&content[at..end]) > DENSE {
                    let range = file.start + at..file.start + end;
                    match packed.last_mut() {
                        Some(last) if last.end == range.start => last.end = range.end,
                        _ => packed.push(range),
                    }
                }
                at = end;
            }
        }
        packed
    }

    fn has_no_matches(&mut self, piece: &[u8]) -> bool {
        let middle = piece.len().saturating_sub(SAMPLE) / 2;
        let sample = &piece[middle..piece.len().min(middle + SAMPLE)];
        let bound = self.probe.deflate_compress_bound(sample.len());
        if self.scratch.len() < bound {
            self.scratch.resize(bound, 0);
        }
        let packed = self.probe.deflate_compress(sample, &mut self.scratch);
        packed.is_ok_and(|length| length * 1000 > sample.len() * UNMATCHED)
    }
}

/// The buffer from `at` on, with room for so many bytes.
fn room(out: &mut Vec<u8>, at: usize, bytes: usize) -> &mut [u8] {
    if out.len() < at + bytes {
        out.resize(at + bytes, 0);
    }
    &mut out[at..]
}

/// Whether a file begins like one whose content is compressed already.
fn is_packed(head: &[u8]) -> bool {
    const HEADS: [&[u8]; 14] = [
        b"\xff\xd8\xff",       // JPEG
        b"\x89PNG\r\n\x1a\n",  // PNG
        b"GIF8",               // GIF
        b"PK\x03\x04",         // ZIP, JAR, DOCX, XLSX
        b"\x1f\x8b",           // gzip
        b"BZh",                // bzip2
        b"\xfd7zXZ\0",         // xz
        b"\x28\xb5\x2f\xfd",   // Zstandard
        b"7z\xbc\xaf\x27\x1c", // 7-Zip
        b"wOFF",               // WOFF
        b"wOF2",               // WOFF2
        b"ID3",                // MP3
        b"OggS",               // Ogg
        b"\x1aE\xdf\xa3",      // Matroska, WebM
    ];
    let at = |offset: usize, mark: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(mark));
    HEADS.iter().any(|mark| head.starts_with(mark))
        || (at(0, b"RIFF") && at(8, b"WEBP"))
        // MP4, MOV, HEIC, AVIF
        || at(4, b"ftyp")
}

#[cfg(test)]
mod tests;
