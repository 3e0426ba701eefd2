//! When metadata tell that a member of an earlier archive is still what the tree holds.

use super::owners::Owners;
use super::read::{Item, Links};
use crate::archive::reuse::Fingerprint;
use crate::source::files::{Inode, Kind, Meta, Node, Stamp, Tree};
use chrono::{DateTime, TimeDelta, Utc};
use rustix::fs::Stat;

/// A file that changed so shortly before the pass began may change again without a trace: time stamps have the resolution of a timer tick,
/// on some file systems of two seconds.
const RACY: TimeDelta = TimeDelta::seconds(2);

/// From this second on, changes are too young to trust.
pub(super) fn racy_from(started_at: DateTime<Utc>) -> i64 {
    (started_at - RACY).timestamp()
}

/// Whether the file is the one that the walk saw, untouched since.
pub(super) fn is_untouched(node: &Node, stat: &Stat) -> bool {
    Inode::of(stat) == node.inode
        && u64::try_from(stat.st_size) == Ok(node.size)
        && (Meta::of(stat), Stamp::of(stat)) == (node.meta, node.stamp)
}

/// Of a whole group. None when the metadata of an entry do not tell what is in it. Waits for what became of first names.
pub(super) fn of_group(tree: &Tree, owners: &Owners, racy_from: i64, items: &[Item]) -> Option<Fingerprint> {
    let mut hasher = blake3::Hasher::new();
    for (index, Item { at, links }) in items.iter().enumerate() {
        let (node, path) = (tree.node(*at), tree.path(*at));
        let first = match links {
            // Whether the file is there under a first name of this very group shows when the group is filled.
            Links::Further(first) if items[..index].iter().any(|item| item.announces(first)) => Some(first),
            Links::Further(first) => Some(first.archived.wait().then_some(first)?),
            Links::Single | Links::First(_) => None,
        };
        let first = first.map(|first| first.path.as_slice());
        add(&mut hasher, tree, owners, racy_from, node, &path, first)?;
    }
    Some(Fingerprint::of(&hasher))
}

/// Of one file.
pub(super) fn of_file(
    tree: &Tree,
    owners: &Owners,
    racy_from: i64,
    node: &Node,
    path: &[u8],
) -> Option<Fingerprint> {
    let mut hasher = blake3::Hasher::new();
    add(&mut hasher, tree, owners, racy_from, node, path, None)?;
    Some(Fingerprint::of(&hasher))
}

/// Everything that an entry's header is made of, and of a file what changes with its content. `first` is the path that a further name is
/// a link to.
fn add(
    hasher: &mut blake3::Hasher,
    tree: &Tree,
    owners: &Owners,
    racy_from: i64,
    node: &Node,
    path: &[u8],
    first: Option<&[u8]>,
) -> Option<()> {
    let mut text = |kind: u8, bytes: &[u8]| {
        hasher.update(&[kind]).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    text(b'p', path);
    match (&node.kind, first) {
        (_, Some(first)) => text(b'h', first),
        (Kind::Dir(_) | Kind::EmptyDir, None) => text(b'd', b""),
        // Its target and its metadata were read together.
        (Kind::Symlink(target), None) => text(b'l', target),
        (Kind::File | Kind::FollowedFile(_), None) => {
            let Stamp { mtime_nsec, ctime, ctime_nsec } = node.stamp;
            let racy = node.meta.mtime >= racy_from || ctime >= racy_from;
            if racy || !tree.exact.contains(&node.inode.device) {
                return None;
            }
            match &node.kind {
                Kind::FollowedFile(target) => text(b'f', target),
                _ => text(b'f', b""),
            }
            for number in [node.size, node.inode.number, ctime.cast_unsigned()] {
                hasher.update(&number.to_le_bytes());
            }
            for number in [mtime_nsec, ctime_nsec] {
                hasher.update(&number.to_le_bytes());
            }
        }
    }
    let Meta { mode, uid, gid, mtime } = node.meta;
    hasher.update(&mtime.to_le_bytes());
    for number in [mode, uid, gid] {
        hasher.update(&number.to_le_bytes());
    }
    for name in [owners.user(uid), owners.group(gid)] {
        hasher.update(name).update(b"\n");
    }
    Some(())
}
