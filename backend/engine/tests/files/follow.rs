//! Shared directories of deploy layouts, and links out of the root.

use crate::support::*;
use engine::archive::tree::{PackOptions, pack};
use engine::source::files::Symlinks;
use rstest::rstest;
use std::fs;
use std::os::unix::fs::symlink;

/// `current` → `releases/5`, with media and settings in `shared/`.
fn deployed() -> Bench {
    let bench = Bench::new();
    fs::remove_dir(bench.root()).unwrap();
    fs::create_dir_all(bench.path("releases/5/pub")).unwrap();
    fs::create_dir_all(bench.path("releases/5/app/etc")).unwrap();
    fs::create_dir_all(bench.path("shared/media/catalog")).unwrap();
    fs::write(bench.path("shared/media/catalog/image.jpg"), "jpg").unwrap();
    fs::write(bench.path("shared/env.php"), "<?php return [];").unwrap();
    chmod(&bench.path("shared/env.php"), 0o640);
    chmod(&bench.path("shared/media"), 0o2775);
    symlink("../../../shared/media", bench.path("releases/5/pub/media")).unwrap();
    symlink("../../../../shared/env.php", bench.path("releases/5/app/etc/env.php")).unwrap();
    fs::create_dir(bench.path("shared/log")).unwrap();
    symlink("../../shared/log", bench.path("releases/5/log")).unwrap();
    symlink("releases/5", bench.root()).unwrap();
    bench
}

#[test]
fn shared_media_and_settings_are_archived_in_the_place_of_their_links() {
    let bench = deployed();
    symlink("../../outside", bench.path("shared/media/escape")).unwrap();
    symlink("catalog/image.jpg", bench.path("shared/media/inside")).unwrap();
    touch(&bench.path("shared/media/catalog"), 1_000_000);
    touch(&bench.path("shared/media"), 1_000_000);
    let packed = bench.pack();
    assert_eq!(packed.warnings, []);
    let out: Vec<_> = packed.links_out.iter().map(|link| (link.path.as_str(), link.followed)).collect();
    let expected =
        [("app/etc/env.php", true), ("log", false), ("pub/media", true), ("pub/media/escape", false)];
    assert_eq!(out, expected);
    bench.restore();
    let restored = snapshot(&bench.back());
    let mut expected = snapshot(&bench.path("releases/5"));
    expected
        .insert(b"app/etc/env.php".to_vec(), snapshot(&bench.path("shared"))[b"env.php".as_slice()].clone());
    for (path, facts) in snapshot(&bench.path("shared/media")) {
        let place =
            if path.is_empty() { b"pub/media".to_vec() } else { [b"pub/media/", path.as_slice()].concat() };
        expected.insert(place, facts);
    }
    assert_trees(&expected, &restored);
}

#[test]
fn every_link_stays_a_link_when_the_set_says_so() {
    let bench = deployed();
    let packed = pack(PackOptions { symlinks: Symlinks::Keep, ..bench.options() }).unwrap();
    assert_eq!(packed.links_out.len(), 3);
    assert!(packed.links_out.iter().all(|link| !link.followed));
    bench.restore();
    assert_trees(&snapshot(&bench.path("releases/5")), &snapshot(&bench.back()));
}

#[test]
fn an_excluded_shared_directory_is_an_empty_directory() {
    let bench = deployed();
    let packed = bench.pack_without(&["pub/media", "app/etc/env.php"]);
    assert_eq!(packed.excluded, ["app/etc/env.php", "pub/media"]);
    assert_eq!(bench.listing(), ["app/", "app/etc/", "log", "pub/", "pub/media/", "./"]);
}

#[test]
fn a_shared_link_that_leads_nowhere_or_around_the_root_stays_a_link() {
    let bench = deployed();
    fs::remove_file(bench.path("releases/5/pub/media")).unwrap();
    symlink("../../..", bench.path("releases/5/pub/media")).unwrap();
    fs::remove_file(bench.path("shared/env.php")).unwrap();
    let packed = bench.pack();
    let expected = [("shared_link", "app/etc/env.php", true), ("shared_link", "pub/media", true)];
    assert_eq!(codes(&packed.warnings), expected);
    assert!(packed.warnings[0].message.contains("leads nowhere"), "{:?}", packed.warnings);
    bench.restore();
    assert_trees(&snapshot(&bench.path("releases/5")), &snapshot(&bench.back()));
}

/// A disk that is not mounted, a link to itself, a file where a directory was.
#[rstest]
#[case("../../../not-mounted/media")]
#[case("media")]
#[case("../../../shared/env.php/media")]
fn media_that_cannot_be_reached_are_missing(#[case] target: &str) {
    let bench = deployed();
    fs::remove_file(bench.path("releases/5/pub/media")).unwrap();
    symlink(target, bench.path("releases/5/pub/media")).unwrap();
    let packed = bench.pack();
    assert_eq!(codes(&packed.warnings), [("shared_link", "pub/media", true)]);
    assert!(bench.listing().contains(&"pub/media".to_string()));

    // Who leaves them out, or wants links as they are, misses nothing.
    for excluded in ["pub/media", "pub"] {
        fs::remove_dir_all(bench.out()).unwrap();
        assert_eq!(bench.pack_without(&[excluded]).warnings, []);
    }
    fs::remove_dir_all(bench.out()).unwrap();
    let kept = pack(PackOptions { symlinks: Symlinks::Keep, ..bench.options() }).unwrap();
    assert_eq!(kept.warnings, []);
}

#[test]
fn media_behind_a_kept_link_are_told_to_be_missing_from_the_archive() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("elsewhere/media")).unwrap();
    symlink("../elsewhere", bench.root().join("pub")).unwrap();
    let packed = bench.pack();
    assert_eq!(codes(&packed.warnings), [("shared_behind_link", "pub", true)]);
    assert!(packed.warnings[0].message.contains("pub/media"));
    for excluded in ["pub", "pub/media", "**/media"] {
        fs::remove_dir_all(bench.out()).unwrap();
        assert_eq!(bench.pack_without(&[excluded]).warnings, []);
    }
    fs::remove_dir_all(bench.out()).unwrap();
    let kept = pack(PackOptions { symlinks: Symlinks::Keep, ..bench.options() }).unwrap();
    assert_eq!(kept.warnings, []);
}

#[test]
fn a_shared_link_within_the_root_stays_a_link() {
    let bench = Bench::new();
    bench.file("shared/media/image", "x");
    fs::create_dir(bench.root().join("pub")).unwrap();
    symlink("../shared/media", bench.root().join("pub/media")).unwrap();
    let packed = bench.pack();
    assert_eq!(packed.links_out, []);
    bench.assert_same();
}
