//! Symbolic links that leave the root.

use super::tree::Inode;
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// What deploy tools keep out of the releases and link into each: without them a copy would lack the merchant's images and the
/// settings.
pub const SHARED: [&str; 2] = ["pub/media", "app/etc/env.php"];

/// A link whose target lies out of the Magento root. Lossy text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LinkOut {
    /// Relative to the root.
    pub path: String,
    pub target: String,
    /// True when the archive holds what it points to, at the link's path; false when it holds the link.
    pub followed: bool,
}

/// Whether a link leaves the tree by its text alone. A relative target must not climb above where walking began, `depth`
/// directories up; an absolute one has to lie in one of `roots` (the root as configured and as resolved).
pub(super) fn leaves(target: &[u8], depth: usize, roots: &[PathBuf]) -> bool {
    let target = Path::new(OsStr::from_bytes(target));
    if target.is_absolute() {
        let plain = normalize(target);
        return !roots.iter().any(|root| plain.starts_with(root));
    }
    let mut depth = depth;
    for component in target.components() {
        match component {
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            _ => {}
        }
    }
    false
}

/// An absolute path without `.` and `..`, by its text alone.
fn normalize(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// What a shared link leads to.
pub(super) enum Shared {
    Dir(OwnedFd),
    File(Box<[u8]>),
    /// It stays in the tree, or is neither directory nor file: an ordinary link.
    Link,
    /// It leads to a directory that contains the root.
    Loop,
    Dangling,
}

/// Resolves a link of [`SHARED`]. `link` is its absolute path.
pub(super) fn resolve_shared(link: &Path, root: &Path) -> io::Result<Shared> {
    let target = match std::fs::canonicalize(link) {
        Err(error) if super::handles::is_gone(&error) => return Ok(Shared::Dangling),
        target => target?,
    };
    if target.starts_with(root) {
        return Ok(Shared::Link);
    }
    let kind = std::fs::symlink_metadata(&target)?.file_type();
    if kind.is_file() {
        return Ok(Shared::File(target.as_os_str().as_bytes().into()));
    }
    if !kind.is_dir() {
        return Ok(Shared::Link);
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = rustix::fs::open(&target, flags, Mode::empty())?;
    let inode = Inode::of(&rustix::fs::fstat(&handle)?);
    for above in root.ancestors() {
        if Inode::of(&rustix::fs::stat(above)?) == inode {
            return Ok(Shared::Loop);
        }
    }
    Ok(Shared::Dir(handle))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("x", 0, false)]
    #[case("../x", 0, true)]
    #[case("../x", 1, false)]
    #[case("../../x", 1, true)]
    #[case("a/../../x", 0, true)]
    #[case("a/b/../../x", 0, false)]
    #[case("./././x", 0, false)]
    #[case("/srv/store/pub", 5, false)]
    #[case("/srv/current/pub", 0, false)]
    #[case("/srv/store", 0, false)]
    #[case("/srv/store2/pub", 0, true)]
    #[case("/srv/store/../shared", 0, true)]
    #[case("/", 3, true)]
    fn a_link_leaves_the_root_by_its_text(
        #[case] target: &str,
        #[case] depth: usize,
        #[case] expected: bool,
    ) {
        let roots = [PathBuf::from("/srv/store"), PathBuf::from("/srv/current")];
        assert_eq!(leaves(target.as_bytes(), depth, &roots), expected);
    }
}
