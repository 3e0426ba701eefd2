//! The store goes on working while its files are read. The events tell a test when the walk is over and when reading has begun.

use crate::support::*;
use engine::archive::tree::{PackOptions, Packed, pack};
use engine::event::{Event, Events};
use rustix::fs::Mode;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// Of what does not compress: then reading waits for the compressor, and is not over when the test hears of it.
const LARGE: usize = 40 << 20;

/// What takes a while to be archived: it is worth compressing, a little.
fn slow() -> Vec<u8> {
    noise(LARGE).into_iter().map(|byte| byte & 0x3f).collect()
}

/// Packs and calls back between the walk and the first read.
fn after_the_walk(bench: &Bench, change: impl Fn(&Path) + Send + Sync + 'static) -> Packed {
    let root = bench.root();
    let events = Events::new(move |event| {
        if matches!(event, Event::Started { total_items: Some(_), .. }) {
            change(&root);
        }
    });
    pack(PackOptions { events, ..bench.options() }).unwrap()
}

/// Packs and calls back once while the large file `a` is being read: its header is written, its end is not.
fn while_reading(bench: &Bench, change: impl FnOnce(&Path) + Send + 'static) -> Packed {
    let path = bench.root().join("a");
    let change = Mutex::new(Some(change));
    let events = Events::new(move |event| match event {
        // The next progress event is due at once then.
        Event::Started { .. } => std::thread::sleep(Duration::from_millis(250)),
        Event::Advanced { .. } => {
            if let Some(change) = change.lock().unwrap().take() {
                change(&path);
            }
        }
        _ => {}
    });
    pack(PackOptions { events, workers: 1, ..bench.options() }).unwrap()
}

#[test]
fn what_vanishes_or_turns_into_something_else_is_skipped_with_a_remark() {
    let bench = Bench::new();
    for name in ["dir/a", "dir/fifo", "dir/link", "gone/b", "kept", "swapped/c"] {
        bench.file(name, "content");
    }
    fs::create_dir(bench.path("elsewhere")).unwrap();
    fs::write(bench.path("elsewhere/c"), "secret").unwrap();
    let elsewhere = bench.path("elsewhere");
    let packed = after_the_walk(&bench, move |root| {
        fs::remove_file(root.join("dir/a")).unwrap();
        fs::remove_dir_all(root.join("gone")).unwrap();
        fs::remove_file(root.join("dir/link")).unwrap();
        symlink("/etc/passwd", root.join("dir/link")).unwrap();
        fs::remove_file(root.join("dir/fifo")).unwrap();
        let fifo = root.join("dir/fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        fs::remove_dir_all(root.join("swapped")).unwrap();
        symlink(&elsewhere, root.join("swapped")).unwrap();
    });
    let vanished =
        ["dir/a", "dir/fifo", "dir/link", "gone/b", "swapped/c"].map(|path| ("vanished", path, false));
    assert_eq!(codes(&packed.warnings), vanished);
    bench.restore();
    let paths: Vec<_> =
        snapshot(&bench.back()).into_keys().map(|path| String::from_utf8(path).unwrap()).collect();
    assert_eq!(paths, ["", "dir", "gone", "kept", "swapped"]);
}

#[test]
fn a_file_that_was_rewritten_after_the_walk_is_archived_as_it_is_then() {
    let bench = Bench::new();
    bench.file("log", "short");
    touch(&bench.root().join("log"), 1_000);
    let packed = after_the_walk(&bench, |root| {
        fs::write(root.join("log"), "longer than before").unwrap();
        touch(&root.join("log"), 2_000);
    });
    assert_eq!(packed.warnings, []);
    bench.assert_same();
}

#[test]
fn a_small_file_that_became_huge_is_archived_whole() {
    let bench = Bench::new();
    bench.file("dir/log", "short");
    bench.file("next", "untouched");
    let packed = after_the_walk(&bench, |root| fs::write(root.join("dir/log"), noise(21 << 20)).unwrap());
    assert_eq!(packed.warnings, []);
    assert_eq!(packed.source_bytes, (21 << 20) + 9);
    bench.assert_same();
}

#[test]
fn all_names_of_a_file_that_became_huge_are_archived() {
    let bench = Bench::new();
    let first = bench.file("a", "short");
    fs::hard_link(&first, bench.root().join("b")).unwrap();
    fs::hard_link(&first, bench.root().join("z")).unwrap();
    for i in 0..2000 {
        bench.file(format!("m/{i}"), noise(1000));
    }
    let packed = after_the_walk(&bench, |root| fs::write(root.join("a"), noise(6 << 20)).unwrap());
    assert_eq!(packed.warnings, []);
    bench.assert_same();
}

#[test]
fn a_file_that_grows_while_it_is_read_is_cut_at_its_header() {
    let bench = Bench::new();
    let content = slow();
    bench.file("a", &content);
    bench.file("b", "next");
    let packed = while_reading(&bench, |path| {
        OpenOptions::new().append(true).open(path).unwrap().write_all(&[2; 5000]).unwrap();
    });
    assert_eq!(codes(&packed.warnings), [("changed", "a", false)]);
    bench.restore();
    assert!(bench.restored("a") == content);
    assert_eq!(bench.restored("b"), b"next");
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_filled_up_with_zeros() {
    let bench = Bench::new();
    let content = slow();
    bench.file("a", &content);
    bench.file("b", "next");
    let packed = while_reading(&bench, |path| {
        OpenOptions::new().write(true).open(path).unwrap().set_len(1000).unwrap();
    });
    assert_eq!(codes(&packed.warnings), [("changed", "a", false)]);
    assert!(packed.warnings[0].message.contains("shrank"), "{}", packed.warnings[0].message);
    bench.restore();
    let restored = bench.restored("a");
    assert_eq!(restored.len(), LARGE);
    assert!(restored[..1000] == content[..1000]);
    assert!(restored[LARGE - (1 << 20)..].iter().all(|byte| *byte == 0));
    assert_eq!(bench.restored("b"), b"next");
}

#[test]
fn a_file_that_is_deleted_while_it_is_read_is_archived_in_full() {
    let bench = Bench::new();
    let content = slow();
    bench.file("a", &content);
    let packed = while_reading(&bench, |path| fs::remove_file(path).unwrap());
    assert_eq!(packed.warnings, []);
    bench.restore();
    assert!(bench.restored("a") == content);
}

#[test]
fn a_file_whose_first_name_vanished_is_archived_under_its_next() {
    for size in [10, 5 << 20] {
        let bench = Bench::new();
        let first = bench.file("a/first", vec![3; size]);
        for name in ["b", "c"] {
            fs::hard_link(&first, bench.root().join(name)).unwrap();
        }
        let packed = after_the_walk(&bench, |root| fs::remove_file(root.join("a/first")).unwrap());
        assert_eq!(codes(&packed.warnings), [("vanished", "a/first", false)]);
        bench.restore();
        for name in ["b", "c"] {
            assert!(bench.restored(name) == vec![3; size], "{name} of {size} bytes");
        }
    }
}

#[test]
fn a_release_that_is_switched_meanwhile_is_archived_to_its_end() {
    let bench = Bench::new();
    for release in ["1", "2"] {
        fs::create_dir_all(bench.path(format!("releases/{release}"))).unwrap();
        fs::write(bench.path(format!("releases/{release}/version")), release).unwrap();
    }
    let current = bench.path("current");
    symlink("releases/1", &current).unwrap();
    let link = current.clone();
    let events = Events::new(move |event| {
        if matches!(event, Event::Started { total_items: Some(_), .. }) {
            fs::remove_file(&link).unwrap();
            symlink("releases/2", &link).unwrap();
        }
    });
    let packed = pack(PackOptions { root: current, events, ..bench.options() }).unwrap();
    assert!(packed.warnings.is_empty(), "{:?}", packed.warnings);
    bench.restore();
    assert_eq!(bench.restored("version"), b"1");
}
