//! The file tree as a `tar` archive, compressed in parallel.
//!
//! The walk comes first and gives the sorted entries. They are cut into groups of about a quarter of a megabyte; each worker reads a group's
//! files, builds its headers and compresses it in place. Files above 4 MiB are read in chunks. Memory grows with the number of
//! entries (some 150 bytes each), not with their content.

mod fingerprint;
mod groups;
mod header;
mod large;
mod owners;
mod read;

use super::ArchiveFile;
use super::gzip::{Block, Counters, GzipOptions, GzipWriter, Job, Written, is_cancelled};
use super::parts::PartWriter;
use super::reuse::{self, Base};
use crate::event::{Event, Events, Phase, Warning};
use crate::source::files::{
    Excludes, Handles, Inode, Meta, NodeRef, Symlinks, Tree, WalkError, WalkOptions, Warnings, walk,
};
use chrono::{DateTime, Utc};
use crossbeam_channel::{Receiver, Sender};
use groups::{Cutter, LARGE, weight};
use header::Type;
use large::Large;
use owners::Owners;
use read::{Announcer, FirstName, Group, Item, Links};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

pub use crate::source::files::LinkOut;

/// The archive's name within a copy.
pub const NAME: &str = "files/files.tgz";
/// libdeflate's 6: the size of `gzip -6` at less than half its time.
const LEVEL: i32 = 6;
/// What has changed since the pass before. With every change the unchanged neighbours of a file are compressed again, too: this is 15 % cheaper
/// and makes them 2 % larger, until a pass that makes everything anew.
const LEVEL_AGAIN: i32 = 5;
/// Changes whenever the same tree would be cut or compressed in another way: then nothing is copied from archives made before.
pub const POLICY: &str = "files 2: deflate 6 or 5, packed content without matches";
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// Groups differ in size, and in what a byte of them takes.
const QUEUE: usize = 12;
/// Threads of the walk: it waits for the disk more than it computes.
const WALKERS: usize = 4;

pub struct PackOptions {
    /// The Magento root; resolved once.
    pub root: PathBuf,
    /// The copy's folder, `<timestamp>.partial`; `files/` is made in it.
    pub out_dir: PathBuf,
    pub excludes: Excludes,
    /// Absolute paths that are never archived, such as the archive directory. `out_dir` is left out in any case.
    pub leave_out: Vec<PathBuf>,
    pub symlinks: Symlinks,
    /// Bytes per part.
    pub part_size: u64,
    /// When the pass began, by the same clock as the files' times.
    pub started_at: DateTime<Utc>,
    /// The archive of an earlier pass, opened with [`POLICY`].
    pub base: Option<Arc<Base>>,
    /// Threads that read and compress.
    pub workers: usize,
    pub events: Events,
    pub cancel: CancellationToken,
}

#[derive(Debug)]
pub struct Packed {
    /// In order; on the disk.
    pub archives: Vec<ArchiveFile>,
    /// Entries of the archive: files, directories and links.
    pub entries: u64,
    /// Bytes of file content before compression.
    pub source_bytes: u64,
    /// Bytes of the archive that were copied from the earlier one.
    pub reused_bytes: u64,
    /// What is missing first. Each was emitted as an event when it happened.
    pub warnings: Vec<Warning>,
    pub links_out: Vec<LinkOut>,
    /// Further ones, which are not listed.
    pub links_out_more: u64,
    /// Paths that were left out, relative to the root.
    pub excluded: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("the pass was cancelled")]
    Cancelled,
    /// The Magento root cannot be walked at all.
    #[error(transparent)]
    Source(WalkError),
    /// The archive cannot be written; the kind tells a full disk.
    #[error("{0}")]
    Write(io::Error),
}

impl From<WalkError> for PackError {
    fn from(error: WalkError) -> PackError {
        match error {
            WalkError::Cancelled => PackError::Cancelled,
            error => PackError::Source(error),
        }
    }
}

impl From<io::Error> for PackError {
    fn from(error: io::Error) -> PackError {
        if is_cancelled(&error) { PackError::Cancelled } else { PackError::Write(error) }
    }
}

/// What the submitting thread and the workers share.
struct Shared {
    tree: Tree,
    owners: Owners,
    warnings: Warnings,
    /// Changes from this second on are too young to be told apart.
    racy_from: i64,
    bytes: AtomicU64,
    entries: AtomicU64,
}

impl Shared {
    fn header(&self, buffer: &mut Vec<u8>, path: &[u8], meta: &Meta, kind: Type<'_>) {
        header::append(buffer, path, meta, kind, &self.owners);
        self.entries.fetch_add(1, Ordering::Relaxed);
    }
}

/// A tree that was walked, to be archived next.
pub struct Scan {
    tree: Tree,
    warnings: Warnings,
}

impl Scan {
    /// Bytes of file content, as the walk saw it.
    pub fn content_bytes(&self) -> u64 {
        let nodes = self.tree.entries().map(|at| self.tree.node(at));
        let content = nodes.filter(|node| node.kind.has_content());
        content.fold(0, |sum, node| sum.saturating_add(node.size))
    }
}

/// Walks the tree. Blocks. What is wrong with single entries is a warning.
///
/// # Errors
/// When the root cannot be walked, or the pass is cancelled.
pub fn scan(options: &PackOptions) -> Result<Scan, PackError> {
    let warnings = Warnings::new(options.events.clone());
    let leave_out: Vec<PathBuf> = options.leave_out.iter().chain([&options.out_dir]).cloned().collect();
    let walk_options = WalkOptions {
        root: &options.root,
        excludes: &options.excludes,
        leave_out: &leave_out,
        symlinks: options.symlinks,
        threads: WALKERS,
        cancel: &options.cancel,
    };
    let tree = walk(&walk_options, &warnings)?;
    Ok(Scan { tree, warnings })
}

/// Walks the tree and archives it: [`scan`], then [`pack_scanned`].
pub fn pack(options: PackOptions) -> Result<Packed, PackError> {
    let scan = scan(&options)?;
    pack_scanned(options, scan)
}

/// Archives the tree. Blocks; emits the events of [`Phase::Files`] with its start and end.
///
/// `tar -xz` gives the tree back: entries come sorted, each directory before what it holds, and the root itself (`./`, for its mode and
/// times) at the end, so that names need no `./` in front.
///
/// # Errors
/// When the root cannot be walked, the archive cannot be written, or the pass is cancelled. What is wrong with single files is a
/// warning. What was written until then stays in `out_dir`; no thread uses it any more.
pub fn pack_scanned(options: PackOptions, scan: Scan) -> Result<Packed, PackError> {
    let events = options.events.clone();
    events.emit(Event::Started { phase: Phase::Files, total_bytes: None, total_items: None });
    let packed = pack_tree(options, scan);
    events.emit(Event::Ended { phase: Phase::Files, ok: packed.is_ok() });
    packed
}

fn pack_tree(options: PackOptions, scan: Scan) -> Result<Packed, PackError> {
    let Scan { tree, warnings } = scan;
    let parts = PartWriter::create(&options.out_dir, NAME, options.part_size)?;
    let shared = Arc::new(Shared {
        tree,
        owners: Owners::load(),
        warnings,
        racy_from: fingerprint::racy_from(options.started_at),
        bytes: AtomicU64::new(0),
        entries: AtomicU64::new(0),
    });
    let base = options.base.clone();
    let level = if base.is_some() { LEVEL_AGAIN } else { LEVEL };
    let gzip = GzipOptions { level, workers: options.workers, queue: QUEUE, cancel: options.cancel, base };
    let writer = GzipWriter::new(parts, gzip)?;
    let mut packer = Packer {
        progress: Progress::start(&shared, &writer, options.events),
        shared: Arc::clone(&shared),
        writer,
        base: options.base.clone(),
        handles: Handles::default(),
        first_names: HashMap::new(),
        cutter: Cutter::default(),
        group: Vec::new(),
        grown: crossbeam_channel::unbounded(),
    };
    for at in shared.tree.entries() {
        packer.add(at)?;
    }
    let Written { archives, members, reused_bytes } = packer.finish()?;
    let base = options.base.as_deref();
    let head = reuse::Head::after(base, POLICY, options.started_at, &archives);
    if let Err(error) = reuse::write_index(&options.out_dir, NAME, &head, &members) {
        tracing::warn!(%error, "the index of the files cannot be written; the next pass makes everything anew");
    }
    if let Some(text) = base.and_then(Base::damage) {
        shared.warnings.note("earlier_damaged", b"", &text);
    }
    Ok(Packed {
        archives,
        entries: shared.entries.load(Ordering::Relaxed),
        source_bytes: shared.bytes.load(Ordering::Relaxed),
        reused_bytes,
        warnings: shared.warnings.take(),
        links_out: shared.tree.links_out.clone(),
        links_out_more: shared.tree.links_out_more,
        excluded: shared.tree.excluded.clone(),
    })
}

/// Cuts the entries into jobs.
struct Packer {
    shared: Arc<Shared>,
    writer: GzipWriter,
    base: Option<Arc<Base>>,
    progress: Progress,
    handles: Handles,
    first_names: HashMap<Inode, Arc<FirstName>>,
    cutter: Cutter,
    group: Vec<Item>,
    /// Files that were small when the walk saw them and too large when their group was filled.
    grown: (Sender<NodeRef>, Receiver<NodeRef>),
}

impl Packer {
    fn add(&mut self, at: NodeRef) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let node = shared.tree.node(at);
        let path = shared.tree.path(at);
        let links = match self.first_names.get(&node.inode) {
            Some(first) if node.linked && !first.failed() => Links::Further(Arc::clone(first)),
            _ if node.linked => {
                let (announcer, first) = Announcer::new(path.clone());
                self.first_names.insert(node.inode, first);
                Links::First(announcer)
            }
            _ => Links::Single,
        };
        let has_content = node.kind.has_content();
        if has_content && node.size > LARGE && !matches!(links, Links::Further(_)) {
            self.submit_group()?;
            self.cutter.reset();
            return self.submit_large(at, path, links).map(drop);
        }
        let weight = weight(&path, if has_content { node.size } else { 0 });
        if self.cutter.before(weight) {
            self.submit_group()?;
        }
        self.group.push(Item { at, links });
        if self.cutter.after(&path, weight) {
            self.submit_group()?;
        }
        Ok(())
    }

    fn submit_group(&mut self) -> io::Result<()> {
        let items = std::mem::take(&mut self.group);
        if items.is_empty() {
            return Ok(());
        }
        let (shared, grown) = (Arc::clone(&self.shared), self.grown.0.clone());
        self.submit(Group { shared, items, grown })
    }

    /// Archives what the groups handed back, as it is now. Waits until every group is filled.
    fn submit_grown(&mut self) -> io::Result<()> {
        // Closed once every group has run, or never will.
        let (sender, receiver) = std::mem::replace(&mut self.grown, crossbeam_channel::bounded(0));
        drop(sender);
        let mut grown: Vec<NodeRef> = receiver.iter().collect();
        // The order in which groups were filled is chance.
        grown.sort_by_key(|at| (at.dir, at.index));
        let shared = Arc::clone(&self.shared);
        let mut first_names: HashMap<Inode, Vec<u8>> = HashMap::new();
        let within: BTreeSet<u32> = grown.iter().map(|at| at.dir).collect();
        for at in grown {
            let (node, path) = (shared.tree.node(at), shared.tree.path(at));
            if let Some(first) = first_names.get(&node.inode) {
                let first = first.clone();
                let shared = Arc::clone(&shared);
                self.submit_headers(move |buffer| {
                    let meta = &shared.tree.node(at).meta;
                    shared.header(buffer, &path, meta, Type::HardLink(&first));
                })?;
                continue;
            }
            if self.submit_large(at, path.clone(), Links::Single)? && node.linked {
                first_names.insert(node.inode, path);
            }
        }
        // A file that is unpacked so late changes the time of its directory: `tar` is told that once more.
        for entry in within.into_iter().filter_map(|dir| shared.tree.entry_of(dir)) {
            let shared = Arc::clone(&shared);
            self.submit_headers(move |buffer| {
                let path = [shared.tree.path(entry), b"/".to_vec()].concat();
                shared.header(buffer, &path, &shared.tree.node(entry).meta, Type::Dir);
            })?;
        }
        Ok(())
    }

    /// One member per piece, all from one open file. Returns whether the file that the walk saw is in the archive now.
    fn submit_large(&mut self, at: NodeRef, path: Vec<u8>, links: Links) -> io::Result<bool> {
        let Some(large) = Large::new(&self.shared, &mut self.handles, at, path, self.base.as_deref()) else {
            return Ok(false);
        };
        let same = large.same;
        if let Links::First(announcer) = links {
            announcer.tell(same);
        }
        for piece in large.pieces() {
            self.submit(piece)?;
        }
        Ok(same)
    }

    /// A member of entries that need no reading.
    fn submit_headers(&mut self, fill: impl FnOnce(&mut Vec<u8>) + Send + 'static) -> io::Result<()> {
        self.submit(move |block: &mut Block| {
            fill(&mut block.bytes);
            Ok(())
        })
    }

    fn submit(&mut self, job: impl Job + 'static) -> io::Result<()> {
        self.writer.submit(job)?;
        self.progress.tick(&self.shared);
        Ok(())
    }

    fn finish(mut self) -> io::Result<Written> {
        self.submit_group()?;
        self.submit_grown()?;
        let shared = Arc::clone(&self.shared);
        self.submit_headers(move |buffer| {
            shared.header(buffer, b"./", &shared.tree.root_node.meta, Type::Dir);
            buffer.resize(buffer.len() + 2 * header::BLOCK, 0);
        })?;
        let written = self.writer.finish()?;
        self.progress.emit(&self.shared);
        Ok(written)
    }
}

struct Progress {
    events: Events,
    counters: Arc<Counters>,
    last: Instant,
}

impl Progress {
    fn start(shared: &Shared, writer: &GzipWriter, events: Events) -> Progress {
        let sizes = shared.tree.entries().fold((0, 1), |(bytes, items), at| {
            let node = shared.tree.node(at);
            (bytes + if node.kind.has_content() { node.size } else { 0 }, items + 1)
        });
        let (total_bytes, total_items) = (Some(sizes.0), Some(sizes.1));
        events.emit(Event::Started { phase: Phase::Files, total_bytes, total_items });
        Progress { events, counters: writer.counters(), last: Instant::now() }
    }

    fn tick(&mut self, shared: &Shared) {
        if self.last.elapsed() >= PROGRESS_EVERY {
            self.last = Instant::now();
            self.emit(shared);
        }
    }

    fn emit(&self, shared: &Shared) {
        self.events.emit(Event::Advanced {
            phase: Phase::Files,
            bytes: shared.bytes.load(Ordering::Relaxed),
            bytes_written: self.counters.bytes_out(),
            items: shared.entries.load(Ordering::Relaxed),
        });
    }
}
