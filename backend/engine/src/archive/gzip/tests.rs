use super::*;
use flate2::read::MultiGzDecoder;
use proptest::prelude::*;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

fn options(workers: usize) -> GzipOptions {
    GzipOptions { level: 5, workers, queue: 1, cancel: CancellationToken::new(), base: None }
}

fn open(dir: &Path, part_size: u64, workers: usize) -> GzipWriter {
    GzipWriter::new(PartWriter::create(dir, "db.sql.gz", part_size).unwrap(), options(workers)).unwrap()
}

fn read_back(dir: &Path, files: &[ArchiveFile]) -> Vec<u8> {
    let joined: Vec<u8> =
        files.iter().flat_map(|file| std::fs::read(dir.join(&file.name)).unwrap()).collect();
    let mut plain = Vec::new();
    MultiGzDecoder::new(joined.as_slice()).read_to_end(&mut plain).unwrap();
    plain
}

/// Neither all alike nor incompressible.
fn sample(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect()
}

#[test]
fn gunzip_gives_back_what_was_written_in_pieces_of_any_size() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = sample(5 * BLOCK_BYTES + 17);
    let mut writer = open(dir.path(), u64::MAX, 3);
    let counters = writer.counters();
    for piece in bytes.chunks(77_777) {
        writer.write_all(piece).unwrap();
    }
    let files = writer.finish().unwrap().archives;
    let path = dir.path().join("db.sql.gz");
    assert!(Command::new("gzip").arg("-t").arg(&path).status().unwrap().success());
    let plain = Command::new("gunzip").arg("-c").arg(&path).output().unwrap();
    assert!(plain.status.success() && plain.stdout == bytes, "gunzip gives other bytes");
    assert!(read_back(dir.path(), &files) == bytes, "flate2 gives other bytes");
    assert_eq!(counters.bytes_in(), bytes.len() as u64);
    assert_eq!(counters.bytes_out(), files.iter().map(|f| f.size_bytes).sum::<u64>());
}

#[test]
fn an_archive_of_nothing_is_a_valid_empty_gzip_file() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path(), u64::MAX, 1).finish().unwrap().archives;
    assert!(files[0].size_bytes > 0);
    let plain = Command::new("gunzip").arg("-c").arg(dir.path().join("db.sql.gz")).output().unwrap();
    assert!(plain.status.success() && plain.stdout.is_empty());
}

#[test]
fn members_keep_the_order_of_submission_whatever_they_take() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), 500, 4);
    let mut expected = Vec::new();
    for i in 0..60u8 {
        let bytes = sample(usize::from(i) * 100 + 1);
        expected.extend_from_slice(&bytes);
        let pause = Duration::from_millis(u64::from(i) * 7 % 5);
        writer
            .submit(move |block: &mut Block| {
                std::thread::sleep(pause);
                block.bytes.extend_from_slice(&bytes);
                Ok(())
            })
            .unwrap();
        writer.write_all(&[i]).unwrap();
        expected.push(i);
    }
    let files = writer.finish().unwrap().archives;
    assert!(files.len() > 1, "cut into parts");
    assert!(read_back(dir.path(), &files) == expected);
}

/// Submits until the writer refuses; panics if it never does.
fn refusal(writer: &mut GzipWriter) -> io::Error {
    (0..10_000)
        .find_map(|_| {
            writer
                .submit(|block: &mut Block| {
                    block.bytes.resize(1000, 7);
                    Ok(())
                })
                .err()
        })
        .expect("the writer went on after the error")
}

#[test]
fn a_jobs_error_surfaces_at_a_later_call_and_again_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), u64::MAX, 2);
    writer.submit(|_: &mut Block| Err(io::Error::new(io::ErrorKind::NotFound, "no such block"))).unwrap();
    let error = refusal(&mut writer);
    assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::NotFound, "no such block"));
    assert_eq!(writer.finish().unwrap_err().to_string(), "no such block");
}

#[test]
fn a_panic_on_a_worker_is_an_error_not_a_short_archive() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), u64::MAX, 2);
    writer.submit(|_: &mut Block| panic!("out of luck")).unwrap();
    let error = writer.finish().unwrap_err();
    assert!(error.to_string().contains("out of luck"), "{error}");
}

#[test]
fn cancelling_stops_the_writer_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(2);
    let cancel = options.cancel.clone();
    let parts = PartWriter::create(dir.path(), "db.sql.gz", u64::MAX).unwrap();
    let mut writer = GzipWriter::new(parts, options).unwrap();
    writer.write_all(&sample(BLOCK_BYTES * 2)).unwrap();
    cancel.cancel();
    assert!(is_cancelled(&refusal(&mut writer)));
    assert!(is_cancelled(&writer.finish().unwrap_err()));
}

#[test]
fn a_full_disk_ends_the_archive_with_its_path_and_kind() {
    let mut writer = GzipWriter::new(PartWriter::onto_full_disk(), options(2)).unwrap();
    let error = writer.write_all(&sample(100 * BLOCK_BYTES)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().contains("/full/db.sql.gz"), "{error}");
    assert_eq!(writer.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_slow_disk_holds_up_the_caller_instead_of_filling_memory() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), u64::MAX, 2);
    let (release, gate) = bounded::<()>(0);
    let gate = Arc::new(Mutex::new(gate));
    let submitted = Arc::new(AtomicU64::new(0));
    let (count, first) = (Arc::clone(&submitted), Arc::clone(&gate));
    let thread = std::thread::spawn(move || {
        writer
            .submit(move |_: &mut Block| {
                first.lock().unwrap().recv().unwrap();
                Ok(())
            })
            .unwrap();
        for _ in 0..100 {
            writer
                .submit(|block: &mut Block| {
                    block.bytes.resize(10, 1);
                    Ok(())
                })
                .unwrap();
            count.fetch_add(1, Ordering::SeqCst);
        }
        writer.finish().unwrap().archives
    });
    std::thread::sleep(Duration::from_millis(300));
    assert!(submitted.load(Ordering::SeqCst) < 10, "the queue in front of the first member is bounded");
    release.send(()).unwrap();
    let files = thread.join().unwrap();
    assert_eq!(read_back(dir.path(), &files).len(), 1000);
}

#[test]
fn dropping_an_unfinished_writer_waits_for_its_threads() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), u64::MAX, 2);
    writer.write_all(&sample(3 * BLOCK_BYTES)).unwrap();
    let shared = Arc::downgrade(&writer.shared);
    drop(writer);
    assert!(shared.upgrade().is_none(), "a thread still holds the writer's state");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_sequence_of_writes_comes_back(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5000), 0..20),
        workers in 1usize..4,
        part_size in 1u64..4000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = open(dir.path(), part_size, workers);
        for piece in &pieces {
            writer.write_all(piece).unwrap();
        }
        let files = writer.finish().unwrap().archives;
        prop_assert_eq!(read_back(dir.path(), &files), pieces.concat());
        prop_assert!(files[..files.len() - 1].iter().all(|f| f.size_bytes == part_size));
    }
}
