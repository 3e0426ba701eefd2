//! A tree as the walk found it: what a `tar` header needs of every entry, in some 150 bytes each.

use rustix::fs::Stat;
use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// What makes two names one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Inode {
    pub device: u64,
    pub number: u64,
}

/// What every entry has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// The permission bits with setuid, setgid and sticky.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Seconds since 1970, rounded down; negative before.
    pub mtime: i64,
}

/// When an entry changed, to the nanosecond: with size, inode and [`Meta`], what tells that it is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Of the second of [`Meta::mtime`].
    pub mtime_nsec: u32,
    /// Content or metadata; no program can set it.
    pub ctime: i64,
    pub ctime_nsec: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The index in [`Tree::dirs`].
    Dir(u32),
    /// A directory whose content is left out.
    EmptyDir,
    File,
    /// A link that is followed: the file at this absolute path stands at the link's own.
    FollowedFile(Box<[u8]>),
    /// Its target, byte for byte.
    Symlink(Box<[u8]>),
}

impl Kind {
    /// Whether it is a file whose bytes are archived.
    pub fn has_content(&self) -> bool {
        matches!(self, Kind::File | Kind::FollowedFile(_))
    }
}

/// One entry. Names are bytes.
#[derive(Debug, Clone)]
pub struct Node {
    pub name: Box<[u8]>,
    pub kind: Kind,
    pub meta: Meta,
    pub stamp: Stamp,
    /// Bytes of a file as the walk saw it.
    pub size: u64,
    pub inode: Inode,
    /// It has further names (hard links), inside the tree or out of it.
    pub linked: bool,
}

#[derive(Debug)]
pub struct Dir {
    /// The root is its own parent.
    pub parent: u32,
    pub name: Box<[u8]>,
    pub inode: Inode,
    /// Where walking down begins: held open for the root and for directories behind followed links.
    pub anchor: Option<Arc<OwnedFd>>,
    /// By name, in byte order.
    pub children: Vec<Node>,
}

/// An entry's place in a [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeRef {
    pub dir: u32,
    pub index: u32,
}

#[derive(Debug)]
pub struct Tree {
    /// With links resolved.
    pub root: PathBuf,
    /// The root directory's own entry; its name is empty.
    pub root_node: Node,
    /// The first is the root.
    pub dirs: Vec<Dir>,
    /// Sorted, at most 10,000.
    pub links_out: Vec<super::LinkOut>,
    /// How many further ones there are.
    pub links_out_more: u64,
    /// Paths that were left out, the uppermost of each; lossy text, sorted, at most 10,000.
    pub excluded: Vec<String>,
    /// Devices whose times and inode numbers tell every change: local file systems.
    pub exact: HashSet<u64>,
}

impl Inode {
    pub(crate) fn of(stat: &Stat) -> Inode {
        Inode { device: stat.st_dev, number: stat.st_ino }
    }
}

impl Meta {
    pub(crate) fn of(stat: &Stat) -> Meta {
        let (uid, gid) = (stat.st_uid, stat.st_gid);
        Meta { mode: stat.st_mode & 0o7777, uid, gid, mtime: stat.st_mtime }
    }
}

impl Stamp {
    pub(crate) fn of(stat: &Stat) -> Stamp {
        let nsec = |nsec| u32::try_from(nsec).unwrap_or(0);
        let (mtime_nsec, ctime_nsec) = (nsec(stat.st_mtime_nsec), nsec(stat.st_ctime_nsec));
        Stamp { mtime_nsec, ctime: stat.st_ctime, ctime_nsec }
    }
}

impl Node {
    /// An entry with what `stat` says of it.
    pub(crate) fn of(stat: &Stat, name: Box<[u8]>, kind: Kind) -> Node {
        Node {
            linked: stat.st_nlink > 1
                && matches!(kind, Kind::File | Kind::FollowedFile(_) | Kind::Symlink(_)),
            name,
            kind,
            meta: Meta::of(stat),
            stamp: Stamp::of(stat),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            inode: Inode::of(stat),
        }
    }
}

impl Tree {
    pub fn node(&self, at: NodeRef) -> &Node {
        &self.dirs[at.dir as usize].children[at.index as usize]
    }

    /// The entry of a directory; none for the root.
    pub fn entry_of(&self, dir: u32) -> Option<NodeRef> {
        let parent = self.dirs[dir as usize].parent;
        let index =
            self.dirs[parent as usize].children.iter().position(|node| node.kind == Kind::Dir(dir))?;
        Some(NodeRef { dir: parent, index: u32::try_from(index).ok()? })
    }

    /// The entry's path relative to the root.
    pub fn path(&self, at: NodeRef) -> Vec<u8> {
        let mut path = dir_prefix(&self.dirs, at.dir);
        path.extend_from_slice(&self.node(at).name);
        path
    }

    /// Every entry but the root: a directory before its content, siblings by name in byte order. The order depends on the names
    /// alone, and what a directory holds comes in one run.
    pub fn entries(&self) -> impl Iterator<Item = NodeRef> + '_ {
        let mut open = vec![NodeRef { dir: 0, index: 0 }];
        std::iter::from_fn(move || {
            loop {
                let next = open.last_mut()?;
                let at = *next;
                match self.dirs[at.dir as usize].children.get(at.index as usize) {
                    None => drop(open.pop()),
                    Some(node) => {
                        next.index += 1;
                        if let Kind::Dir(dir) = node.kind {
                            open.push(NodeRef { dir, index: 0 });
                        }
                        return Some(at);
                    }
                }
            }
        })
    }
}

/// The path of a directory relative to the root with a slash at its end; empty for the root.
pub(crate) fn dir_prefix(dirs: &[Dir], dir: u32) -> Vec<u8> {
    let mut names: Vec<&[u8]> = Vec::new();
    let mut at = dir;
    while at != 0 {
        let entry = &dirs[at as usize];
        names.push(&entry.name);
        at = entry.parent;
    }
    let mut path = Vec::new();
    for name in names.iter().rev() {
        path.extend_from_slice(name);
        path.push(b'/');
    }
    path
}
