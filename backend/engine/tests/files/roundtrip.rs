//! Trees come back as they were.

use crate::support::*;
use rustix::fs::{Mode, OFlags, mkdirat, openat};
use std::fs;
use std::os::unix::fs::{chown, symlink};

#[test]
fn content_modes_owners_and_times_come_back() {
    let bench = Bench::new();
    let root = bench.root();
    bench.file("index.php", "<?php\n");
    bench.file("app/code/empty", "");
    bench.file("app/code/block", vec![7; 512]);
    bench.file("app/code/block and one", vec![8; 513]);
    bench.file("pub/media/large.bin", (0..9_000_001u32).map(|i| (i >> 3) as u8).collect::<Vec<_>>());
    bench.file("pub/media/at the border", vec![1; 4 << 20]);
    fs::create_dir_all(root.join("var/empty")).unwrap();
    chmod(&bench.file("secret", "x"), 0o600);
    chmod(&bench.file("bin/magento", "#!/usr/bin/env php"), 0o755);
    chmod(&bench.file("setuid", "x"), 0o4755);
    chmod(&bench.file("nobody may", "x"), 0o000);
    for (path, seconds) in
        [("index.php", 1_000_000_000), ("secret", -86_400), ("setuid", -1), ("bin/magento", 0)]
    {
        touch(&root.join(path), seconds);
    }
    touch(&root.join("nobody may"), 8_589_934_592 + 5);
    if rustix::process::geteuid().is_root() {
        chown(root.join("index.php"), Some(1), Some(2)).unwrap();
        chown(root.join("secret"), Some(3_000_000), Some(4_000_000_000)).unwrap();
    }
    chmod(&root.join("var"), 0o2770);
    chmod(&root.join("var/empty"), 0o1777);
    for dir in ["var/empty", "var", "app/code", "app", "pub/media", "bin"] {
        touch(&root.join(dir), 1_234_567_890);
    }
    chmod(&root, 0o2750);
    touch(&root, 1_111_111_111);

    let packed = bench.pack();
    assert_eq!(packed.warnings, []);
    assert_eq!(packed.archives.len(), 1);
    assert_eq!(packed.archives[0].name, "files/files.tgz");
    assert_eq!(packed.entries, snapshot(&root).len() as u64);
    let bytes: usize = snapshot(&root).values().map(|facts| facts.content.len()).sum();
    assert_eq!(packed.source_bytes, bytes as u64);
    bench.assert_same();
}

#[test]
fn names_are_bytes_of_any_length() {
    let bench = Bench::new();
    let root = bench.root();
    for name in [
        &b"caf\xe9"[..],
        b"\xff\xfe",
        b"new\nline",
        b"back\\slash",
        b"  spaces ",
        b"-rf",
        b"\x01\x7f",
        "Größe".as_bytes(),
    ] {
        bench.file(os(name), name);
    }
    let longest = "n".repeat(255);
    bench.file(format!("files/{longest}"), "255");
    for length in 90..110 {
        bench.file("d".repeat(length), "name");
        bench.file(format!("s/{}", "e".repeat(length)), "split");
        fs::create_dir(root.join(format!("dir-{}", "f".repeat(length)))).unwrap();
    }
    let deep = [longest.as_str(); 12].join("/");
    bench.file(format!("{deep}/file"), "3 KB of path");
    symlink("t".repeat(100), root.join("link 100")).unwrap();
    symlink("t".repeat(101), root.join("link 101")).unwrap();
    symlink("t/".repeat(2000), root.join("link 4000")).unwrap();
    symlink(os(b"caf\xe9/\xff"), root.join(os(b"link \xff"))).unwrap();
    fs::hard_link(root.join(format!("{deep}/file")), root.join("z hard link to a long path")).unwrap();
    assert_eq!(bench.pack().warnings, []);
    bench.assert_same();
}

/// `tar` itself cannot make such paths when it restores; it has to list them and give their content.
#[test]
fn a_path_longer_than_the_system_takes_at_once_is_archived() {
    let bench = Bench::new();
    let name = "n".repeat(250);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let mut dir = rustix::fs::open(bench.root(), flags, Mode::empty()).unwrap();
    for _ in 0..40 {
        mkdirat(&dir, &*name, Mode::from_raw_mode(0o755)).unwrap();
        dir = openat(&dir, &*name, flags, Mode::empty()).unwrap();
    }
    for file in ["one", "two"] {
        let file = openat(&dir, file, OFlags::CREATE | OFlags::WRONLY, Mode::from_raw_mode(0o644)).unwrap();
        rustix::io::write(&file, b"deep down").unwrap();
    }
    let packed = bench.pack();
    assert_eq!(packed.warnings, []);
    let listing = bench.listing();
    let path = [name.as_str(); 40].join("/");
    assert!(path.len() > 10_000 && listing.contains(&format!("{path}/one")));
    assert_eq!(listing.len() as u64, packed.entries);
    let content = bench.shell("tar -xzOf \"$1/files/files.tgz\" --wildcards '*/two'");
    assert_eq!(content.stdout, b"deep down");
}

#[test]
fn links_come_back_as_links() {
    let bench = Bench::new();
    let root = bench.root();
    bench.file("a/first", "one file, four names");
    fs::hard_link(root.join("a/first"), root.join("a/second")).unwrap();
    fs::hard_link(root.join("a/first"), root.join("b")).unwrap();
    fs::hard_link(root.join("a/first"), bench.path("outside")).unwrap();
    bench.file("big", vec![5; 5 << 20]);
    fs::hard_link(root.join("big"), root.join("big again")).unwrap();
    bench.file("other", "its further name lies outside");
    fs::hard_link(root.join("other"), bench.path("outside too")).unwrap();
    symlink("a/first", root.join("relative")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    symlink("/etc/hostname", root.join("absolute")).unwrap();
    symlink("../../outside", root.join("a/up")).unwrap();
    symlink(".", root.join("itself")).unwrap();
    symlink(&root, root.join("a/root")).unwrap();
    fs::hard_link(root.join("dangling"), root.join("dangling again")).unwrap();
    for dir in ["a", ""] {
        touch(&root.join(dir), 1_222_333_444);
    }
    let packed = bench.pack();
    assert_eq!(packed.warnings, []);
    let out: Vec<_> = packed.links_out.iter().map(|link| (link.path.as_str(), link.followed)).collect();
    assert_eq!(out, [("a/up", false), ("absolute", false)]);
    assert_eq!(packed.links_out[1].target, "/etc/hostname");

    bench.restore();
    let mut before = snapshot(&root);
    // Its only other name lies outside.
    before.get_mut(b"other".as_slice()).unwrap().same_as = None;
    assert_trees(&before, &snapshot(&bench.back()));
}

#[test]
fn fifos_sockets_and_devices_are_skipped_with_a_remark() {
    let bench = Bench::new();
    bench.file("var/file", "x");
    let fifo = bench.root().join("var/fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o644), 0)
        .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(bench.root().join("var/socket")).unwrap();
    let packed = bench.pack();
    assert_eq!(codes(&packed.warnings), [("special", "var/fifo", false), ("special", "var/socket", false)]);
    assert!(packed.warnings[0].message.contains("FIFO") && packed.warnings[1].message.contains("socket"));
    assert_eq!(bench.listing(), ["var/", "var/file", "./"]);
}

#[test]
fn entries_are_sorted_and_two_passes_give_the_same_bytes() {
    let bench = Bench::new();
    for path in ["b/z", "b-c", "b/a/x", "a", "b.d", "C"] {
        bench.file(path, path);
    }
    bench.pack();
    assert_eq!(bench.listing(), ["C", "a", "b/", "b/a/", "b/a/x", "b/z", "b-c", "b.d", "./"]);
    let first = fs::read(bench.out().join("files/files.tgz")).unwrap();
    fs::remove_dir_all(bench.out()).unwrap();
    bench.pack();
    assert!(first == fs::read(bench.out().join("files/files.tgz")).unwrap());
}

#[test]
fn a_file_above_8_gib_has_a_header_that_tar_understands() {
    let bench = Bench::new();
    let file = fs::File::create(bench.root().join("huge")).unwrap();
    file.set_len((8 << 30) + 1).unwrap();
    let mut options = bench.options();
    // Only its header is of interest: the pass ends as soon as the first part is written.
    let (cancel, out) = (options.cancel.clone(), bench.out());
    options.events = engine::event::Events::new(move |event| {
        if matches!(event, engine::event::Event::Advanced { bytes_written: 1.., .. }) {
            cancel.cancel();
        }
    });
    assert!(cancelled(&engine::archive::tree::pack(options)));
    let archive = out.join("files/files.tgz");
    assert!(archive.metadata().unwrap().len() > 0);
    let listing = bench.shell("tar -tvzf \"$1/files/files.tgz\"");
    assert!(String::from_utf8_lossy(&listing.stdout).contains(" 8589934593 "), "{listing:?}");
}

/// As a shop's `pub/media/catalog/product/cache` or `var/session` may come to have.
#[test]
fn a_directory_of_200_000_entries_is_archived() {
    const ENTRIES: usize = 200_000;
    let bench = Bench::new();
    let dir = bench.root().join("var/session");
    fs::create_dir_all(&dir).unwrap();
    for i in 0..ENTRIES {
        fs::File::create(dir.join(format!("sess_{i:032x}"))).unwrap();
    }
    let packed = bench.pack();
    assert!(packed.warnings.is_empty(), "{:?}", packed.warnings);
    assert_eq!(packed.entries as usize, ENTRIES + 3);
    let listing = bench.listing();
    assert_eq!(listing.len(), ENTRIES + 3);
    assert!(listing.contains(&format!("var/session/sess_{:032x}", ENTRIES - 1)));
}

/// More directories wait to be listed than there are handles kept for them.
#[test]
fn wide_and_deep_trees_are_archived() {
    let bench = Bench::new();
    for i in 0..700 {
        bench.file(format!("wide/{i:03}/below/file"), i.to_string());
    }
    let mut deep = String::from("deep");
    for level in 0..300 {
        bench.file(format!("{deep}/a/file"), level.to_string());
        bench.file(format!("{deep}/z/file"), level.to_string());
        deep.push_str("/m");
    }
    let packed = bench.pack();
    assert!(packed.warnings.is_empty(), "{:?}", packed.warnings);
    bench.restore();
    bench.assert_same();
}
