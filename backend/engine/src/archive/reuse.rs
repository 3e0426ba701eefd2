//! Reuse between passes: what the archive of an earlier pass holds already is copied from it instead of being made again.
//!
//! An archive is a row of members (see [`super::gzip`]), each made by one job. Beside it lies an index, `files/files.index`, that says of every
//! member what it was made from (a fingerprint of paths and metadata), what was in it, and what it came to. The next pass copies a member
//! whose fingerprint is its own; failing that, one whose content turns out to be the same. Every copied member is checked against its
//! hash, so that damage is made anew instead of being passed on.
//!
//! The archive that results is complete and knows nothing of the earlier one. The index is a local affair: nothing reads it but later
//! passes, no manifest names it, and without it, or with one that is damaged or of another policy, everything is made anew.

mod equal;

use super::ArchiveFile;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use equal::{EqualRange, equal_ranges};

/// BLAKE3: shoppers upload files, so that nobody may be able to make two contents with one hash.
pub type Hash = [u8; 32];

/// What a member was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Stands for none in an index.
    const NONE: [u8; 16] = [0; 16];

    pub fn of(hasher: &blake3::Hasher) -> Fingerprint {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Fingerprint(bytes)
    }

    /// Of the piece of a file that begins at `offset`.
    pub fn at(self, offset: u64) -> Fingerprint {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0).update(&offset.to_le_bytes());
        Fingerprint::of(&hasher)
    }
}

/// What one job came to: gzip members that stand in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// None when it has to be read to be known.
    pub fingerprint: Option<Fingerprint>,
    /// Of its bytes before compression.
    pub content: Hash,
    /// Of its bytes in the archive.
    pub check: Hash,
    /// Where it begins in the archive, its parts joined.
    pub offset: u64,
    /// Bytes in the archive.
    pub length: u64,
}

/// Where the index of an archive lies, given the archive's name or that of one of its parts: `files/files.index`, outside of `files.tgz*`.
pub fn index_name(archive: &str) -> String {
    let stem = archive.find(".tgz").or_else(|| archive.find(".sql.gz")).unwrap_or(archive.len());
    format!("{}.index", &archive[..stem])
}

const MAGIC: &[u8; 8] = b"skindex1";
const RECORD: usize = 16 + 32 + 32 + 8;
/// A larger one is not ours: it would stand for some five million members.
const MAX_BYTES: u64 = 512 << 20;

/// What an index says besides its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How members are cut and compressed. Those of another policy are not comparable.
    pub policy: String,
    /// How many passes in a row have copied from the one before; 0 for one that was made anew.
    pub generation: u32,
    /// When the pass began, in milliseconds since 1970.
    pub started_ms: i64,
    /// The archive that it is the index of.
    pub archives: Vec<ArchiveFile>,
}

impl Head {
    /// Of an archive that was made just now.
    pub fn after(
        base: Option<&Base>,
        policy: &str,
        started_at: DateTime<Utc>,
        archives: &[ArchiveFile],
    ) -> Head {
        Head {
            policy: policy.into(),
            generation: base.map_or(0, |base| base.head.generation.saturating_add(1)),
            started_ms: started_at.timestamp_millis(),
            archives: archives.to_vec(),
        }
    }
}

/// Why nothing can be copied.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("there is none")]
    None,
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("it is damaged")]
    Damaged,
    #[error("it is of another archive, or the archive is not as it was made")]
    Elsewhere,
    #[error("it was made in another way ({0})")]
    Policy(String),
}

/// Writes the index of an archive into the copy's folder. The members follow each other without a gap.
pub fn write_index(dir: &Path, name: &str, head: &Head, members: &[Member]) -> io::Result<()> {
    let json = serde_json::to_vec(head).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(MAGIC.len() + 12 + json.len() + members.len() * RECORD + 32);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&u32::try_from(json.len()).map_err(io::Error::other)?.to_le_bytes());
    bytes.extend_from_slice(&json);
    for member in members {
        bytes.extend_from_slice(&member.fingerprint.map_or(Fingerprint::NONE, |f| f.0));
        bytes.extend_from_slice(&member.content);
        bytes.extend_from_slice(&member.check);
        bytes.extend_from_slice(&member.length.to_le_bytes());
    }
    let hash = blake3::hash(&bytes);
    bytes.extend_from_slice(hash.as_bytes());
    let path = dir.join(index_name(name));
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(&bytes)
}

/// The index of an archive in this folder of a copy, which has to be the index of these very `archives`.
pub fn read_index(dir: &Path, archives: &[ArchiveFile]) -> Result<(Head, Vec<Member>), Unusable> {
    let first = archives.first().ok_or(Unusable::None)?;
    let file = match File::open(dir.join(index_name(&first.name))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unusable::None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unusable::Damaged);
    }
    parse(&bytes, archives).ok_or(Unusable::Damaged)?
}

/// None for what [`write_index`] does not write.
fn parse(bytes: &[u8], archives: &[ArchiveFile]) -> Option<Result<(Head, Vec<Member>), Unusable>> {
    let (body, hash) = bytes.split_last_chunk::<32>()?;
    if blake3::hash(body).as_bytes() != hash {
        return None;
    }
    let rest = body.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (json, records) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let head: Head = serde_json::from_slice(json).ok()?;
    if head.archives != archives {
        return Some(Err(Unusable::Elsewhere));
    }
    let mut members = Vec::with_capacity(records.len() / RECORD);
    let mut offset = 0u64;
    for record in records.chunks(RECORD) {
        let (fingerprint, record) = record.split_first_chunk::<16>()?;
        let (content, record) = record.split_first_chunk::<32>()?;
        let (check, record) = record.split_first_chunk::<32>()?;
        let length = u64::from_le_bytes(*record.first_chunk::<8>()?);
        let fingerprint = (*fingerprint != Fingerprint::NONE).then_some(Fingerprint(*fingerprint));
        members.push(Member { fingerprint, content: *content, check: *check, offset, length });
        offset = offset.checked_add(length)?;
    }
    (offset == archives.iter().map(|a| a.size_bytes).sum::<u64>()).then_some(Ok((head, members)))
}

/// What the archives of a pass may copy from, and what their indexes say of the pass.
#[derive(Debug, Clone)]
pub struct Reuse {
    pub started_at: DateTime<Utc>,
    /// By name: `db/db.sql.gz`.
    pub bases: HashMap<String, Arc<Base>>,
}

/// A part of an earlier archive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub file: &'a File,
    /// Where it begins in the archive.
    pub starts: u64,
    pub archive: &'a ArchiveFile,
}

/// An earlier archive that members are copied from. Held open, so that its deletion meanwhile does no harm.
#[derive(Debug)]
pub struct Base {
    dir: PathBuf,
    head: Head,
    members: Vec<Member>,
    /// Places in `members`, by fingerprint and by content.
    by_fingerprint: Vec<u32>,
    by_content: Vec<u32>,
    /// The parts with their places in the archive.
    parts: Vec<(File, u64, u64)>,
    trusts_metadata: bool,
    damaged: AtomicU64,
}

impl Base {
    /// The archive of the copy in `dir` whose parts its manifest names.
    ///
    /// # Errors
    /// When there is no index of just these archives and this policy, or a part is missing or has another size.
    pub fn open(dir: &Path, archives: &[ArchiveFile], policy: &str) -> Result<Base, Unusable> {
        let (head, members) = read_index(dir, archives)?;
        if head.policy != policy {
            return Err(Unusable::Policy(head.policy));
        }
        let mut parts = Vec::with_capacity(archives.len());
        let mut offset = 0;
        for archive in archives {
            let file = File::open(dir.join(&archive.name))?;
            if file.metadata()?.len() != archive.size_bytes {
                return Err(Unusable::Elsewhere);
            }
            parts.push((file, offset, archive.size_bytes));
            offset += archive.size_bytes;
        }
        let sorted = |key: &dyn Fn(&Member) -> Option<Hash>| {
            let mut places: Vec<(Hash, u32)> =
                (0u32..).zip(&members).filter_map(|(at, member)| Some((key(member)?, at))).collect();
            places.sort_unstable();
            places.into_iter().map(|(_, at)| at).collect::<Vec<u32>>()
        };
        let widened = |f: Fingerprint| {
            let mut hash = [0; 32];
            hash[..16].copy_from_slice(&f.0);
            hash
        };
        let by_fingerprint = sorted(&|member| member.fingerprint.map(widened));
        let by_content = sorted(&|member| Some(member.content));
        Ok(Base {
            dir: dir.to_owned(),
            head,
            members,
            by_fingerprint,
            by_content,
            parts,
            trusts_metadata: true,
            damaged: AtomicU64::new(0),
        })
    }

    /// Everything is read again, and compared by its content: for a clock that went back, and file systems whose times say little.
    #[must_use]
    pub fn by_content_alone(self) -> Base {
        Base { trusts_metadata: false, ..self }
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The part with this index, from 0. Its cursor is the writer's; members are read without it.
    pub(super) fn part(&self, index: usize) -> Option<Part<'_>> {
        let (file, starts, _) = self.parts.get(index)?;
        Some(Part { file, starts: *starts, archive: self.head.archives.get(index)? })
    }

    /// What there is to say of members that were not as they had been written.
    pub fn damage(&self) -> Option<String> {
        let damaged = self.damaged.load(Ordering::Relaxed);
        let name = self.head.archives.first().map(|archive| archive.name.as_str()).unwrap_or_default();
        (damaged > 0).then(|| {
            format!(
                "The archive {name} of the copy {} is damaged (pieces that are not what was written: {damaged}). This copy has them anew from the store. Do not rely on the damaged one, and have the disk checked.",
                self.dir.display()
            )
        })
    }

    /// The member that was made from the same.
    pub fn known(&self, fingerprint: Fingerprint) -> Option<&Member> {
        let of = |at: &u32| self.members[*at as usize].fingerprint;
        let at = self.by_fingerprint.binary_search_by(|at| of(at).cmp(&Some(fingerprint))).ok()?;
        self.trusts_metadata.then(|| &self.members[self.by_fingerprint[at] as usize])
    }

    /// The member that holds the same.
    pub fn same(&self, content: &Hash) -> Option<&Member> {
        let at =
            self.by_content.binary_search_by(|at| self.members[*at as usize].content.cmp(content)).ok()?;
        Some(&self.members[self.by_content[at] as usize])
    }

    /// Reads a member into the beginning of the buffer, which may be longer. False when it is not what was written.
    pub fn read(&self, member: &Member, to: &mut Vec<u8>) -> bool {
        let good =
            self.read_bytes(member, to).is_ok_and(|bytes| *blake3::hash(bytes).as_bytes() == member.check);
        if !good {
            self.damaged.fetch_add(1, Ordering::Relaxed);
        }
        good
    }

    fn read_bytes<'a>(&self, member: &Member, to: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        let length = usize::try_from(member.length).map_err(io::Error::other)?;
        if to.len() < length {
            to.resize(length, 0);
        }
        let mut done = 0;
        let first = self.parts.partition_point(|(_, start, size)| start + size <= member.offset);
        for (file, start, size) in &self.parts[first..] {
            if done == length {
                break;
            }
            let at = member.offset + done as u64 - start;
            let here = (length - done).min(usize::try_from(size - at).unwrap_or(usize::MAX));
            file.read_exact_at(&mut to[done..done + here], at)?;
            done += here;
        }
        match done == length {
            true => Ok(&to[..length]),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
