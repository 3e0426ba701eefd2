use super::*;
use crate::archive::reuse::{self, Head};
use chrono::DateTime;
use proptest::prelude::*;
use rstest::rstest;
use std::os::unix::fs::PermissionsExt;

fn write(dir: &Path, part_size: u64, bytes: &[u8]) -> Vec<ArchiveFile> {
    let mut parts = PartWriter::create(dir, "files/files.tgz", part_size).unwrap();
    parts.write_all(bytes).unwrap();
    parts.finish().unwrap()
}

fn check(dir: &Path, files: &[ArchiveFile], bytes: &[u8]) {
    let mut joined = Vec::new();
    for file in files {
        let part = fs::read(dir.join(&file.name)).unwrap();
        assert_eq!(part.len() as u64, file.size_bytes);
        assert_eq!(hex::encode(Sha256::digest(&part)), file.sha256);
        joined.extend_from_slice(&part);
    }
    assert!(joined == bytes, "the parts do not join to what was written");
    let on_disk = fs::read_dir(dir.join("files")).unwrap().count();
    assert_eq!(on_disk, files.len(), "no file but the parts");
}

#[test]
fn what_fits_exactly_into_one_part_is_not_numbered_and_readable_by_the_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let files = write(dir.path(), 5, b"12345");
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].name, "files/files.tgz");
    check(dir.path(), &files, b"12345");
    let mode = fs::metadata(dir.path().join("files/files.tgz")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn one_byte_more_makes_numbered_parts() {
    let dir = tempfile::tempdir().unwrap();
    let files = write(dir.path(), 5, b"12345678901");
    let names: Vec<_> = files.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["files/files.tgz.001", "files/files.tgz.002", "files/files.tgz.003"]);
    check(dir.path(), &files, b"12345678901");
}

#[test]
fn more_than_999_parts_still_join_in_the_shells_order() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..1234u32).map(|i| i as u8).collect();
    let files = write(dir.path(), 1, &bytes);
    assert_eq!(files[0].name, "files/files.tgz.0001");
    check(dir.path(), &files, &bytes);
    let mut sorted = files.clone();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(sorted, files);
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 5, b"1");
    let error = PartWriter::create(dir.path(), "files/files.tgz", 5).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("files.tgz"));
}

#[test]
fn a_full_disk_is_told_with_the_path_and_the_remedy() {
    let error = PartWriter::onto_full_disk().write_all(b"1").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    let text = error.to_string();
    assert!(text.contains("/full/db.sql.gz") && text.contains("free some"), "{text}");
}

/// An earlier archive of these bytes.
fn earlier(dir: &Path, part_size: u64, bytes: &[u8]) -> Arc<Base> {
    let archives = write(dir, part_size, bytes);
    let head = Head::after(None, "policy", DateTime::UNIX_EPOCH, &archives);
    let hash = *blake3::hash(bytes).as_bytes();
    let member = reuse::Member {
        fingerprint: None,
        content: hash,
        check: hash,
        offset: 0,
        length: bytes.len() as u64,
    };
    reuse::write_index(dir, "files/files.tgz", &head, &[member]).unwrap();
    Arc::new(Base::open(dir, &archives, "policy").unwrap())
}

fn noise(length: usize) -> Vec<u8> {
    (0..length as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[rstest]
#[case(1000)]
#[case(333)]
#[case(10)]
fn what_is_kept_to_the_end_is_the_earlier_archive(#[case] part_size: u64) {
    let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bytes = noise(1000);
    let base = earlier(before.path(), part_size, &bytes);
    let mut parts = PartWriter::create(after.path(), "files/files.tgz", part_size).unwrap();
    for length in [1, 99, 0, 300, 600] {
        assert!(parts.keep(&base, length).unwrap());
    }
    assert!(!parts.keep(&base, 1).unwrap(), "there is no more");
    let files = parts.finish().unwrap();
    check(after.path(), &files, &bytes);
    assert_eq!(files, base.head().archives);
}

#[test]
fn only_the_beginning_of_an_archive_in_the_same_parts_is_kept() {
    let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bytes = noise(1000);
    let base = earlier(before.path(), 400, &bytes);
    let mut parts = PartWriter::create(after.path(), "files/files.tgz", 500).unwrap();
    assert!(!parts.keep(&base, 401).unwrap(), "the earlier part ends before");
    assert!(parts.keep(&base, 400).unwrap());
    parts.write_all(b"something else").unwrap();
    assert!(!parts.keep(&base, 1).unwrap(), "it differs already");
    let files = parts.finish().unwrap();
    check(after.path(), &files, &[&bytes[..400], b"something else"].concat());
}

proptest! {
    #[test]
    fn what_follows_what_was_kept_is_hashed_with_it(
        kept in proptest::collection::vec(0u64..300, 0..6),
        written in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..4),
        part_size in 1u64..700,
    ) {
        let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let bytes = noise(800);
        let base = earlier(before.path(), part_size, &bytes);
        let mut parts = PartWriter::create(after.path(), "files/files.tgz", part_size).unwrap();
        let mut expected = Vec::new();
        for length in kept {
            let end = expected.len() + length as usize;
            prop_assert_eq!(parts.keep(&base, length).unwrap(), end <= bytes.len());
            expected.extend_from_slice(bytes.get(expected.len()..end).unwrap_or_default());
        }
        for bytes in written {
            parts.write_all(&bytes).unwrap();
            expected.extend_from_slice(&bytes);
        }
        let files = parts.finish().unwrap();
        check(after.path(), &files, &expected);
    }
}

#[test]
fn a_disk_that_is_full_of_what_is_kept_is_told_like_any() {
    let before = tempfile::tempdir().unwrap();
    let base = earlier(before.path(), u64::MAX, &noise(1000));
    let mut parts = PartWriter::onto_full_disk();
    let error = parts.keep(&base, 900).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().contains("/full/db.sql.gz"), "{error}");
}
