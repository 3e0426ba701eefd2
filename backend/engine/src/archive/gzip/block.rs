//! The bytes of one member before compression, and how they are compressed.
//!
//! What is compressed already (photographs, archives, fonts) costs as much time as text and gains nothing: it is recognised and stored.
//! Most of a photograph's compressible bytes are metadata at its head, so that is decided piece by piece.

use crate::archive::reuse::Fingerprint;
use libdeflater::{CompressionLvl, Compressor};
use std::io;
use std::ops::Range;

/// A file is judged in pieces of this size.
const PIECE: usize = 16 << 10;
/// The beginning of a file that is always deflated.
const HEAD: usize = 4 << 10;
/// What is looked at of a piece.
const SAMPLE: usize = 2 << 10;
/// A file without a known head is judged as well when it is this large.
const LARGE: usize = 64 << 10;
/// A sample that keeps more than so many of a thousand bytes is not worth compressing.
const WORTHLESS: usize = 965;

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
    store: Compressor,
    probe: Compressor,
    scratch: Vec<u8>,
}

impl Tools {
    pub(super) fn new(level: CompressionLvl) -> Tools {
        Tools {
            deflate: Compressor::new(level),
            store: Compressor::new(CompressionLvl::new(0).unwrap_or(level)),
            probe: Compressor::new(CompressionLvl::new(1).unwrap_or(level)),
            scratch: Vec::new(),
        }
    }

    /// Compresses the block into the beginning of `out`, as one member or several; returns how many bytes that are.
    pub(super) fn compress(&mut self, block: &Block, out: &mut Vec<u8>) -> io::Result<usize> {
        let stored = self.stored(block);
        let (mut done, mut length) = (0, 0);
        for range in stored {
            if range.start > done {
                length += append(&mut self.deflate, &block.bytes[done..range.start], out, length)?;
            }
            length += append(&mut self.store, &block.bytes[range.clone()], out, length)?;
            done = range.end;
        }
        if done < block.bytes.len() || length == 0 {
            length += append(&mut self.deflate, &block.bytes[done..], out, length)?;
        }
        Ok(length)
    }

    /// The ranges that are not worth compressing, in order, none next to another.
    fn stored(&mut self, block: &Block) -> Vec<Range<usize>> {
        let mut stored: Vec<Range<usize>> = Vec::new();
        for (file, is_piece) in &block.files {
            let content = &block.bytes[file.clone()];
            let known = !is_piece && content.len() > HEAD && is_packed(content);
            if !known && (content.len() < LARGE || !self.is_worthless(content)) {
                continue;
            }
            let mut at = if *is_piece { 0 } else { HEAD };
            while at < content.len() {
                // A short rest goes with the piece before it.
                let end = if content.len() - at < 2 * PIECE { content.len() } else { at + PIECE };
                if self.is_worthless(&content[at..end]) {
                    let range = file.start + at..file.start + end;
                    match stored.last_mut() {
                        Some(last) if last.end == range.start => last.end = range.end,
                        _ => stored.push(range),
                    }
                }
                at = end;
            }
        }
        stored
    }

    fn is_worthless(&mut self, piece: &[u8]) -> bool {
        let middle = piece.len().saturating_sub(SAMPLE) / 2;
        let sample = &piece[middle..piece.len().min(middle + SAMPLE)];
        let bound = self.probe.deflate_compress_bound(sample.len());
        if self.scratch.len() < bound {
            self.scratch.resize(bound, 0);
        }
        let packed = self.probe.deflate_compress(sample, &mut self.scratch);
        packed.is_ok_and(|length| length * 1000 > sample.len() * WORTHLESS)
    }
}

fn append(compressor: &mut Compressor, bytes: &[u8], out: &mut Vec<u8>, at: usize) -> io::Result<usize> {
    let bound = at + compressor.gzip_compress_bound(bytes.len());
    if out.len() < bound {
        out.resize(bound, 0);
    }
    compressor
        .gzip_compress(bytes, &mut out[at..])
        .map_err(|error| io::Error::other(format!("compression failed: {error}")))
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
