//! The parallel walk: `readdir` and `lstat`, nothing opened but directories.

use super::bounded::Bounded;
use super::exact::is_exact;
use super::handles::{is_gone, open_listing};
use super::links::{self, LinkOut, SHARED, Shared};
use super::tree::{Dir, Inode, Kind, Node, Tree, dir_prefix};
use super::warnings::lossy;
use super::{Excludes, Handles, Symlinks, Warnings};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat, fstat, readlinkat, statat};
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub struct WalkOptions<'a> {
    /// The Magento root as configured; resolved once.
    pub root: &'a Path,
    pub excludes: &'a Excludes,
    /// Absolute paths that are never archived, not even as an empty directory; recognised by what they are, not by spelling.
    pub leave_out: &'a [PathBuf],
    pub symlinks: Symlinks,
    pub threads: usize,
    pub cancel: &'a CancellationToken,
}

#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    #[error(
        "cannot read the Magento root {path}: {source}; check STOREKEEP_MAGENTO_ROOT and that the server's user may read it"
    )]
    Root { path: PathBuf, source: io::Error },
    #[error(
        "the archive directory {0} is the Magento root itself; choose another one (STOREKEEP_ARCHIVE_DIR)"
    )]
    RootLeftOut(PathBuf),
    #[error("the pass was cancelled")]
    Cancelled,
    #[error("the walk over the Magento root ended unexpectedly")]
    Panicked,
}

/// Walks the whole tree, other file systems below it included (media often lie on one).
///
/// Directories that cannot be read stay as empty entries and are `unreadable` warnings; what vanishes meanwhile, and sockets,
/// FIFOs and devices, are skipped with a note.
///
/// # Errors
/// Only when there is no tree: see [`WalkError`].
pub fn walk(options: &WalkOptions<'_>, warnings: &Warnings) -> Result<Tree, WalkError> {
    let root_error = |source: io::Error| WalkError::Root { path: options.root.to_owned(), source };
    let root = std::fs::canonicalize(options.root).map_err(root_error)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let handle = rustix::fs::open(&root, flags, Mode::empty()).map_err(|e| root_error(e.into()))?;
    let stat = fstat(&handle).map_err(|e| root_error(e.into()))?;
    let mut left_out = HashSet::new();
    for path in options.leave_out {
        if let Ok(stat) = rustix::fs::stat(path) {
            left_out.insert(Inode::of(&stat));
        }
    }
    let root_node = Node::of(&stat, Box::default(), Kind::Dir(0));
    if left_out.contains(&root_node.inode) {
        return Err(WalkError::RootLeftOut(root));
    }
    // Anything else that cannot be read is a warning; without the root itself there is nothing to archive.
    Handles::default()
        .follow(
            Handles::default().route(&[Dir::root(&root_node, handle.try_clone().map_err(root_error)?)], 0),
        )
        .and_then(open_listing)
        .map_err(root_error)?;

    let spelled = std::path::absolute(options.root).unwrap_or_else(|_| root.clone());
    let walker = Walker {
        options,
        warnings,
        left_out,
        roots: vec![root.clone(), spelled],
        state: Mutex::new(State {
            dirs: vec![Dir::root(&root_node, handle)],
            queue: vec![Todo { dir: 0, parent: None }],
            ..State::default()
        }),
        ready: Condvar::new(),
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.threads.max(1)).map(|_| scope.spawn(|| walker.work())).collect();
        // Joined here, or the scope would pass a panic on.
        threads.into_iter().filter_map(|thread| thread.join().err()).count() == 0
    })
    .then_some(())
    .ok_or(WalkError::Panicked)?;
    if options.cancel.is_cancelled() {
        return Err(WalkError::Cancelled);
    }
    let state = walker.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let State { dirs, links_out, excluded, devices, .. } = state;
    let (excluded, excluded_more) = excluded.sorted();
    if excluded_more > 0 {
        let text = format!("{excluded_more} more left-out paths are not listed");
        warnings.note("more_left_out", b"", &text);
    }
    let (links_out, links_out_more) = links_out.sorted();
    if links_out_more > 0 {
        let text = format!("{links_out_more} more links out of the Magento root are not listed");
        warnings.note("more_links_out", b"", &text);
    }
    let exact = devices.into_iter().filter_map(|(device, exact)| exact.then_some(device)).collect();
    Ok(Tree { root, root_node, dirs, links_out, links_out_more, excluded, exact })
}

/// Directories in the queue whose parents are kept open for them, at most; a process may open a thousand files.
const SHARED_HANDLES: usize = 256;
/// Bytes of a directory that are read at once.
const LISTED_AT_ONCE: usize = 64 << 10;

struct Walker<'a> {
    options: &'a WalkOptions<'a>,
    warnings: &'a Warnings,
    left_out: HashSet<Inode>,
    /// As resolved (first) and as configured.
    roots: Vec<PathBuf>,
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    dirs: Vec<Dir>,
    /// Directories to list: the latest first, which keeps the queue short and the neighbourhood warm.
    queue: Vec<Todo>,
    busy: usize,
    /// Threads that have nothing to list.
    waiting: usize,
    stop: bool,
    links_out: Bounded<LinkOut>,
    excluded: Bounded<String>,
    /// Whether the times of a device's file system tell every change.
    devices: HashMap<u64, bool>,
}

/// A directory to list.
struct Todo {
    dir: u32,
    /// The one above it, open: whichever thread comes to list it need not find the way from the root.
    parent: Option<(u32, Arc<OwnedFd>)>,
}

/// A directory that is being listed; ends the turn also when its thread panics, so that nobody waits for ever.
struct Turn<'a, 'b>(&'a Walker<'b>);

impl Drop for Turn<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.busy -= 1;
        state.stop |= std::thread::panicking();
        let over = state.stop || (state.busy == 0 && state.queue.is_empty());
        drop(state);
        if over {
            self.0.ready.notify_all();
        }
    }
}

impl<'b> Walker<'b> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<(Todo, Turn<'_, 'b>)> {
        let mut state = self.lock();
        loop {
            if state.stop || self.options.cancel.is_cancelled() {
                state.stop = true;
                self.ready.notify_all();
                return None;
            }
            if let Some(todo) = state.queue.pop() {
                state.busy += 1;
                return Some((todo, Turn(self)));
            }
            if state.busy == 0 {
                return None;
            }
            state.waiting += 1;
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    fn work(&self) {
        let mut handles = Handles::default();
        let mut buffer = Vec::with_capacity(LISTED_AT_ONCE);
        while let Some((Todo { dir, parent }, turn)) = self.next() {
            if let Some((parent, handle)) = parent {
                handles.enter(parent, handle);
            }
            let (prefix, depth, route, new_device) = {
                let state = self.lock();
                let depth = depth_below_anchor(&state.dirs, dir);
                let device = state.dirs[dir as usize].inode.device;
                let new_device = (!state.devices.contains_key(&device)).then_some(device);
                (dir_prefix(&state.dirs, dir), depth, handles.route(&state.dirs, dir), new_device)
            };
            let mut listing = Listing { walker: self, prefix, depth, found: Vec::new() };
            let read = handles.follow_to_list(route).and_then(|handle| {
                if let Some(device) = new_device {
                    let exact = is_exact(handle, device);
                    self.lock().devices.insert(device, exact);
                }
                listing.read(handle, &mut buffer)
            });
            if let Err(error) = read {
                let path = listing.prefix.strip_suffix(b"/").unwrap_or_default();
                if is_gone(&error) {
                    self.warnings.note("vanished", path, "the directory vanished while the pass ran");
                } else {
                    let text = format!("the directory cannot be read: {error}");
                    self.warnings.missing("unreadable", path, &text);
                }
            }
            let found = listing.found;
            self.register(dir, handles.entered(dir), found);
            drop(turn);
        }
    }

    /// Puts a directory's content into the tree and its directories into the queue.
    fn register(&self, parent: u32, handle: Option<Arc<OwnedFd>>, mut found: Vec<Found>) {
        found.sort_unstable_by(|a, b| a.node.name.cmp(&b.node.name));
        let mut loops = Vec::new();
        let mut state = self.lock();
        let mut children = Vec::with_capacity(found.len());
        for Found { mut node, walk } in found {
            if let Some(anchor) = walk {
                if is_above(&state.dirs, parent, node.inode) {
                    loops.push([dir_prefix(&state.dirs, parent).as_slice(), &node.name].concat());
                    node.kind = Kind::EmptyDir;
                } else {
                    // More than four thousand million directories do not fit into memory either.
                    let id = u32::try_from(state.dirs.len()).unwrap_or(u32::MAX);
                    state.dirs.push(Dir {
                        parent,
                        name: node.name.clone(),
                        inode: node.inode,
                        anchor,
                        children: Vec::new(),
                    });
                    let handle = handle.as_ref().filter(|_| state.queue.len() < SHARED_HANDLES);
                    let todo = Todo { dir: id, parent: handle.map(|handle| (parent, Arc::clone(handle))) };
                    state.queue.push(todo);
                    node.kind = Kind::Dir(id);
                }
            }
            children.push(node);
        }
        state.dirs[parent as usize].children = children;
        // This thread takes the latest itself.
        let others = state.waiting.min(state.queue.len().saturating_sub(1));
        drop(state);
        for path in loops {
            let text = "the directory contains itself (a mount loop); its content is archived once";
            self.warnings.note("loop", &path, text);
        }
        for _ in 0..others {
            self.ready.notify_one();
        }
    }
}

/// An entry as it will be archived; `anchor` is the open directory that a followed link leads to.
struct Seen {
    stat: Stat,
    kind: Kind,
    anchor: Option<Arc<OwnedFd>>,
}

impl Seen {
    fn new(stat: Stat, kind: Kind) -> Seen {
        Seen { stat, kind, anchor: None }
    }
}

/// An entry; a directory that is to be listed carries `walk`, with a handle when a link led to it.
struct Found {
    node: Node,
    walk: Option<Option<Arc<OwnedFd>>>,
}

struct Listing<'a, 'b> {
    walker: &'a Walker<'b>,
    prefix: Vec<u8>,
    /// Directories between this one and the one where walking down began.
    depth: usize,
    found: Vec<Found>,
}

impl Listing<'_, '_> {
    fn read(&mut self, handle: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> io::Result<()> {
        let mut entries = RawDir::new(handle, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                self.entry(handle, name)?;
            }
        }
        Ok(())
    }

    /// # Errors
    /// When nothing in this directory can be looked at.
    fn entry(&mut self, handle: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
        let path = [self.prefix.as_slice(), name].concat();
        let found = match statat(handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            // The right to search is the directory's.
            Err(error @ rustix::io::Errno::ACCESS) => return Err(error.into()),
            Err(error) => Err(error.into()),
            Ok(stat) => self.classify(handle, name, &path, &stat),
        };
        match found {
            Ok(found) => self.found.extend(found),
            Err(error) if is_gone(&error) => {
                self.walker.warnings.note("vanished", &path, "it vanished while the pass ran");
            }
            Err(error) => {
                let text = format!("it cannot be read: {error}");
                self.walker.warnings.missing("unreadable", &path, &text);
            }
        }
        Ok(())
    }

    /// What becomes of an entry; nothing when it is left out or skipped.
    fn classify(
        &self,
        handle: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
        stat: &Stat,
    ) -> io::Result<Option<Found>> {
        let excluded = self.walker.options.excludes.matches(path);
        let Seen { stat, kind, anchor } = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Seen::new(*stat, Kind::EmptyDir),
            FileType::RegularFile => Seen::new(*stat, Kind::File),
            FileType::Symlink => match self.symlink(handle, name, path, stat, excluded)? {
                Some(link) => link,
                None => return Ok(None),
            },
            _ if excluded => Seen::new(*stat, Kind::File),
            other => {
                let text = format!("{} cannot be archived and is skipped", describe(other));
                self.walker.warnings.note("special", path, &text);
                return Ok(None);
            }
        };
        let directory = kind == Kind::EmptyDir;
        let inode = Inode::of(&stat);
        if self.walker.left_out.contains(&inode) {
            self.left_out(path);
            return Ok(None);
        }
        if excluded {
            self.left_out(path);
            return Ok(directory.then(|| Found { node: Node::of(&stat, name.into(), kind), walk: None }));
        }
        Ok(Some(Found { node: Node::of(&stat, name.into(), kind), walk: directory.then_some(anchor) }))
    }

    fn left_out(&self, path: &[u8]) {
        let path = lossy(path);
        let bytes = path.len();
        self.walker.lock().excluded.push(path, bytes);
    }

    /// The entry that stands for a link: what it leads to, or the link itself. None for an excluded link.
    fn symlink(
        &self,
        handle: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
        stat: &Stat,
        excluded: bool,
    ) -> io::Result<Option<Seen>> {
        let target = readlinkat(handle, name, Vec::new())?.into_bytes();
        let walker = self.walker;
        let follow = walker.options.symlinks == Symlinks::FollowShared;
        let shared = follow && SHARED.iter().any(|shared| shared.as_bytes() == path);
        let followed = match shared {
            true => match self.follow_shared(path, excluded) {
                Err(_) if excluded => None,
                followed => followed?,
            },
            false => None,
        };
        if excluded && !followed.as_ref().is_some_and(|seen| seen.kind == Kind::EmptyDir) {
            self.left_out(path);
            return Ok(None);
        }
        if followed.is_some() || links::leaves(&target, self.depth, &walker.roots) {
            let link = LinkOut { path: lossy(path), target: lossy(&target), followed: followed.is_some() };
            let bytes = link.path.len() + link.target.len();
            walker.lock().links_out.push(link, bytes);
            let hides = |shared: &str| {
                let below = shared.as_bytes().strip_prefix(path).is_some_and(|rest| rest.starts_with(b"/"));
                below && !walker.options.excludes.matches_above(shared.as_bytes())
            };
            if let Some(hidden) = SHARED.iter().find(|shared| follow && hides(shared)) {
                let text = format!(
                    "this link out of the Magento root is archived as a link: {hidden} is not in the archive. Exclude it, or make a directory of the link and link what is in it"
                );
                walker.warnings.missing("shared_behind_link", path, &text);
            }
        }
        Ok(Some(followed.unwrap_or_else(|| Seen::new(*stat, Kind::Symlink(target.into())))))
    }

    /// What a shared link leads to; none for one that stays a link. Where that means that something is missing it is told, unless the
    /// link is left out anyway.
    fn follow_shared(&self, path: &[u8], excluded: bool) -> io::Result<Option<Seen>> {
        let root = &self.walker.roots[0];
        let missing = |cause: &str| {
            if !excluded {
                let text = format!(
                    "the link {cause}: what belongs there is not in the archive, which has the link alone. Repair or mount it, or exclude it"
                );
                self.walker.warnings.missing("shared_link", path, &text);
            }
            Ok(None)
        };
        match links::resolve_shared(&root.join(OsStr::from_bytes(path)), root)? {
            Shared::Dir(handle) => {
                let stat = fstat(&handle)?;
                Ok(Some(Seen { stat, kind: Kind::EmptyDir, anchor: Some(Arc::new(handle)) }))
            }
            Shared::File(target) => {
                let stat = rustix::fs::stat(&*target)?;
                Ok(Some(Seen::new(stat, Kind::FollowedFile(target))))
            }
            Shared::Link => Ok(None),
            Shared::Loop => missing("leads to a directory that contains the Magento root"),
            Shared::Dangling => missing("leads nowhere"),
        }
    }
}

impl Dir {
    fn root(node: &Node, handle: OwnedFd) -> Dir {
        Dir {
            parent: 0,
            name: Box::default(),
            inode: node.inode,
            anchor: Some(Arc::new(handle)),
            children: Vec::new(),
        }
    }
}

fn describe(kind: FileType) -> &'static str {
    match kind {
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::BlockDevice | FileType::CharacterDevice => "a device",
        _ => "an entry of unknown type",
    }
}

/// Whether this directory or one above it is `inode`.
fn is_above(dirs: &[Dir], mut at: u32, inode: Inode) -> bool {
    loop {
        let dir = &dirs[at as usize];
        if dir.inode == inode {
            return true;
        }
        if at == 0 {
            return false;
        }
        at = dir.parent;
    }
}

fn depth_below_anchor(dirs: &[Dir], mut at: u32) -> usize {
    let mut depth = 0;
    while dirs[at as usize].anchor.is_none() {
        depth += 1;
        at = dirs[at as usize].parent;
    }
    depth
}
