//! An archive that took what it could from the one before is, byte for byte before compression, the archive that is made without it:
//! whatever happened to the tree in between.

use crate::support::*;
use engine::archive::reuse::Base;
use engine::archive::tree::{POLICY, PackOptions, Packed, pack};
use flate2::read::MultiGzDecoder;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

const HISTORIES: u32 = 500;
const PASSES: u32 = 3;
/// Longer than a tick of the clock that files get their times from.
const TICK: Duration = Duration::from_millis(12);

/// Packs the tree into the folder `to`, from the copy in the folder `from`.
pub fn pack_from(
    bench: &Bench,
    to: &str,
    from: Option<(&str, &Packed)>,
    change: &dyn Fn(&mut PackOptions),
) -> Packed {
    let base = from.and_then(|(dir, packed)| Base::open(&bench.path(dir), &packed.archives, POLICY).ok());
    let mut options = PackOptions { out_dir: bench.path(to), base: base.map(Arc::new), ..bench.options() };
    change(&mut options);
    pack(options).unwrap()
}

/// The archive before compression.
pub fn unpacked(bench: &Bench, dir: &str, packed: &Packed) -> Vec<u8> {
    let joined: Vec<u8> =
        packed.archives.iter().flat_map(|part| fs::read(bench.path(dir).join(&part.name)).unwrap()).collect();
    let mut tar = Vec::new();
    MultiGzDecoder::new(joined.as_slice()).read_to_end(&mut tar).unwrap();
    tar
}

/// A store in the course of its life.
struct Life {
    random: StdRng,
    bench: Bench,
    /// Relative to the root.
    dirs: Vec<PathBuf>,
    files: Vec<PathBuf>,
    made: u32,
}

impl Life {
    fn new(seed: u64) -> Life {
        let mut life = Life {
            random: StdRng::seed_from_u64(seed),
            bench: Bench::new(),
            dirs: vec![PathBuf::new()],
            files: Vec::new(),
            made: 0,
        };
        for _ in 0..life.random.random_range(2..8) {
            life.create_dir();
        }
        for _ in 0..life.random.random_range(5..60) {
            life.create();
        }
        life
    }

    fn content(&mut self) -> Vec<u8> {
        let size = match self.random.random_range(0..400) {
            // In pieces.
            0 => self.random.random_range(4 << 20..6 << 20),
            1..20 => 0,
            20..160 => self.random.random_range(20_000..100_000),
            _ => self.random.random_range(1..20_000),
        };
        if self.random.random_bool(0.3) {
            let mut noise = vec![0; size];
            self.random.fill(noise.as_mut_slice());
            return [b"\xff\xd8\xff\xe0", noise.as_slice()].concat();
        }
        let mut line = [0; 61];
        self.random.fill(&mut line);
        line.repeat(size / line.len() + 1)
    }

    fn name(&mut self) -> PathBuf {
        self.made += 1;
        let dir = self.dirs[self.random.random_range(0..self.dirs.len())].clone();
        dir.join(format!("{:02x}-{}", self.random.random_range(0..256), self.made))
    }

    fn at(&self, path: &Path) -> PathBuf {
        self.bench.root().join(path)
    }

    fn any_file(&mut self) -> Option<PathBuf> {
        let count = self.files.len();
        (count > 0).then(|| self.files[self.random.random_range(0..count)].clone())
    }

    fn create(&mut self) {
        let (name, content) = (self.name(), self.content());
        fs::write(self.at(&name), content).unwrap();
        self.files.push(name);
    }

    fn create_dir(&mut self) {
        let name = self.name();
        fs::create_dir(self.at(&name)).unwrap();
        self.dirs.push(name);
    }

    /// Other bytes in the same place, of the same number, and the old time of modification: only the time of change tells.
    fn edit_unnoticed(&mut self, path: &Path) {
        let at = self.at(path);
        let meta = fs::metadata(&at).unwrap();
        let mut content = fs::read(&at).unwrap();
        let changed = self.random.random_range(0..=content.len().saturating_sub(1));
        content.iter_mut().skip(changed).take(3).for_each(|byte| *byte ^= 1);
        fs::write(&at, content).unwrap();
        restore_mtime(&at, &meta);
    }

    fn change(&mut self) {
        let kind = self.random.random_range(0..17);
        if kind < 3 {
            return self.create();
        }
        if kind == 3 {
            return self.create_dir();
        }
        let Some(path) = self.any_file() else { return };
        let at = self.at(&path);
        match kind {
            4 | 5 => self.edit_unnoticed(&path),
            6 => fs::write(&at, self.content()).unwrap(),
            7 => {
                let mut content = fs::read(&at).unwrap();
                content.extend_from_slice(b"[2026-11-26] main.INFO: a line\n");
                fs::write(&at, content).unwrap();
            }
            8 => {
                fs::remove_file(&at).unwrap();
                self.files.retain(|file| *file != path);
            }
            9 => {
                let to = self.name();
                fs::rename(&at, self.at(&to)).unwrap();
                self.files.retain(|file| *file != path);
                self.files.push(to);
            }
            10 => chmod(&at, self.random.random_range(0o400..0o1000)),
            11 => {
                let to = self.name();
                fs::hard_link(&at, self.at(&to)).unwrap();
                self.files.push(to);
            }
            // Two files change places, with all that belongs to them.
            12 => {
                let other = self.any_file().unwrap();
                if other != path {
                    let aside = self.bench.path("aside");
                    fs::rename(&at, &aside).unwrap();
                    fs::rename(self.at(&other), &at).unwrap();
                    fs::rename(&aside, self.at(&other)).unwrap();
                }
            }
            // As `rsync` puts a new version in its place: another inode under the old name and times.
            13 => {
                let meta = fs::metadata(&at).unwrap();
                let mut content = fs::read(&at).unwrap();
                content.iter_mut().take(1).for_each(|byte| *byte ^= 1);
                let aside = self.bench.path("aside");
                fs::write(&aside, content).unwrap();
                restore_mtime(&aside, &meta);
                fs::rename(&aside, &at).unwrap();
            }
            14 => touch(&at, self.random.random_range(-1_000_000..5_000_000_000)),
            15 => {
                let to = self.name();
                symlink(&path, self.at(&to)).unwrap();
            }
            _ => {
                if rustix::process::geteuid().is_root() {
                    chown(&at, Some(self.random.random_range(0..40)), Some(33)).unwrap();
                }
            }
        }
    }
}

fn restore_mtime(path: &Path, meta: &fs::Metadata) {
    let time = rustix::fs::Timespec { tv_sec: meta.mtime(), tv_nsec: meta.mtime_nsec() };
    let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::empty()).unwrap();
}

/// Returns bytes taken from archives before, and all bytes.
fn live(seed: u64) -> (u64, u64) {
    let mut life = Life::new(seed);
    let mut before = pack_from(&life.bench, "copy-0", None, &|_| {});
    let (mut reused, mut all) = (0, 0);
    for pass in 1..=PASSES {
        std::thread::sleep(TICK);
        for _ in 0..life.random.random_range(0..6) {
            life.change();
        }
        // What is too young to tell; a clock that went back; parts of any size.
        let started_at = match life.random.random_range(0..8) {
            0 => chrono::DateTime::from_timestamp(1_000_000_000, 0).unwrap(),
            _ => life.bench.options().started_at + chrono::TimeDelta::hours(i64::from(pass)),
        };
        let part_size = match life.random.random_range(0..3) {
            0 => life.random.random_range(10_000..300_000),
            _ => u64::MAX,
        };
        let (from, to, fresh) =
            (format!("copy-{}", pass - 1), format!("copy-{pass}"), format!("fresh-{pass}"));
        let change = |options: &mut PackOptions| {
            (options.started_at, options.part_size) = (started_at, part_size);
            options.base = options.base.take().map(|base| {
                let base = Arc::into_inner(base).unwrap();
                let went_back = base.head().started_ms > started_at.timestamp_millis();
                Arc::new(if went_back { base.by_content_alone() } else { base })
            });
        };
        let packed = pack_from(&life.bench, &to, Some((&from, &before)), &change);
        let without = pack_from(&life.bench, &fresh, None, &change);
        assert!(
            unpacked(&life.bench, &to, &packed) == unpacked(&life.bench, &fresh, &without),
            "seed {seed}, pass {pass}: the archive with reuse differs from the one without"
        );
        assert_eq!(packed.warnings, without.warnings, "seed {seed}, pass {pass}");
        assert_eq!(
            (packed.entries, packed.source_bytes),
            (without.entries, without.source_bytes),
            "seed {seed}"
        );
        assert_eq!(without.reused_bytes, 0);
        reused += packed.reused_bytes;
        all += packed.archives.iter().map(|part| part.size_bytes).sum::<u64>();
        before = packed;
    }
    // The last one through `tar`, against the tree itself.
    if seed.is_multiple_of(5) {
        let out = life.bench.out();
        fs::create_dir_all(out.parent().unwrap()).unwrap();
        fs::rename(life.bench.path(format!("copy-{PASSES}")), out).unwrap();
        life.bench.assert_same();
    }
    (reused, all)
}

#[test]
fn reuse_changes_no_byte_in_five_hundred_histories() {
    let seed: u64 = rand::random_range(0..1 << 40);
    let (next, reused, all) = (AtomicU32::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let history = next.fetch_add(1, Ordering::SeqCst);
                    if history >= HISTORIES {
                        break;
                    }
                    let (taken, of) = live(seed + u64::from(history));
                    reused.fetch_add(taken, Ordering::SeqCst);
                    all.fetch_add(of, Ordering::SeqCst);
                }
            });
        }
    });
    let (reused, all) = (reused.into_inner(), all.into_inner());
    println!("{HISTORIES} histories from seed {seed}: {} % of {all} bytes were copied", reused * 100 / all);
    assert!(reused * 3 > all, "only {reused} of {all} bytes were copied");
}
