//! Reading files into the archive while the store goes on working.
//!
//! The header comes first and promises a size, so what happens to a file afterwards cannot change it: what grew is cut there, what
//! shrank is filled up with zeros. Both are remarks. What is gone is skipped with a remark; what cannot be read is missing. A file that
//! has become too large for its group since the walk is handed back, and comes in pieces at the end of the archive.

use super::groups::{LARGE, MOST};
use super::header::{self, Type};
use super::{Shared, fingerprint};
use crate::archive::gzip::{Block, Job};
use crate::archive::reuse::Fingerprint;
use crate::source::files::{Handles, Inode, Kind, Meta, Node, NodeRef, is_gone, open_file};
use crossbeam_channel::Sender;
use rustix::fs::{FileType, Stat, fstat};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The first name of a file with several.
pub(super) struct FirstName {
    pub(super) path: Vec<u8>,
    /// Whether the file is in the archive under that name. Groups are begun in order, so a later one may wait for it.
    pub(super) archived: OnceLock<bool>,
}

/// Tells the others in any case, also when the group never runs.
pub(super) struct Announcer(Arc<FirstName>);

impl Announcer {
    pub(super) fn new(path: Vec<u8>) -> (Announcer, Arc<FirstName>) {
        let first = Arc::new(FirstName { path, archived: OnceLock::new() });
        (Announcer(Arc::clone(&first)), first)
    }

    pub(super) fn tell(self, archived: bool) {
        let _ = self.0.archived.set(archived);
    }
}

impl FirstName {
    /// It is known already that the file is not there.
    pub(super) fn failed(&self) -> bool {
        self.archived.get() == Some(&false)
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        let _ = self.0.archived.set(false);
    }
}

/// One entry of a group.
pub(super) struct Item {
    pub(super) at: NodeRef,
    pub(super) links: Links,
}

impl Item {
    /// Whether this is the first name itself.
    pub(super) fn announces(&self, first: &Arc<FirstName>) -> bool {
        matches!(&self.links, Links::First(announcer) if Arc::ptr_eq(&announcer.0, first))
    }
}

/// What the further names of an entry mean for it.
pub(super) enum Links {
    Single,
    First(Announcer),
    Further(Arc<FirstName>),
}

/// Entries that become one member.
pub(super) struct Group {
    pub(super) shared: Arc<Shared>,
    pub(super) items: Vec<Item>,
    /// Takes files that have become too large for a group.
    pub(super) grown: Sender<NodeRef>,
}

impl Job for Group {
    fn fingerprint(&self) -> Option<Fingerprint> {
        fingerprint::of_group(&self.shared.tree, &self.shared.owners, self.shared.racy_from, &self.items)
    }

    fn taken(self: Box<Self>) {
        let mut bytes = 0;
        self.shared.entries.fetch_add(self.items.len() as u64, Ordering::Relaxed);
        for Item { at, links } in self.items {
            let node = self.shared.tree.node(at);
            match links {
                Links::Further(_) => continue,
                Links::First(announcer) => announcer.tell(true),
                Links::Single => {}
            }
            bytes += if node.kind.has_content() { node.size } else { 0 };
        }
        self.shared.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn fill(self: Box<Self>, block: &mut Block) -> io::Result<()> {
        let mut handles = Handles::default();
        let mut steady = true;
        for item in self.items {
            steady &= append_item(&self.shared, &mut handles, item, &self.grown, block);
        }
        if !steady {
            block.fingerprint = None;
        }
        Ok(())
    }
}

/// Appends an entry. Whether it is just what the walk saw.
fn append_item(
    shared: &Shared,
    handles: &mut Handles,
    item: Item,
    grown: &Sender<NodeRef>,
    block: &mut Block,
) -> bool {
    let Item { at, links } = item;
    let node = shared.tree.node(at);
    let mut path = shared.tree.path(at);
    if let Links::Further(first) = &links
        && *first.archived.wait()
    {
        shared.header(&mut block.bytes, &path, &node.meta, Type::HardLink(&first.path));
        return true;
    }
    let (archived, steady) = match &node.kind {
        Kind::Dir(_) | Kind::EmptyDir => {
            path.push(b'/');
            shared.header(&mut block.bytes, &path, &node.meta, Type::Dir);
            (true, true)
        }
        Kind::Symlink(target) => {
            shared.header(&mut block.bytes, &path, &node.meta, Type::Symlink(target));
            (true, true)
        }
        Kind::File | Kind::FollowedFile(_) => match Source::open(shared, handles, at, path) {
            // Its further names need not wait for the end: they are handed back too.
            Some(source) if source.size() > LARGE || block.bytes.len() as u64 + source.size() > 2 * MOST => {
                let _ = grown.send(at);
                (false, false)
            }
            Some(source) => (source.is(node), source.append_small(shared, node, block)),
            None => (false, false),
        },
    };
    if let Links::First(announcer) = links {
        announcer.tell(archived);
    }
    steady
}

/// An open file, as it was when it was opened.
pub(super) struct Source {
    path: Vec<u8>,
    file: OwnedFd,
    pub(super) stat: Stat,
    /// A large file is read by several threads; what happens to it is told once.
    told: AtomicBool,
}

impl Source {
    /// None, with a warning, when there is nothing to be read any more or it must not be read.
    pub(super) fn open(shared: &Shared, handles: &mut Handles, at: NodeRef, path: Vec<u8>) -> Option<Source> {
        let node = shared.tree.node(at);
        let opened = match &node.kind {
            // A link that is followed: its target as it was resolved.
            Kind::FollowedFile(target) => open_file(rustix::fs::CWD, target),
            _ => {
                let route = handles.route(&shared.tree.dirs, at.dir);
                handles.follow(route).and_then(|dir| open_file(dir, &node.name))
            }
        };
        let opened = opened.and_then(|file| {
            let stat = fstat(&file)?;
            Ok((file, stat))
        });
        match opened {
            Ok((file, stat)) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                Some(Source { path, file, stat, told: AtomicBool::new(false) })
            }
            Ok(_) => {
                shared.warnings.note("vanished", &path, "it was replaced by something that is no file");
                None
            }
            Err(error) if is_gone(&error) => {
                shared.warnings.note("vanished", &path, "it vanished before it was read");
                None
            }
            Err(error) => {
                let text = format!("it cannot be read: {error}");
                shared.warnings.missing("unreadable", &path, &text);
                None
            }
        }
    }

    /// Whether it still is the file that the walk saw; only then its other names are links to this one.
    pub(super) fn is(&self, node: &Node) -> bool {
        Inode::of(&self.stat) == node.inode
    }

    pub(super) fn size(&self) -> u64 {
        u64::try_from(self.stat.st_size).unwrap_or(0)
    }

    /// Header and content in one. Whether it is just what the walk saw.
    fn append_small(&self, shared: &Shared, node: &Node, block: &mut Block) -> bool {
        let size = self.size();
        shared.header(&mut block.bytes, &self.path, &Meta::of(&self.stat), Type::File { size });
        let start = block.bytes.len();
        self.append_content(shared, &mut block.bytes, 0, size);
        block.file_from(start, false);
        header::pad(&mut block.bytes);
        self.is_steady(shared, node, true)
    }

    /// Exactly `length` bytes from `offset`, with zeros for what is not there.
    pub(super) fn append_content(&self, shared: &Shared, buffer: &mut Vec<u8>, offset: u64, length: u64) {
        let start = buffer.len();
        buffer.resize(start + usize::try_from(length).unwrap_or(0), 0);
        let mut done = 0;
        while done < buffer.len() - start {
            match rustix::io::pread(&self.file, &mut buffer[start + done..], offset + done as u64) {
                Ok(0) => {
                    let end = offset + done as u64;
                    self.tell(
                        shared,
                        &format!("it shrank while it was read; from byte {end} on it is zeros"),
                    );
                    break;
                }
                Ok(read) => done += read,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    // What a failing read left behind is not the file's.
                    buffer[start + done..].fill(0);
                    if !self.told.swap(true, Ordering::Relaxed) {
                        let error = io::Error::from(error);
                        let end = offset + done as u64;
                        let text = format!(
                            "it cannot be read from byte {end} on, which is zeros in the archive: {error}"
                        );
                        shared.warnings.missing("unreadable", &self.path, &text);
                    }
                    break;
                }
            }
        }
        shared.bytes.fetch_add(length, Ordering::Relaxed);
    }

    /// Whether what was read so far is just what the walk saw. At the end of the file a remark tells if its content changed since it was
    /// opened.
    pub(super) fn is_steady(&self, shared: &Shared, node: &Node, at_end: bool) -> bool {
        let content = |stat: &Stat| (stat.st_size, stat.st_mtime, stat.st_mtime_nsec);
        let now = fstat(&self.file);
        if at_end && !now.as_ref().is_ok_and(|now| content(now) == content(&self.stat)) {
            self.tell(shared, "it changed while it was read");
        }
        let untouched = |stat: &Stat| fingerprint::is_untouched(node, stat);
        untouched(&self.stat) && now.is_ok_and(|now| untouched(&now)) && !self.told.load(Ordering::Relaxed)
    }

    fn tell(&self, shared: &Shared, text: &str) {
        if !self.told.swap(true, Ordering::Relaxed) {
            shared.warnings.note("changed", &self.path, text);
        }
    }
}
