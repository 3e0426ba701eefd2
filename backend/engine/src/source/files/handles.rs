//! Opening directories step by step from the root.
//!
//! A path is never given to the system as a whole. That makes its length unlimited, and a directory that is replaced by a link
//! while a pass runs is refused instead of leading out of the tree.

use super::tree::Dir;
use rustix::fs::{Mode, OFlags, openat};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// Directories that one thread keeps open. Deeper trees work and cost more steps.
const KEPT_OPEN: usize = 24;

/// The directory a thread is in and some of those above it. Neighbours in a sorted tree share most of the way.
#[derive(Default)]
pub(crate) struct Handles {
    open: Vec<(u32, Arc<OwnedFd>)>,
}

/// The steps from an open directory down to another.
pub(crate) struct Route {
    /// How many of the open directories stay.
    keep: usize,
    anchor: Option<(u32, Arc<OwnedFd>)>,
    steps: Vec<(u32, Box<[u8]>)>,
}

impl Handles {
    /// Looks the way up. Touches no file, so that `dirs` may be locked meanwhile.
    pub(crate) fn route(&self, dirs: &[Dir], dir: u32) -> Route {
        let mut steps = Vec::new();
        let mut at = dir;
        loop {
            if let Some(found) = self.open.iter().rposition(|(id, _)| *id == at) {
                steps.reverse();
                return Route { keep: found + 1, anchor: None, steps };
            }
            let entry = &dirs[at as usize];
            if let Some(anchor) = &entry.anchor {
                steps.reverse();
                return Route { keep: 0, anchor: Some((at, Arc::clone(anchor))), steps };
            }
            steps.push((at, entry.name.clone()));
            at = entry.parent;
        }
    }

    /// Opens the steps and returns the last, good for `*at` calls (it is an `O_PATH` handle).
    pub(crate) fn follow(&mut self, route: Route) -> io::Result<BorrowedFd<'_>> {
        self.open.truncate(route.keep);
        self.open.extend(route.anchor);
        for (id, name) in route.steps {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let handle = openat(self.last()?, &*name, flags, Mode::empty())?;
            self.push(id, handle);
        }
        self.last()
    }

    /// The same, and the last can be listed.
    pub(super) fn follow_to_list(&mut self, mut route: Route) -> io::Result<BorrowedFd<'_>> {
        match route.steps.pop() {
            Some((id, name)) => {
                let parent = self.follow(route)?;
                let handle = open_quietly(parent, &name, OFlags::DIRECTORY | OFlags::NOFOLLOW)?;
                self.push(id, handle);
            }
            None => {
                let handle = open_listing(self.follow(route)?)?;
                if let Some((_, last)) = self.open.last_mut() {
                    *last = Arc::new(handle);
                }
            }
        }
        self.last()
    }

    /// Goes on from this open directory, unless it is on the way already.
    pub(super) fn enter(&mut self, dir: u32, handle: Arc<OwnedFd>) {
        if !self.open.iter().any(|(open, _)| *open == dir) {
            self.open.clear();
            self.open.push((dir, handle));
        }
    }

    /// The directory that was opened last, if it is this one.
    pub(super) fn entered(&self, dir: u32) -> Option<Arc<OwnedFd>> {
        self.open.last().filter(|(open, _)| *open == dir).map(|(_, handle)| Arc::clone(handle))
    }

    fn push(&mut self, id: u32, handle: OwnedFd) {
        if self.open.len() == KEPT_OPEN {
            self.open.remove(0);
        }
        self.open.push((id, Arc::new(handle)));
    }

    fn last(&self) -> io::Result<BorrowedFd<'_>> {
        let last = self.open.last().map(|(_, handle)| handle.as_fd());
        last.ok_or_else(|| io::Error::other("no directory is open"))
    }
}

/// Opens a file for reading: never through a link, without waiting for a FIFO's other end, and without touching its access time where
/// that is allowed (it is the owner's and root's privilege).
pub(crate) fn open_file(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    open_quietly(dir, name, OFlags::NONBLOCK | OFlags::NOFOLLOW)
}

/// Opens a directory for listing, given an `O_PATH` handle of it.
pub(super) fn open_listing(dir: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    open_quietly(dir, b".", OFlags::DIRECTORY)
}

fn open_quietly(dir: BorrowedFd<'_>, name: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | flags;
    match openat(dir, name, flags | OFlags::NOATIME, Mode::empty()) {
        Err(rustix::io::Errno::PERM) => Ok(openat(dir, name, flags, Mode::empty())?),
        opened => Ok(opened?),
    }
}

/// Whether an entry is not there any more: removed, or replaced by something of another type.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}
