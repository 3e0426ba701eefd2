//! Packing, restoring with `tar`, and comparing two trees by everything that has to come back.

use engine::archive::tree::{PackError, PackOptions, Packed, pack};
use engine::event::{Events, Warning};
use engine::source::files::{Excludes, Symlinks};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps, fstat, openat, readlinkat, statat};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tokio_util::sync::CancellationToken;

/// A source tree, a place for the copy, and one to restore into.
pub struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Bench {
        let bench = Bench { dir: tempfile::tempdir().unwrap() };
        for part in ["root", "back"] {
            fs::create_dir(bench.path(part)).unwrap();
        }
        bench
    }

    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(path)
    }

    pub fn root(&self) -> PathBuf {
        self.path("root")
    }

    pub fn out(&self) -> PathBuf {
        self.path("copies/store/now.partial")
    }

    pub fn back(&self) -> PathBuf {
        self.path("back")
    }

    /// A file of the source, with its directories.
    pub fn file(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn options(&self) -> PackOptions {
        PackOptions {
            root: self.root(),
            out_dir: self.out(),
            excludes: Excludes::default(),
            leave_out: Vec::new(),
            symlinks: Symlinks::FollowShared,
            part_size: u64::MAX,
            started_at: "2100-01-01T00:00:00Z".parse().unwrap(),
            base: None,
            workers: 3,
            events: Events::none(),
            cancel: CancellationToken::new(),
        }
    }

    pub fn pack(&self) -> Packed {
        pack(self.options()).unwrap()
    }

    pub fn pack_without(&self, patterns: &[&str]) -> Packed {
        pack(PackOptions { excludes: Excludes::new(patterns).unwrap(), ..self.options() }).unwrap()
    }

    /// `cat files.tgz* | tar -xz` into the empty directory; `tar` must not complain.
    pub fn restore(&self) {
        let script =
            "cat \"$1\"/files/files.tgz* | gzip -t && cat \"$1\"/files/files.tgz* | tar -xzpf - -C \"$2\"";
        let output = self.shell(script);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The names in the archive, in order.
    pub fn listing(&self) -> Vec<String> {
        let output = self.shell("cat \"$1\"/files/files.tgz* | tar --quoting-style=literal -tzf -");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    pub fn shell(&self, script: &str) -> Output {
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("set -o pipefail; {script}"), "bash"]).arg(self.out()).arg(self.back());
        shell.env("LC_ALL", "C").output().unwrap()
    }

    pub fn restored(&self, path: impl AsRef<Path>) -> Vec<u8> {
        fs::read(self.back().join(path)).unwrap()
    }

    /// Restores and compares everything.
    pub fn assert_same(&self) {
        self.restore();
        assert_trees(&snapshot(&self.root()), &snapshot(&self.back()));
    }
}

/// The codes with the paths they are about.
pub fn codes(warnings: &[Warning]) -> Vec<(&str, &str, bool)> {
    warnings
        .iter()
        .map(|w| (w.code.as_str(), w.subject.as_deref().unwrap_or_default(), w.incomplete))
        .collect()
}

pub fn cancelled(result: &Result<Packed, PackError>) -> bool {
    matches!(result, Err(PackError::Cancelled))
}

pub fn os(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}

pub fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Bytes that do not compress.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Sets the modification time, of a link itself too.
pub fn touch(path: &Path, seconds: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: 123_456_789 };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// A mount for the time of a test. Who may not mount has to leave such tests out.
pub struct Mount(PathBuf);

impl Mount {
    pub fn new(at: &Path, arguments: &[&str]) -> Option<Mount> {
        use rustix::thread::{CapabilitySet, capabilities};
        if !capabilities(None).unwrap().effective.contains(CapabilitySet::SYS_ADMIN) {
            eprintln!("not allowed to mount: not tested");
            return None;
        }
        let status = Command::new("mount").args(arguments).arg(at).status().unwrap();
        assert!(status.success(), "mount {arguments:?} failed");
        Some(Mount(at.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg(&self.0).status().unwrap().success());
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub kind: FileType,
    pub mode: u32,
    pub owner: (u32, u32),
    pub mtime: i64,
    /// Bytes of a file, target of a link.
    pub content: Vec<u8>,
    /// The first path of the same file, when it has several.
    pub same_as: Option<Vec<u8>>,
}

pub type Snapshot = BTreeMap<Vec<u8>, Facts>;

/// Everything below a directory, and the directory under the empty path. Works at any depth.
pub fn snapshot(root: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    let mut inodes = BTreeMap::new();
    let dir =
        rustix::fs::open(root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    found.insert(Vec::new(), facts(&fstat(&dir).unwrap(), Vec::new()));
    let mut listed = BTreeMap::new();
    list(dir, &mut Vec::new(), &mut listed);
    for (path, (stat, content)) in listed {
        let mut facts = facts(&stat, content);
        if stat.st_nlink > 1 && facts.kind != FileType::Directory {
            facts.same_as = Some(inodes.entry((stat.st_dev, stat.st_ino)).or_insert(path.clone()).clone());
        }
        found.insert(path, facts);
    }
    found
}

fn facts(stat: &rustix::fs::Stat, content: Vec<u8>) -> Facts {
    Facts {
        kind: FileType::from_raw_mode(stat.st_mode),
        mode: stat.st_mode & 0o7777,
        owner: (stat.st_uid, stat.st_gid),
        mtime: stat.st_mtime,
        content,
        same_as: None,
    }
}

fn list(dir: OwnedFd, path: &mut Vec<u8>, found: &mut BTreeMap<Vec<u8>, (rustix::fs::Stat, Vec<u8>)>) {
    let names: Vec<Vec<u8>> = rustix::fs::Dir::read_from(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_bytes().to_vec())
        .filter(|name| !matches!(name.as_slice(), b"." | b".."))
        .collect();
    for name in names {
        let length = path.len();
        if length > 0 {
            path.push(b'/');
        }
        path.extend_from_slice(&name);
        let stat = statat(&dir, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW).unwrap();
        let (content, inner) = read(dir.as_fd(), &name, &stat);
        found.insert(path.clone(), (stat, content));
        if let Some(inner) = inner {
            list(inner, path, found);
        }
        path.truncate(length);
    }
}

fn read(dir: BorrowedFd<'_>, name: &[u8], stat: &rustix::fs::Stat) -> (Vec<u8>, Option<OwnedFd>) {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => (readlinkat(dir, name, Vec::new()).unwrap().into_bytes(), None),
        FileType::RegularFile => {
            let mut content = Vec::new();
            let mut file = fs::File::from(openat(dir, name, flags, Mode::empty()).unwrap());
            std::io::Read::read_to_end(&mut file, &mut content).unwrap();
            (content, None)
        }
        FileType::Directory => {
            (Vec::new(), Some(openat(dir, name, flags | OFlags::DIRECTORY, Mode::empty()).unwrap()))
        }
        _ => (Vec::new(), None),
    }
}

/// Owners are only compared as root: others cannot give files away.
pub fn assert_trees(before: &Snapshot, after: &Snapshot) {
    let root = rustix::process::geteuid().is_root();
    for (path, expected) in before {
        let name = String::from_utf8_lossy(path);
        let Some(found) = after.get(path) else { panic!("{name} did not come back") };
        let mut found = found.clone();
        if !root {
            found.owner = expected.owner;
        }
        assert_eq!(found.content.len(), expected.content.len(), "size of {name}");
        assert!(found.content == expected.content, "content of {name}");
        found.content.clone_from(&expected.content);
        assert_eq!(&found, expected, "{name} came back differently");
    }
    for path in after.keys() {
        assert!(before.contains_key(path), "{} came from nowhere", String::from_utf8_lossy(path));
    }
}
