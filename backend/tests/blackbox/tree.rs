//! Trees as they are on disk, to be compared.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// All that `tar` keeps of an entry.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    mode: u32,
    owner: (u32, u32),
    modified: i64,
    content: Content,
}

#[derive(Debug, PartialEq, Eq)]
enum Content {
    Directory,
    /// The bytes' hash, and the first path (in order) of the same inode.
    File(u64, u64, PathBuf),
    Link(OsString),
    Other,
}

pub type Tree = BTreeMap<PathBuf, Entry>;

/// Reads the tree below `root`. Links in `followed` (relative) are read as what they point to; of directories in `emptied`
/// only the entry itself is taken.
pub fn read(root: &Path, followed: &[&str], emptied: &[&str]) -> Tree {
    let mut tree = Tree::new();
    let mut inodes = BTreeMap::new();
    visit(root, Path::new(""), followed, emptied, &mut inodes, &mut tree);
    tree
}

fn visit(
    root: &Path,
    path: &Path,
    followed: &[&str],
    emptied: &[&str],
    inodes: &mut BTreeMap<(u64, u64), PathBuf>,
    tree: &mut Tree,
) {
    let full = root.join(path);
    let follow = followed.iter().any(|f| Path::new(f) == path);
    let meta = if follow { fs::metadata(&full) } else { fs::symlink_metadata(&full) }.unwrap();
    let kind = meta.file_type();
    let content = if kind.is_dir() {
        Content::Directory
    } else if kind.is_symlink() {
        Content::Link(fs::read_link(&full).unwrap().into())
    } else if kind.is_file() {
        let bytes = fs::read(&full).unwrap();
        let first = inodes.entry((meta.dev(), meta.ino())).or_insert_with(|| path.to_path_buf()).clone();
        Content::File(hash(&bytes), bytes.len() as u64, first)
    } else {
        Content::Other
    };
    let directory = matches!(content, Content::Directory);
    // A link's own time and mode are not restored by every tar; nobody reads them.
    let link = matches!(content, Content::Link(_));
    let (mode, modified) = if link { (0, 0) } else { (meta.mode() & 0o7777, meta.mtime()) };
    if !path.as_os_str().is_empty() {
        tree.insert(path.to_path_buf(), Entry { mode, owner: (meta.uid(), meta.gid()), modified, content });
    }
    if directory && !emptied.iter().any(|e| Path::new(e) == path) {
        let mut names: Vec<OsString> = fs::read_dir(&full).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        for name in names {
            visit(root, &path.join(name), followed, emptied, inodes, tree);
        }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Says what differs, not only that something does.
pub fn assert_equal(found: &Tree, expected: &Tree) {
    let mut differences = Vec::new();
    for (path, entry) in expected {
        match found.get(path) {
            None => differences.push(format!("missing: {}", path.display())),
            Some(other) if other != entry => {
                differences.push(format!("{}: {other:?} instead of {entry:?}", path.display()));
            }
            Some(_) => {}
        }
    }
    differences.extend(
        found.keys().filter(|p| !expected.contains_key(*p)).map(|p| format!("extra: {}", p.display())),
    );
    let first: Vec<_> = differences.iter().take(20).collect();
    assert!(differences.is_empty(), "{} differences, such as {first:#?}", differences.len());
    assert!(found.keys().any(|p| p.as_os_str().as_bytes().is_ascii()), "empty trees are equal to everything");
}
