//! Damage to an earlier archive or its index is neither copied nor a reason to fail.

use crate::histories::{pack_from, unpacked};
use crate::support::*;
use engine::archive::reuse::{Base, Unusable, index_name, read_index};
use engine::archive::tree::{NAME, POLICY, Packed};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rstest::rstest;
use std::fs;
use std::path::PathBuf;

/// A tree of several groups and a large file, and its first copy.
fn copied() -> (Bench, Packed) {
    let bench = Bench::new();
    for i in 0..120 {
        bench.file(format!("app/{i:03}.php"), format!("<?php // {i}\n").repeat(900 + i));
    }
    for i in 0..10 {
        bench.file(format!("pub/media/{i}.jpg"), [b"\xff\xd8\xff", &*noise(90_000 + i)].concat());
    }
    bench.file("video.mp4", noise(5 << 20));
    let first = pack_from(&bench, "first", None, &|_| {});
    (bench, first)
}

fn archive(bench: &Bench) -> PathBuf {
    bench.path("first").join(NAME)
}

fn index(bench: &Bench) -> PathBuf {
    bench.path("first").join(index_name(NAME))
}

/// Packs again from what is left, and compares with what the first pass made.
fn pack_again(bench: &Bench, first: &Packed, whole: &[u8]) -> Packed {
    let _ = fs::remove_dir_all(bench.path("second"));
    let second = pack_from(bench, "second", Some(("first", first)), &|_| {});
    assert!(unpacked(bench, "second", &second) == whole, "the damage was copied");
    second
}

#[test]
fn untouched_archives_are_copied_whole() {
    let (bench, first) = copied();
    let whole = unpacked(&bench, "first", &first);
    let second = pack_again(&bench, &first, &whole);
    let size = second.archives[0].size_bytes;
    // All but the end.
    assert!(second.reused_bytes + 1000 > size, "{} of {size}", second.reused_bytes);
    assert_eq!(fs::read(archive(&bench)).unwrap(), fs::read(bench.path("second").join(NAME)).unwrap());
}

#[test]
fn a_flipped_bit_anywhere_in_the_archive_costs_its_member_and_is_told() {
    let (bench, first) = copied();
    let whole = unpacked(&bench, "first", &first);
    let good = fs::read(archive(&bench)).unwrap();
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..60 {
        let mut bad = good.clone();
        let at = random.random_range(0..bad.len() - 600);
        bad[at] ^= 1 << random.random_range(0..8);
        fs::write(archive(&bench), bad).unwrap();
        let second = pack_again(&bench, &first, &whole);
        assert_eq!(codes(&second.warnings), [("earlier_damaged", "", false)], "byte {at}");
        assert!(second.warnings[0].message.contains("written: 1)"), "{:?}", second.warnings);
        assert!(second.reused_bytes * 3 > second.archives[0].size_bytes);
    }
}

#[test]
fn members_that_changed_places_are_made_anew() {
    let (bench, first) = copied();
    let whole = unpacked(&bench, "first", &first);
    let (_, members) = read_index(&bench.path("first"), &first.archives).unwrap();
    let good = fs::read(archive(&bench)).unwrap();
    let (a, b) = (members[0], members[1]);
    let cut = |m: engine::archive::reuse::Member| &good[m.offset as usize..][..m.length as usize];
    let rest = &good[(b.offset + b.length) as usize..];
    fs::write(archive(&bench), [cut(b), cut(a), rest].concat()).unwrap();
    let second = pack_again(&bench, &first, &whole);
    assert!(second.warnings[0].message.contains("written: 2)"), "{:?}", second.warnings);
}

#[rstest]
#[case::cut(|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1))]
#[case::longer(|bytes: &mut Vec<u8>| bytes.push(0))]
#[case::empty(|bytes: &mut Vec<u8>| bytes.clear())]
fn an_archive_of_another_size_is_not_used(#[case] change: fn(&mut Vec<u8>)) {
    let (bench, first) = copied();
    let whole = unpacked(&bench, "first", &first);
    let mut bytes = fs::read(archive(&bench)).unwrap();
    change(&mut bytes);
    fs::write(archive(&bench), bytes).unwrap();
    let opened = Base::open(&bench.path("first"), &first.archives, POLICY);
    assert!(matches!(opened, Err(Unusable::Elsewhere)), "{opened:?}");
    assert_eq!(pack_again(&bench, &first, &whole).reused_bytes, 0);
}

#[test]
fn a_damaged_index_is_not_used_whatever_the_damage() {
    let (bench, first) = copied();
    let whole = unpacked(&bench, "first", &first);
    let good = fs::read(index(&bench)).unwrap();
    let mut random = StdRng::seed_from_u64(8);
    for round in 0..200 {
        let mut bad = good.clone();
        match round % 3 {
            0 => {
                let at = random.random_range(0..bad.len());
                bad[at] ^= 1 << random.random_range(0..8);
            }
            1 => bad.truncate(random.random_range(0..bad.len())),
            _ => {
                let (a, b) = (random.random_range(0..bad.len()), random.random_range(0..bad.len()));
                bad.swap(a, b);
            }
        }
        if bad == good {
            continue;
        }
        fs::write(index(&bench), bad).unwrap();
        let opened = Base::open(&bench.path("first"), &first.archives, POLICY);
        assert!(matches!(opened, Err(Unusable::Damaged)), "round {round}: {opened:?}");
    }
    assert_eq!(pack_again(&bench, &first, &whole).reused_bytes, 0);
}

#[test]
fn the_index_of_another_archive_or_another_way_is_not_used() {
    let (bench, first) = copied();
    bench.file("new.txt", "new");
    let other = pack_from(&bench, "other", None, &|_| {});
    assert!(matches!(Base::open(&bench.path("first"), &first.archives, "other"), Err(Unusable::Policy(_))));
    fs::copy(bench.path("other").join(index_name(NAME)), index(&bench)).unwrap();
    let opened = Base::open(&bench.path("first"), &first.archives, POLICY);
    assert!(matches!(opened, Err(Unusable::Elsewhere)), "{opened:?}");
    fs::remove_file(index(&bench)).unwrap();
    let opened = Base::open(&bench.path("first"), &first.archives, POLICY);
    assert!(matches!(opened, Err(Unusable::None)), "{opened:?}");
    drop(other);
}

/// The earlier archive had every piece of a large file, one of which is damaged now: the file is opened after all.
#[test]
fn a_damaged_piece_of_a_large_file_is_read_again_and_its_absence_told() {
    let (bench, first) = copied();
    let whole = unpacked(&bench, "first", &first);
    let (_, members) = read_index(&bench.path("first"), &first.archives).unwrap();
    let piece = members.iter().rev().find(|member| member.length > 1 << 20).unwrap();
    let mut bytes = fs::read(archive(&bench)).unwrap();
    bytes[piece.offset as usize + 1000] ^= 1;
    fs::write(archive(&bench), bytes).unwrap();
    pack_again(&bench, &first, &whole);
}

/// What is missing from the archive must not come to be there unseen, nor be forgotten.
#[test]
fn a_group_with_a_file_that_could_not_be_read_is_read_again() {
    let bench = Bench::new();
    bench.file("a.txt", "readable");
    let fifo = bench.root().join("b");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let first = pack_from(&bench, "first", None, &|_| {});
    assert_eq!(codes(&first.warnings).len(), 1);
    let second = pack_from(&bench, "second", Some(("first", &first)), &|_| {});
    assert_eq!(first.warnings, second.warnings);
}
