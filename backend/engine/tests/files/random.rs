//! Random trees come back identical.

use crate::support::*;
use engine::archive::tree::{PackOptions, pack};
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::PathBuf;

#[derive(Debug, Clone)]
enum Kind {
    Dir,
    File {
        size: usize,
        seed: u8,
    },
    Symlink(Vec<u8>),
    /// To the file made before, counted modulo how many there are.
    HardLink(usize),
}

#[derive(Debug, Clone)]
struct Entry {
    /// The directory it goes into, counted like the files.
    parent: usize,
    name: Vec<u8>,
    kind: Kind,
    mode: u32,
    mtime: i64,
    owner: (u32, u32),
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => b'a'..=b'e', 1 => 1u8..=255];
    let short = prop::collection::vec(byte.clone(), 1..12);
    let long = (byte, 80usize..=255).prop_map(|(byte, length)| vec![byte; length]);
    prop_oneof![5 => short, 1 => long]
        .prop_map(|mut name| {
            name.iter_mut().filter(|byte| **byte == b'/').for_each(|byte| *byte = b'_');
            name
        })
        .prop_filter("means a directory", |name| !matches!(name.as_slice(), b"." | b".."))
}

fn kind() -> impl Strategy<Value = Kind> {
    let size =
        prop_oneof![8 => 0usize..3000, 2 => 100_000usize..600_000, 1 => (4usize << 20) - 2..(4 << 20) + 600];
    let target = prop::collection::vec(1u8..=255, 1..150);
    prop_oneof![
        3 => Just(Kind::Dir),
        6 => (size, any::<u8>()).prop_map(|(size, seed)| Kind::File { size, seed }),
        1 => target.prop_map(Kind::Symlink),
        1 => any::<usize>().prop_map(Kind::HardLink),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let mtime = prop_oneof![4 => 0i64..2_000_000_000, 1 => -2_000_000_000i64..0, 1 => 2_000_000_000i64..9_000_000_000];
    let owner = prop_oneof![Just((0, 0)), (0u32..70_000, 0u32..4_000_000_000)];
    (any::<usize>(), name(), kind(), 0u32..0o10000, mtime, owner)
        .prop_map(|(parent, name, kind, mode, mtime, owner)| Entry { parent, name, kind, mode, mtime, owner })
}

fn build(bench: &Bench, entries: &[Entry]) {
    let (mut dirs, mut files) = (vec![bench.root()], Vec::<PathBuf>::new());
    let mut made: Vec<(PathBuf, &Entry)> = Vec::new();
    for entry in entries {
        let path = dirs[entry.parent % dirs.len()].join(os(&entry.name));
        // Deeper than a path may be long, or taken.
        if path.as_os_str().len() > 3500 || path.symlink_metadata().is_ok() {
            continue;
        }
        match &entry.kind {
            Kind::Dir => {
                fs::create_dir(&path).unwrap();
                dirs.push(path.clone());
            }
            Kind::File { size, seed } => {
                let content: Vec<u8> = (0..*size).map(|i| (i.wrapping_mul(i) >> 5) as u8 ^ seed).collect();
                fs::write(&path, content).unwrap();
                files.push(path.clone());
            }
            Kind::Symlink(target) => symlink(os(target), &path).unwrap(),
            Kind::HardLink(to) if !files.is_empty() => {
                fs::hard_link(&files[to % files.len()], &path).unwrap()
            }
            Kind::HardLink(_) => continue,
        }
        made.push((path, entry));
    }
    // The innermost last-made first, for a directory's time changes with its content.
    for (path, entry) in made.iter().rev() {
        if !matches!(entry.kind, Kind::Symlink(_)) {
            if rustix::process::geteuid().is_root() {
                chown(path, Some(entry.owner.0), Some(entry.owner.1)).unwrap();
            }
            let mode = if rustix::process::geteuid().is_root() { entry.mode } else { entry.mode | 0o700 };
            chmod(path, mode);
        }
        touch(path, entry.mtime);
    }
    touch(&bench.root(), 1_500_000_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_tree_comes_back_identical(
        entries in prop::collection::vec(entry(), 0..60),
        workers in 1usize..5,
        part_size in prop_oneof![Just(u64::MAX), 20_000u64..2_000_000],
    ) {
        let bench = Bench::new();
        build(&bench, &entries);
        let packed = pack(PackOptions { workers, part_size, ..bench.options() }).unwrap();
        prop_assert_eq!(&packed.warnings, &[]);
        prop_assert_eq!(packed.entries as usize, snapshot(&bench.root()).len());
        bench.assert_same();
    }
}
