//! The file or numbered parts that an archive is written to.

use super::ArchiveFile;
use super::reuse::Base;
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes that are copied from an earlier part at once: whole blocks of any file system, which lets those that can do it share them
/// (reflinks) instead of copying, and few enough to be in memory still from being checked.
const WINDOW: u64 = if cfg!(test) { 64 } else { 32 << 20 };

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
    /// While all of them are those of an earlier archive's part.
    kept: Option<Kept>,
    done: Vec<Done>,
}

/// The open part has been the beginning of the same part of an earlier archive so far. Its bytes are not hashed: when it stays that way to
/// the end, its hash is that of the earlier part.
struct Kept {
    base: Arc<Base>,
    /// Of the bytes of the part, those that are in its file already.
    copied: u64,
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
            kept: None,
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
            kept: None,
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

    /// Appends `length` bytes of an earlier archive, which are to come at the very place where they stand there. The caller has checked them.
    /// False, and nothing is done, when this archive is not the beginning of that one or is cut into other parts.
    ///
    /// # Errors
    /// When the part cannot be written, or the earlier one cannot be read any more.
    pub(super) fn keep(&mut self, base: &Arc<Base>, length: u64) -> io::Result<bool> {
        if !self.can_keep(base, length) {
            return Ok(false);
        }
        let mut left = length;
        while left > 0 {
            if self.filled == self.part_size {
                self.next_part()?;
            }
            let here = left.min(self.part_size - self.filled);
            self.filled += here;
            left -= here;
            let kept = self.kept.get_or_insert_with(|| Kept { base: Arc::clone(base), copied: 0 });
            if self.filled - kept.copied >= WINDOW {
                self.copy_kept(self.filled - self.filled % WINDOW)?;
            }
        }
        Ok(true)
    }

    fn can_keep(&self, base: &Arc<Base>, length: u64) -> bool {
        let same = self.kept.as_ref().is_some_and(|kept| Arc::ptr_eq(&kept.base, base));
        let (mut index, mut filled, mut left) = (self.done.len(), self.filled, length);
        if !same && filled > 0 && filled < self.part_size {
            return false;
        }
        while left > 0 {
            if filled == self.part_size {
                (index, filled) = (index + 1, 0);
            }
            let here = left.min(self.part_size - filled);
            let starts = index as u64 * self.part_size;
            let there = base
                .part(index)
                .is_some_and(|part| part.starts == starts && filled + here <= part.archive.size_bytes);
            if !there {
                return false;
            }
            filled += here;
            left -= here;
        }
        true
    }

    /// Brings what is kept of the open part into its file, up to byte `end`.
    fn copy_kept(&mut self, end: u64) -> io::Result<()> {
        let index = self.done.len();
        if let Some(kept) = &mut self.kept
            && let Some(part) = kept.base.part(index)
        {
            let mut from = part.file;
            let length = end - kept.copied;
            from.seek(SeekFrom::Start(kept.copied))?;
            // Lets the system copy (copy_file_range), where it can.
            let copied = io::copy(&mut from.take(length), &mut self.open);
            kept.copied = end;
            let copied = copied.map_err(|e| at("cannot write", &self.open_path(), e))?;
            if copied != length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// The open part goes on otherwise than the earlier one: what it has so far is hashed.
    fn end_kept(&mut self) -> io::Result<()> {
        self.copy_kept(self.filled)?;
        let index = self.done.len();
        if let Some(kept) = self.kept.take()
            && let Some(part) = kept.base.part(index)
        {
            let mut from = part.file;
            from.seek(SeekFrom::Start(0))?;
            if io::copy(&mut from.take(self.filled), &mut self.hash)? != self.filled {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// The hash of the open part, which is whole.
    fn hash_of_part(&mut self) -> io::Result<String> {
        let part = self.kept.as_ref().and_then(|kept| kept.base.part(self.done.len()));
        let whole = part.map(|part| part.archive).filter(|archive| archive.size_bytes == self.filled);
        let Some(sha256) = whole.map(|archive| archive.sha256.clone()) else {
            self.end_kept()?;
            return Ok(hex::encode(self.hash.finalize_reset()));
        };
        self.copy_kept(self.filled)?;
        self.kept = None;
        Ok(sha256)
    }

    /// Flushes the open part to the disk and accounts for it.
    fn close_part(&mut self) -> io::Result<()> {
        let sha256 = self.hash_of_part()?;
        self.open.sync_all().map_err(|e| at("cannot write", &self.open_path(), e))?;
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
        self.end_kept()?;
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
mod tests;
