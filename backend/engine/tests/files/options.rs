//! What is left out, parts, progress, cancelling, measuring.

use crate::support::*;
use engine::archive::tree::{PackError, PackOptions, pack};
use engine::event::{Event, Events, Phase};
use engine::source::files::{Measured, Symlinks, measure};
use rstest::rstest;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[test]
fn excluded_directories_stay_as_empty_entries_and_excluded_files_vanish() {
    let bench = Bench::new();
    for path in [
        "var/cache/a",
        "var/log/debug.log",
        "generated/code/A.php",
        "pub/media/catalog/product/cache/x/y.jpg",
        "pub/media/catalog/product/z.jpg",
        "app/node_modules/left-pad/index.js",
        "app/note.log",
        "index.php",
    ] {
        bench.file(path, path);
    }
    symlink("index.php", bench.root().join("old.log")).unwrap();
    chmod(&bench.root().join("var"), 0o2770);
    touch(&bench.root().join("var"), 1_000_000_000);
    let patterns =
        ["var", "generated/", "pub/media/catalog/product/cache", "**/node_modules", "**/*.log", "nowhere"];
    let packed = bench.pack_without(&patterns);
    assert_eq!(packed.warnings, []);
    let excluded = [
        "app/node_modules",
        "app/note.log",
        "generated",
        "old.log",
        "pub/media/catalog/product/cache",
        "var",
    ];
    assert_eq!(packed.excluded, excluded);
    let listing = [
        "app/",
        "app/node_modules/",
        "generated/",
        "index.php",
        "pub/",
        "pub/media/",
        "pub/media/catalog/",
        "pub/media/catalog/product/",
        "pub/media/catalog/product/cache/",
        "pub/media/catalog/product/z.jpg",
        "var/",
        "./",
    ];
    assert_eq!(bench.listing(), listing);
    bench.restore();
    assert_eq!(snapshot(&bench.back())[b"var".as_slice()], snapshot(&bench.root())[b"var".as_slice()]);
}

#[test]
fn the_archive_directory_inside_the_root_is_left_out_whatever_it_is_called() {
    let bench = Bench::new();
    bench.file("var/archives/store/2026-01-01T00-00-00Z/files/files.tgz", "an earlier copy");
    bench.file("var/keep", "x");
    symlink(bench.root().join("var/archives"), bench.path("spelled differently")).unwrap();
    let options = PackOptions {
        out_dir: bench.path("spelled differently/store/now.partial"),
        leave_out: vec![bench.path("spelled differently")],
        ..bench.options()
    };
    let packed = pack(options).unwrap();
    assert_eq!(packed.excluded, ["var/archives"]);
    let archive = bench.root().join("var/archives/store/now.partial/files");
    fs::create_dir_all(bench.out()).unwrap();
    fs::rename(archive, bench.out().join("files")).unwrap();
    assert_eq!(bench.listing(), ["var/", "var/keep", "./"]);
}

#[test]
fn lists_of_links_and_of_exclusions_are_bounded_and_the_rest_is_counted() {
    let bench = Bench::new();
    for i in 0..10_003 {
        symlink(format!("/elsewhere/{i}"), bench.root().join(format!("link{i}"))).unwrap();
    }
    let packed = bench.pack();
    assert_eq!((packed.links_out.len(), packed.links_out_more), (10_000, 3));
    assert_eq!(codes(&packed.warnings), [("more_links_out", "", false)]);
    assert!(packed.warnings[0].message.starts_with("3 more"), "{:?}", packed.warnings);
    let long = "x".repeat(255);
    let deep = bench.root().join([long.as_str(); 3].join("/"));
    fs::create_dir_all(&deep).unwrap();
    for i in 0..8000 {
        symlink(format!("/elsewhere/{long}/{i}"), deep.join(format!("link{i}"))).unwrap();
    }
    fs::remove_dir_all(bench.out()).unwrap();
    let packed = bench.pack_without(&["link*"]);
    let bytes: usize = packed.links_out.iter().map(|link| link.path.len() + link.target.len()).sum();
    assert!((3 << 20..=4 << 20).contains(&bytes), "{bytes}");
    assert_eq!(packed.links_out.len() as u64 + packed.links_out_more, 8000);
    assert_eq!(packed.excluded.len(), 10_000);
    let told = codes(&packed.warnings);
    assert_eq!(told, [("more_left_out", "", false), ("more_links_out", "", false)]);
}

#[test]
fn a_root_that_is_itself_the_archive_directory_is_refused() {
    let bench = Bench::new();
    let error = pack(PackOptions { leave_out: vec![bench.root()], ..bench.options() }).unwrap_err();
    assert!(error.to_string().contains("STOREKEEP_ARCHIVE_DIR"), "{error}");
}

#[test]
fn parts_joined_by_cat_give_the_tree_back() {
    let bench = Bench::new();
    bench.file("media/noise.bin", noise(5_300_000));
    for i in 0..300 {
        bench.file(format!("code/{i}.php"), noise(2000 + i));
    }
    let packed = pack(PackOptions { part_size: 1 << 20, ..bench.options() }).unwrap();
    assert!(packed.archives.len() > 5);
    for (index, file) in packed.archives.iter().enumerate() {
        assert_eq!(file.name, format!("files/files.tgz.{:03}", index + 1));
        let size = bench.out().join(&file.name).metadata().unwrap().len();
        assert_eq!(size, file.size_bytes);
        assert!(size == 1 << 20 || index + 1 == packed.archives.len());
        let sum = std::process::Command::new("sha256sum").arg(bench.out().join(&file.name)).output().unwrap();
        assert!(sum.stdout.starts_with(file.sha256.as_bytes()));
    }
    bench.assert_same();
}

#[test]
fn an_empty_root_gives_an_archive_that_tar_takes() {
    let bench = Bench::new();
    chmod(&bench.root(), 0o711);
    assert_eq!(bench.pack().entries, 1);
    bench.assert_same();
}

#[test]
fn a_missing_root_is_an_error_that_names_it() {
    let bench = Bench::new();
    let error = pack(PackOptions { root: bench.path("nowhere"), ..bench.options() }).unwrap_err();
    assert!(matches!(error, PackError::Source(_)));
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn a_disk_that_fills_up_ends_the_pass_with_the_path_and_the_reason() {
    let bench = Bench::new();
    bench.file("noise.bin", noise(8 << 20));
    fs::create_dir(bench.path("copies")).unwrap();
    let Some(_small) = Mount::new(&bench.path("copies"), &["-t", "tmpfs", "-o", "size=2m", "tmpfs"]) else {
        return;
    };
    let error = pack(bench.options()).unwrap_err();
    assert!(matches!(&error, PackError::Write(error) if error.kind() == ErrorKind::StorageFull), "{error}");
    assert!(error.to_string().contains(bench.out().join("files/files.tgz").to_str().unwrap()), "{error}");
}

#[test]
fn a_directory_mounted_into_itself_is_walked_once() {
    let bench = Bench::new();
    bench.file("app/file", "x");
    fs::create_dir(bench.root().join("app/again")).unwrap();
    let Some(_again) =
        Mount::new(&bench.root().join("app/again"), &["--bind", bench.root().to_str().unwrap()])
    else {
        return;
    };
    let packed = bench.pack();
    assert_eq!(codes(&packed.warnings), [("loop", "app/again", false)]);
    assert_eq!(bench.listing(), ["app/", "app/again/", "app/file", "./"]);
}

#[test]
fn other_file_systems_below_the_root_are_archived() {
    let bench = Bench::new();
    fs::create_dir_all(bench.root().join("pub/media")).unwrap();
    let Some(_media) = Mount::new(&bench.root().join("pub/media"), &["-t", "tmpfs", "tmpfs"]) else { return };
    bench.file("pub/media/image.jpg", "jpg");
    bench.pack();
    bench.assert_same();
}

#[test]
fn progress_grows_to_the_totals_and_does_not_flood() {
    let bench = Bench::new();
    for i in 0..2000 {
        bench.file(format!("d{}/f{i}", i % 50), noise(3000));
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let events = Events::new(move |event| log.lock().unwrap().push(event));
    let start = Instant::now();
    let packed = pack(PackOptions { events, ..bench.options() }).unwrap();
    let most = start.elapsed().as_millis() / 200 + 2;
    let seen = seen.lock().unwrap();
    let Event::Started { phase: Phase::Files, total_bytes: Some(bytes), total_items: Some(items) } = seen[1]
    else {
        panic!("{:?}", seen[1]);
    };
    assert_eq!((bytes, items), (packed.source_bytes, packed.entries));
    let advanced: Vec<_> = seen
        .iter()
        .filter_map(|event| match event {
            Event::Advanced { phase: Phase::Files, bytes, bytes_written, items } => {
                Some((*bytes, *bytes_written, *items))
            }
            _ => None,
        })
        .collect();
    assert!(advanced.len() as u128 <= most, "{} events", advanced.len());
    assert!(advanced.is_sorted());
    let written = packed.archives.iter().map(|file| file.size_bytes).sum();
    assert_eq!(advanced.last(), Some(&(packed.source_bytes, written, packed.entries)));
    assert!(matches!(seen.last(), Some(Event::Ended { phase: Phase::Files, ok: true })));
}

#[test]
fn cancelling_ends_the_pass_soon() {
    let bench = Bench::new();
    fs::File::create(bench.root().join("huge")).unwrap().set_len(50 << 30).unwrap();
    let options = bench.options();
    let cancel = options.cancel.clone();
    let thread = std::thread::spawn(move || pack(options));
    std::thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    cancel.cancel();
    assert!(cancelled(&thread.join().unwrap()));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_pass_that_is_cancelled_before_it_begins_does_nothing() {
    let bench = Bench::new();
    let options = bench.options();
    options.cancel.cancel();
    assert!(cancelled(&pack(options)));
}

#[rstest]
#[case(Symlinks::FollowShared, 1000)]
#[case(Symlinks::Keep, 0)]
fn measuring_counts_files_and_follows_what_a_pass_follows(#[case] symlinks: Symlinks, #[case] media: u64) {
    let bench = Bench::new();
    bench.file("index.php", "not in a directory");
    bench.file("var/cache/a", [0; 10]);
    bench.file("var/cache/deep/b", [0; 20]);
    bench.file("var/other", [0; 5]);
    bench.file("pub/static/app.js", [0; 7]);
    fs::create_dir_all(bench.path("shared/media/catalog/product/cache")).unwrap();
    fs::write(bench.path("shared/media/catalog/product/cache/i.jpg"), [0; 1000]).unwrap();
    symlink("../../shared/media", bench.root().join("pub/media")).unwrap();
    symlink("../shared", bench.root().join("linked")).unwrap();
    fs::create_dir(bench.root().join("generated")).unwrap();

    let measures = measure(&bench.root(), symlinks, Duration::from_secs(60)).unwrap();
    let short = |all: &[Measured]| {
        all.iter().map(|m| (m.path.clone(), m.size_bytes, m.files, m.complete)).collect::<Vec<_>>()
    };
    let row = |path: &str, bytes, files| (path.to_owned(), bytes, files, true);
    let files = media / 1000;
    assert_eq!(
        short(&measures.directories),
        [row("generated", 0, 0), row("pub", 7 + media, 1 + files), row("var", 35, 3)]
    );
    let mut suggested = vec![row("pub/static", 7, 1), row("var/cache", 30, 2)];
    if media > 0 {
        suggested.insert(0, row("pub/media/catalog/product/cache", 1000, 1));
    }
    assert_eq!(short(&measures.suggested), suggested);
    assert!(measures.suggested.iter().all(|measured| measured.hint.is_some()));
}

#[test]
fn measuring_says_where_its_time_ran_out() {
    let bench = Bench::new();
    bench.file("var/cache/a", "x");
    let measures = measure(&bench.root(), Symlinks::FollowShared, Duration::ZERO).unwrap();
    assert!(!measures.directories[0].complete);
    assert!(!measures.suggested[0].complete);
}
