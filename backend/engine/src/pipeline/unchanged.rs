//! What destinations hold of a copy before it is sent: the ranges of its archives that an earlier copy has as well.

use super::earlier::TRIED;
use super::local::local_copies;
use super::upload::Sealed;
use crate::archive::ArchiveFile;
use crate::archive::reuse::{EqualRange, Head, Member, Unusable, equal_ranges, index_name, read_index};
use crate::storage::{Earlier, ErrorKind, Result, Storage};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// Of each archive of a copy (its parts in one), what earlier copies share with it, the newest first; nothing of one that was made anew. From the indexes of the local copies:
/// what is at a destination may differ, and the destination's driver makes sure of it.
#[derive(Debug, Default)]
pub(super) struct Unchanged(Vec<Vec<Shared>>);

/// What one earlier archive shares with the copy's.
#[derive(Debug)]
struct Shared {
    /// `<folder>/<timestamp>` of the earlier copy.
    copy_path: String,
    earlier: Vec<ArchiveFile>,
    new: Vec<ArchiveFile>,
    ranges: Vec<EqualRange>,
}

impl Unchanged {
    /// From the copies that this server has of the Set. What cannot be read leaves more to be sent. Blocks.
    pub fn find(archive_dir: &Path, folder: &str, copy: &Sealed) -> Unchanged {
        let mut copies = match local_copies(archive_dir, folder) {
            Ok(copies) => copies,
            Err(error) => {
                tracing::warn!(set.folder = folder, %error, "earlier copies cannot be read; everything is sent");
                return Unchanged::default();
            }
        };
        copies.retain(|other| other.copy_path != copy.copy_path);
        copies.reverse();
        let archives = by_index(&copy.archives).into_iter().map(|(index, new)| {
            let Some((head, members)) = index_of(&copy.dir, &copy.copy_path, &new) else { return Vec::new() };
            // Who wants everything anew, or has it by turns, wants no index to be believed.
            if head.generation == 0 {
                return Vec::new();
            }
            let holding = copies.iter().filter_map(|earlier| {
                let archives = by_index(&earlier.manifest.archives).remove(&index)?;
                Some((earlier, archives))
            });
            let shared = holding.take(TRIED).filter_map(|(other, earlier)| {
                let (_, theirs) = index_of(&other.dir, &other.copy_path, &earlier)?;
                let ranges = equal_ranges(&theirs, &members);
                let (copy_path, new) = (other.copy_path.clone(), new.clone());
                (!ranges.is_empty()).then_some(Shared { copy_path, earlier, new, ranges })
            });
            shared.collect()
        });
        Unchanged(archives.collect())
    }

    /// What this destination may make each archive of, by its name: from the newest earlier copy that it has with the sizes that the local
    /// manifest tells. A destination that does not answer is not asked a second time: without an answer everything is sent.
    pub async fn at(&self, storage: &dyn Storage) -> HashMap<String, Vec<Earlier>> {
        let mut all = HashMap::new();
        for archive in &self.0 {
            for shared in archive {
                match shared.is_at(storage).await {
                    Ok(true) => {
                        all.extend(shared.by_part());
                        break;
                    }
                    Ok(false) => {}
                    Err(error) => {
                        tracing::debug!(copy = shared.copy_path, %error, "whether an earlier copy is there is not to be had");
                        return all;
                    }
                }
            }
        }
        all
    }
}

impl Shared {
    fn key(&self, part: &ArchiveFile) -> String {
        format!("{}/{}", self.copy_path, part.name)
    }

    async fn is_at(&self, storage: &dyn Storage) -> Result<bool> {
        for part in &self.earlier {
            match storage.stat(&self.key(part)).await {
                Ok(entry) if entry.size_bytes == part.size_bytes => {}
                Err(error) if error.kind != ErrorKind::NotFound => return Err(error),
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The ranges of each new part, cut where parts end on either side.
    fn by_part(&self) -> HashMap<String, Vec<Earlier>> {
        let (new, earlier) = (Parts::of(&self.new), Parts::of(&self.earlier));
        let keys: Vec<Arc<str>> = self.earlier.iter().map(|part| self.key(part).into()).collect();
        let mut all: HashMap<String, Vec<Earlier>> = HashMap::new();
        for EqualRange { mut at, mut from, mut length } in self.ranges.iter().copied() {
            while length > 0 {
                let (Some((part, inside, left)), Some((source, source_inside, source_left))) =
                    (new.find(at), earlier.find(from))
                else {
                    break;
                };
                let here = length.min(left).min(source_left);
                let key = Arc::clone(&keys[source]);
                let range = Earlier { at: inside, length: here, key, from: source_inside };
                all.entry(self.new[part].name.clone()).or_default().push(range);
                (at, from, length) = (at + here, from + here, length - here);
            }
        }
        all
    }
}

/// Where the parts of an archive end, joined.
struct Parts(Vec<u64>);

impl Parts {
    fn of(parts: &[ArchiveFile]) -> Parts {
        let mut end = 0;
        let ends = parts.iter().map(|part| {
            end += part.size_bytes;
            end
        });
        Parts(ends.collect())
    }

    /// The part that holds this byte of the whole, where in it, and how many bytes of it follow from there on.
    fn find(&self, at: u64) -> Option<(usize, u64, u64)> {
        let part = self.0.partition_point(|end| *end <= at);
        let end = *self.0.get(part)?;
        let start = if part == 0 { 0 } else { self.0[part - 1] };
        Some((part, at - start, end - at))
    }
}

/// The parts of each archive, in their order, by the name of its index.
fn by_index(archives: &[ArchiveFile]) -> BTreeMap<String, Vec<ArchiveFile>> {
    let mut all: BTreeMap<String, Vec<ArchiveFile>> = BTreeMap::new();
    for archive in archives {
        all.entry(index_name(&archive.name)).or_default().push(archive.clone());
    }
    all
}

fn index_of(dir: &Path, copy: &str, archives: &[ArchiveFile]) -> Option<(Head, Vec<Member>)> {
    match read_index(dir, archives) {
        Ok(index) => return Some(index),
        Err(Unusable::None) => tracing::debug!(copy, "an archive without an index"),
        Err(why) => tracing::warn!(copy, %why, "the index of an archive cannot be used"),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sizes: &[u64]) -> Vec<ArchiveFile> {
        let part = |(n, size_bytes): (usize, &u64)| ArchiveFile {
            name: format!("files/files.tgz.{:03}", n + 1),
            size_bytes: *size_bytes,
            sha256: String::new(),
        };
        sizes.iter().enumerate().map(part).collect()
    }

    #[test]
    fn ranges_are_cut_where_a_part_ends_on_either_side() {
        let range = |at, from, length| EqualRange { at, from, length };
        let shared = Shared {
            copy_path: "set/20261126_023000".into(),
            earlier: parts(&[100, 100, 30]),
            new: parts(&[120, 50]),
            ranges: vec![range(0, 10, 110), range(115, 125, 45), range(160, 220, 10)],
        };
        let mut found = shared.by_part();
        let mut of = |part: &str| {
            let ranges = found.remove(part).unwrap_or_default().into_iter();
            ranges.map(|e| (e.at, e.length, e.key[e.key.len() - 3..].to_owned(), e.from)).collect::<Vec<_>>()
        };
        let first = [(0, 90, "001", 10), (90, 20, "002", 0), (115, 5, "002", 25)];
        assert_eq!(
            of("files/files.tgz.001"),
            first.map(|(at, length, key, from)| (at, length, key.to_owned(), from))
        );
        let second = [(0, 40, "002", 30), (40, 10, "003", 20)];
        assert_eq!(
            of("files/files.tgz.002"),
            second.map(|(at, length, key, from)| (at, length, key.to_owned(), from))
        );
    }

    #[test]
    fn a_range_beyond_the_parts_is_left_out() {
        let ranges = vec![EqualRange { at: 5, from: 8, length: 10 }];
        let shared = Shared { copy_path: "set/x".into(), earlier: parts(&[10]), new: parts(&[20]), ranges };
        let found = shared.by_part().remove("files/files.tgz.001").unwrap();
        assert_eq!(found.iter().map(|e| (e.at, e.length, e.from)).collect::<Vec<_>>(), [(5, 2, 8)]);
    }
}
