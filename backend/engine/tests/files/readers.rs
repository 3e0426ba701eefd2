//! The readers that people have: an archive of many members, some of them stored, cut into parts, read by each of them.

use crate::histories::pack_from;
use crate::support::*;
use rstest::rstest;
use std::fs;
use std::os::unix::fs::symlink;

/// Names of every length, content of every kind, and a second copy that took most of it from the first.
fn copied_twice() -> Bench {
    let bench = Bench::new();
    for i in 0..60 {
        bench.file(format!("app/code/{i:02}.php"), format!("<?php // {i}\n").repeat(700 * i));
        bench.file(format!("pub/media/{i:02}.png"), [b"\x89PNG\r\n\x1a\n", &*noise(9000 * i)].concat());
    }
    bench.file(format!("{0}/{0}/{0}.txt", "n".repeat(180)), "a long name");
    bench.file("video.mp4", noise(9 << 20));
    bench.file("empty", "");
    symlink("app/code/01.php", bench.root().join("link")).unwrap();
    fs::hard_link(bench.root().join("app/code/02.php"), bench.root().join("second")).unwrap();
    let first = pack_from(&bench, "first", None, &|_| {});
    bench.file("app/code/07.php", "changed");
    let out = bench.out();
    fs::create_dir_all(out.parent().unwrap()).unwrap();
    let second = pack_from(&bench, "copies/store/now.partial", Some(("first", &first)), &|options| {
        options.part_size = 3 << 20;
    });
    assert!(second.reused_bytes * 10 > second.source_bytes, "{} bytes were copied", second.reused_bytes);
    bench
}

#[rstest]
#[case::gnu_tar("cat \"$1\"/files/files.tgz.* | tar -xzpf - -C \"$2\"")]
#[case::gzip_and_tar("cat \"$1\"/files/files.tgz.* | gzip -dc | tar -xpf - -C \"$2\"")]
#[case::pigz("cat \"$1\"/files/files.tgz.* | pigz -dc | tar -xpf - -C \"$2\"")]
#[case::bsdtar("cat \"$1\"/files/files.tgz.* | bsdtar -xpf - -C \"$2\"")]
#[case::seven_zip(
    "cat \"$1\"/files/files.tgz.* > \"$1\"/whole.tgz && 7zz x -so \"$1\"/whole.tgz 2>\"$1\"/7z.log | tar -xpf - -C \"$2\""
)]
#[case::python(
    "cat \"$1\"/files/files.tgz.* > \"$1\"/whole.tgz && python3 -c 'import sys, tarfile
tarfile.open(sys.argv[1]).extractall(sys.argv[2], numeric_owner=True)' \"$1\"/whole.tgz \"$2\""
)]
fn every_reader_gives_the_tree_back(#[case] script: &str) {
    let bench = copied_twice();
    let output = bench.shell(script);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Python leaves the times of links as they come.
    for link in [bench.root().join("link"), bench.back().join("link")] {
        touch(&link, 1_700_000_000);
    }
    assert_trees(&snapshot(&bench.root()), &snapshot(&bench.back()));
}
