//! Files that are archived in pieces, each a member of its own.

use super::fingerprint;
use super::groups::CHUNK;
use super::read::Source;
use super::{Shared, header};
use crate::archive::gzip::{Block, Job};
use crate::archive::reuse::{Base, Fingerprint};
use crate::source::files::{Handles, Inode, Meta, NodeRef};
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

pub(super) struct Large {
    shared: Arc<Shared>,
    at: NodeRef,
    path: Vec<u8>,
    fingerprint: Option<Fingerprint>,
    /// What its header says.
    size: u64,
    meta: Meta,
    /// Whether the walk saw the same file.
    pub(super) same: bool,
    /// Opened at once, unless the earlier archive has every piece; then when a piece turns out to be damaged there.
    source: OnceLock<Option<Source>>,
}

impl Large {
    /// None, with a warning, when there is nothing to be read any more or it must not be read.
    pub(super) fn new(
        shared: &Arc<Shared>,
        handles: &mut Handles,
        at: NodeRef,
        path: Vec<u8>,
        base: Option<&Base>,
    ) -> Option<Large> {
        let node = shared.tree.node(at);
        let fingerprint = fingerprint::of_file(&shared.tree, &shared.owners, shared.racy_from, node, &path);
        let known = |base: &Base| {
            let known =
                |file: Fingerprint| offsets(node.size).all(|offset| base.known(file.at(offset)).is_some());
            fingerprint.is_some_and(known)
        };
        let mut large = Large {
            shared: Arc::clone(shared),
            at,
            path,
            fingerprint,
            size: node.size,
            meta: node.meta,
            same: true,
            source: OnceLock::new(),
        };
        if !base.is_some_and(known) {
            let source = Source::open(shared, handles, at, large.path.clone())?;
            large.size = source.size();
            large.meta = Meta::of(&source.stat);
            large.same = Inode::of(&source.stat) == node.inode;
            if !fingerprint::is_untouched(node, &source.stat) {
                large.fingerprint = None;
            }
            large.source = OnceLock::from(Some(source));
        }
        Some(large)
    }

    pub(super) fn pieces(self) -> impl Iterator<Item = Piece> {
        let large = Arc::new(self);
        offsets(large.size).map(move |offset| Piece { large: Arc::clone(&large), offset })
    }

    fn source(&self) -> Option<&Source> {
        let open = || Source::open(&self.shared, &mut Handles::default(), self.at, self.path.clone());
        self.source.get_or_init(open).as_ref()
    }
}

/// Where the pieces of a file of this size begin; an empty one has one, too.
fn offsets(size: u64) -> impl Iterator<Item = u64> {
    (0..size.div_ceil(CHUNK).max(1)).map(|piece| piece * CHUNK)
}

pub(super) struct Piece {
    large: Arc<Large>,
    offset: u64,
}

impl Piece {
    fn length(&self) -> u64 {
        CHUNK.min(self.large.size - self.offset)
    }
}

impl Job for Piece {
    fn fingerprint(&self) -> Option<Fingerprint> {
        Some(self.large.fingerprint?.at(self.offset))
    }

    fn taken(self: Box<Self>) {
        let shared = &self.large.shared;
        shared.bytes.fetch_add(self.length(), Ordering::Relaxed);
        shared.entries.fetch_add(u64::from(self.offset == 0), Ordering::Relaxed);
    }

    fn fill(self: Box<Self>, block: &mut Block) -> io::Result<()> {
        let Large { shared, at, path, size, meta, .. } = &*self.large;
        let length = self.length();
        if self.offset == 0 {
            shared.header(&mut block.bytes, path, meta, header::Type::File { size: *size });
        }
        let start = block.bytes.len();
        let steady = match self.large.source() {
            Some(source) => {
                source.append_content(shared, &mut block.bytes, self.offset, length);
                block.file_from(start, self.offset > 0);
                let last = self.offset + length == *size;
                source.is_steady(shared, shared.tree.node(*at), last)
            }
            // The earlier archive had it, and turned out to be damaged here; the file has gone meanwhile, of which its opening told.
            None => {
                block.bytes.resize(start + usize::try_from(length).map_err(io::Error::other)?, 0);
                let text = format!("{length} bytes from byte {} on are zeros in the archive", self.offset);
                shared.warnings.missing("unreadable", path, &text);
                false
            }
        };
        header::pad(&mut block.bytes);
        if !steady {
            block.fingerprint = None;
        }
        Ok(())
    }
}
