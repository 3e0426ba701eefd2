//! The earlier copy that a pass may take from.

use super::local::{LocalCopy, local_copies};
use crate::archive::dump;
use crate::archive::reuse::{Base, Unusable};
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

/// How many copies are tried, the newest first: one may hold the other archive alone, or have lost its index.
const TRIED: usize = 3;

/// The finished copies of a Set, newest first. Blocks.
pub(super) fn copies(archive_dir: &Path, folder: &str) -> Vec<LocalCopy> {
    match local_copies(archive_dir, folder) {
        Ok(mut copies) => {
            copies.reverse();
            copies
        }
        Err(error) => {
            tracing::warn!(set.folder = folder, %error, "earlier copies cannot be read; everything is made anew");
            Vec::new()
        }
    }
}

/// The newest dumps that can be copied from, by name. Blocks.
pub(super) fn dumps(
    copies: &[LocalCopy],
    started_at: DateTime<Utc>,
    limit: u32,
) -> HashMap<String, Arc<Base>> {
    let names: BTreeSet<&str> = copies
        .iter()
        .flat_map(|copy| &copy.manifest.archives)
        .map(|archive| archive.name.as_str())
        .filter(|name| name.ends_with(".sql.gz"))
        .collect();
    let base = |name: &str| Some((name.to_owned(), base(copies, name, dump::POLICY, started_at, limit)?));
    names.into_iter().filter_map(base).collect()
}

/// The newest archive `name` of these copies that can be copied from. `limit` says how many passes in a row may do so. Blocks.
pub(super) fn base(
    copies: &[LocalCopy],
    name: &str,
    policy: &str,
    started_at: DateTime<Utc>,
    limit: u32,
) -> Option<Arc<Base>> {
    if limit == 0 {
        return None;
    }
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
