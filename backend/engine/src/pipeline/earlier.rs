//! The earlier copy that a pass may take from.

use super::local::{LocalCopy, local_copies};
use crate::archive::reuse::{Base, Reuse, Unusable};
use crate::archive::{dump, tree};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// How many copies are tried, the newest first: one may hold the other archive alone, or have lost its index.
pub(super) const TRIED: usize = 3;

/// What a pass of this Set that began at `started_at` may copy from: the newest archive of each name that has a usable index. `limit` says how
/// many passes in a row may do so. Blocks.
pub(super) fn find(archive_dir: &Path, folder: &str, started_at: DateTime<Utc>, limit: u32) -> Reuse {
    let mut reuse = Reuse { started_at, bases: HashMap::new() };
    if limit == 0 {
        return reuse;
    }
    let mut copies = match local_copies(archive_dir, folder) {
        Ok(copies) => copies,
        Err(error) => {
            tracing::warn!(set.folder = folder, %error, "earlier copies cannot be read; everything is made anew");
            return reuse;
        }
    };
    copies.reverse();
    let archives =
        copies.iter().flat_map(|copy| &copy.manifest.archives).map(|archive| archive.name.as_str());
    let dumps = archives.filter(|name| name.ends_with(".sql.gz")).map(|name| (name, dump::POLICY));
    let names: BTreeMap<&str, &str> = dumps.chain([(tree::NAME, tree::POLICY)]).collect();
    for (name, policy) in names {
        if let Some(base) = base(&copies, name, policy, started_at, limit) {
            reuse.bases.insert(name.to_owned(), base);
        }
    }
    reuse
}

/// The newest archive `name` of these copies, the newest of which comes first.
fn base(
    copies: &[LocalCopy],
    name: &str,
    policy: &str,
    started_at: DateTime<Utc>,
    limit: u32,
) -> Option<Arc<Base>> {
    // Parts are named `<name>.001`.
    let is_part =
        |part: &str| part.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let holding = copies.iter().filter_map(|copy| {
        let parts: Vec<_> =
            copy.manifest.archives.iter().filter(|archive| is_part(&archive.name)).cloned().collect();
        (!parts.is_empty()).then_some((copy, parts))
    });
    for (copy, parts) in holding.take(TRIED) {
        match Base::open(&copy.dir, &parts, policy) {
            Ok(base) if base.head().generation >= limit => {
                tracing::info!(copy = copy.copy_path, name, "it is time to make everything anew");
                return None;
            }
            // A clock that went back: times of changes may come a second time.
            Ok(base) if base.head().started_ms > started_at.timestamp_millis() => {
                return Some(Arc::new(base.by_content_alone()));
            }
            Ok(base) => return Some(Arc::new(base)),
            Err(Unusable::None) => {
                tracing::debug!(copy = copy.copy_path, name, "an archive without an index")
            }
            Err(why) => {
                tracing::warn!(copy = copy.copy_path, name, %why, "the index of an archive cannot be used");
            }
        }
    }
    None
}
