//! The file or numbered parts that an archive is written to.

use super::ArchiveFile;
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Writes one archive below a copy's folder, cut into parts.
///
/// An archive of at most `part_size` bytes is one file under its own name (`files/files.tgz`). When it grows beyond, that
/// file becomes `files/files.tgz.001` and `.002` follows: every part but the last has exactly `part_size` bytes, and
/// `cat files.tgz.*` is the archive. Beyond 999 parts all numbers grow a digit, so that the shell's order stays right.
///
/// Files are made with mode 0600 (a dump holds customers' data), never overwritten, and are on the disk (`fsync`) when
/// [`PartWriter::finish`] returns. Errors name the file they happened to. What an abandoned writer has written stays: the
/// copy's folder is removed as a whole.
pub struct PartWriter {
    dir: PathBuf,
    name: String,
    part_size: u64,
    open: File,
    hash: Sha256,
    /// Bytes in the open part.
    filled: u64,
    done: Vec<Done>,
}

/// A part that is full and on the disk.
struct Done {
    size_bytes: u64,
    sha256: String,
}

impl PartWriter {
    /// Starts the archive `name` (relative, with `/`) below `dir`; makes the folders in between.
    ///
    /// # Errors
    /// When `part_size` is 0, or the file exists or cannot be made.
    pub fn create(dir: &Path, name: &str, part_size: u64) -> io::Result<PartWriter> {
        if part_size == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the part size must be at least 1 byte"));
        }
        if let Some(parent) = dir.join(name).parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)
                .map_err(|e| at("cannot make the folder", parent, e))?;
        }
        let open = create(&dir.join(name))?;
        Ok(PartWriter {
            dir: dir.to_owned(),
            name: name.to_owned(),
            part_size,
            open,
            hash: Sha256::new(),
            filled: 0,
            done: Vec::new(),
        })
    }

    /// Every write fails as on a disk that is full.
    #[cfg(test)]
    pub(super) fn onto_full_disk() -> PartWriter {
        PartWriter {
            dir: "/full".into(),
            name: "db.sql.gz".into(),
            part_size: u64::MAX,
            open: OpenOptions::new().write(true).open("/dev/full").unwrap(),
            hash: Sha256::new(),
            filled: 0,
            done: Vec::new(),
        }
    }

    /// Where the part with this index (from 0) lies when there are `count` parts so far.
    fn path(&self, index: usize, count: usize) -> PathBuf {
        self.dir.join(part_name(&self.name, index, count))
    }

    fn open_path(&self) -> PathBuf {
        self.path(self.done.len(), self.done.len() + 1)
    }

    /// Flushes the open part to the disk and accounts for it.
    fn close_part(&mut self) -> io::Result<()> {
        self.open.sync_all().map_err(|e| at("cannot write", &self.open_path(), e))?;
        let sha256 = hex::encode(self.hash.finalize_reset());
        self.done.push(Done { size_bytes: self.filled, sha256 });
        self.filled = 0;
        Ok(())
    }

    fn next_part(&mut self) -> io::Result<()> {
        self.close_part()?;
        let before = self.done.len();
        for index in 0..before {
            let (from, to) = (self.path(index, before), self.path(index, before + 1));
            if from == to {
                break;
            }
            fs::rename(&from, &to).map_err(|e| at("cannot rename to", &to, e))?;
        }
        self.open = create(&self.path(before, before + 1))?;
        Ok(())
    }

    /// Flushes everything to the disk and returns the parts in order.
    pub fn finish(mut self) -> io::Result<Vec<ArchiveFile>> {
        self.close_part()?;
        let count = self.done.len();
        if let Some(parent) = self.dir.join(&self.name).parent() {
            File::open(parent)
                .and_then(|dir| dir.sync_all())
                .map_err(|e| at("cannot flush the folder", parent, e))?;
        }
        let name = |index| part_name(&self.name, index, count);
        let files = self.done.into_iter().enumerate().map(|(index, part)| ArchiveFile {
            name: name(index),
            size_bytes: part.size_bytes,
            sha256: part.sha256,
        });
        Ok(files.collect())
    }
}

impl Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.filled == self.part_size {
            self.next_part()?;
        }
        let room = usize::try_from(self.part_size - self.filled).unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(room)];
        self.open.write_all(bytes).map_err(|e| at("cannot write", &self.open_path(), e))?;
        self.hash.update(bytes);
        self.filled += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open.flush()
    }
}

/// The name of a part, its index counted from 0; a single part carries no number.
fn part_name(name: &str, index: usize, count: usize) -> String {
    if count == 1 {
        return name.to_owned();
    }
    let digits = count.to_string().len().max(3);
    format!("{name}.{:0digits$}", index + 1)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| at("cannot create", path, e))
}

/// Keeps the kind and says where it happened and, where it is clear, what to do.
fn at(what: &str, path: &Path, error: io::Error) -> io::Error {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ": there is no space left; free some, or move the archive directory to a larger disk"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ": make the archive directory writable for the user that the server runs as"
        }
        _ => "",
    };
    io::Error::new(error.kind(), format!("{what} {}{remedy} ({error})", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
