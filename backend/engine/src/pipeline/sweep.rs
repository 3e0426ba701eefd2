//! Retention at one destination: what is there, what goes, and how it goes.
//!
//! A copy is deleted in an order that survives being cut short: a tombstone with the manifest's content is written, the manifest goes,
//! then the archives that it names, then the tombstone. A half-deleted copy has no manifest, so it never looks complete; it has a
//! tombstone, so the next sweep knows that it is ours and finishes. Files that no manifest names are nobody's to delete.
//!
//! A manifest that is listed but cannot be read, for a reason of its own, says nothing: its copy stays, and counts for nothing. A destination
//! that answers nothing of use ends the sweep.

use crate::archive::manifest::{MAX_BYTES, Manifest};
use crate::archive::reuse;
use crate::policy::layout;
use crate::policy::retention::{self, Copy, Nature};
use crate::storage::{BytesBody, Entry, Error, ErrorKind, Result, Storage, read_small};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// Manifests that are read at once.
const READERS: usize = 8;

/// A folder with a timestamp for a name.
pub(super) struct Found {
    pub name: String,
    pub nature: Nature,
    /// Ours: what the manifest, or the tombstone, says.
    pub manifest: Option<Manifest>,
    /// A deletion that was cut short.
    pub half_deleted: bool,
    /// The indexes of its archives, which no manifest names.
    indexes: Vec<String>,
    /// Why nothing is known of it, although it has a manifest.
    pub unreadable: Option<String>,
}

/// What is below the Set's folder. Any doubt is an error: nothing may be deleted then.
pub(super) async fn survey(storage: &dyn Storage, folder: &str) -> Result<Vec<Found>> {
    let listing = storage.list(folder).await?;
    if !listing.complete {
        let text = "The list of the copies there was cut short, so none was deleted.";
        return Err(Error::new(ErrorKind::Unavailable, text));
    }
    let mut folders: BTreeMap<&str, Vec<(&str, &Entry)>> = BTreeMap::new();
    for entry in &listing.entries {
        let within = entry.key.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
        if let Some((name, file)) = within.and_then(|rest| rest.split_once('/'))
            && layout::parse_copy_name(name).is_some()
        {
            folders.entry(name).or_default().push((file, entry));
        }
    }
    // Boxed: without it the compiler cannot see that the whole may move between threads.
    let found: Vec<_> =
        folders.into_iter().map(|(name, files)| look(storage, folder, name, files).boxed()).collect();
    futures_util::stream::iter(found).buffered(READERS).try_collect().await
}

async fn look(storage: &dyn Storage, folder: &str, name: &str, files: Vec<(&str, &Entry)>) -> Result<Found> {
    let find = |wanted: &str| files.iter().find(|(file, _)| *file == wanted).map(|(_, entry)| *entry);
    let foreign = Found {
        name: name.into(),
        nature: Nature::Foreign,
        manifest: None,
        half_deleted: false,
        indexes: Vec::new(),
        unreadable: None,
    };
    let half_deleted = find(layout::MANIFEST).is_none();
    let Some(mark) = find(layout::MANIFEST).or_else(|| find(layout::TOMBSTONE)) else { return Ok(foreign) };
    if mark.size_bytes > MAX_BYTES as u64 {
        return Ok(foreign);
    }
    let json = match read_small(storage, &mark.key, MAX_BYTES).await {
        Ok(json) => json,
        Err(error) if is_of_this_object(&error) => {
            tracing::warn!(key = mark.key, %error, "a manifest cannot be read");
            return Ok(Found { unreadable: Some(error.message), ..foreign });
        }
        Err(error) => return Err(error),
    };
    let manifest = match Manifest::read(&json, folder, name) {
        Ok(manifest) => manifest,
        Err(reason) => {
            tracing::debug!(key = mark.key, %reason, "not a copy of this Set");
            return Ok(foreign);
        }
    };
    // A copy that somebody took an archive from restores nothing: it may not stand in for a good one.
    let intact =
        manifest.archives.iter().all(|a| find(&a.name).is_some_and(|e| e.size_bytes == a.size_bytes));
    let nature = if manifest.complete && intact { Nature::Complete } else { Nature::Partial };
    let mut indexes: Vec<String> = manifest.archives.iter().map(|a| reuse::index_name(&a.name)).collect();
    indexes.dedup();
    indexes.retain(|index| find(index).is_some());
    Ok(Found { nature, manifest: Some(manifest), half_deleted, indexes, ..foreign })
}

/// In an archive class, gone since it was listed, damaged: the destination and the other copies are as good as before.
fn is_of_this_object(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Unreadable | ErrorKind::NotFound | ErrorKind::Integrity)
}

/// What the row tells of copies that stay because nothing is known of them.
fn left_alone(found: &[Found]) -> Option<String> {
    let left: Vec<(&str, &str)> =
        found.iter().filter_map(|f| Some((f.name.as_str(), f.unreadable.as_deref()?))).collect();
    let left_as =
        |copies: String| format!("{copies} left as they are, since their manifests cannot be read.");
    match left[..] {
        [] => None,
        [(name, why)] => {
            Some(format!("The copy {name} was left as it is, since its manifest cannot be read. {why}"))
        }
        [(name, why), (other, _)] => {
            Some(format!("{} {why}", left_as(format!("The copies {name} and {other} were"))))
        }
        [(name, why), ref others @ ..] => {
            Some(format!("{} {why}", left_as(format!("The copy {name} and {} others were", others.len()))))
        }
    }
}

/// What a sweep came to.
#[derive(Debug, Default)]
pub(super) struct Swept {
    /// Names of copies that are gone.
    pub deleted: Vec<String>,
    /// Why it did not go to its end.
    pub problem: Option<String>,
}

/// Keeps `keep` copies besides those that retention spares anyway, and finishes deletions that were cut short.
///
/// Deletes nothing unless the copy just made is seen there, with its manifest: a list without it is not to be trusted.
pub(super) async fn sweep(
    storage: &dyn Storage,
    folder: &str,
    just_made: &str,
    keep: u32,
    cancel: &CancellationToken,
) -> Swept {
    let found = match survey(storage, folder).await {
        Ok(found) => found,
        Err(error) => return Swept { deleted: Vec::new(), problem: Some(error.message) },
    };
    let seen = found.iter().any(|f| f.name == just_made && f.manifest.is_some() && !f.half_deleted);
    if !seen {
        let text = match found.iter().find(|f| f.name == just_made).and_then(|f| f.unreadable.as_deref()) {
            Some(why) => format!(
                "The manifest of the new copy {just_made} cannot be read back, so none was deleted. {why}"
            ),
            None => format!(
                "The new copy {just_made} does not show in the list of copies there, so none was deleted."
            ),
        };
        return Swept { deleted: Vec::new(), problem: Some(text) };
    }
    let copies: Vec<Copy> = found.iter().filter(|f| !f.half_deleted).map(|f| copy(f, just_made)).collect();
    let verdicts = retention::sweep(&copies, keep);
    for verdict in &verdicts {
        tracing::debug!(copy = verdict.name, keep = verdict.keep, reason = ?verdict.reason, "retention");
    }
    let going = retention::to_delete(&verdicts);
    let unfinished = found.iter().filter(|f| f.half_deleted).map(|f| f.name.as_str());
    delete_copies(storage, folder, &found, unfinished.chain(going), cancel).await
}

fn copy(found: &Found, just_made: &str) -> Copy {
    Copy { name: found.name.clone(), nature: found.nature, just_made: found.name == just_made }
}

/// The local copies of a Set without a local row wait for their uploads only. Of earlier ones whose uploads failed, the newest complete one
/// and the newest partial one stay beside the copy just made; all that the copy just made outdoes go once it has `arrived` everywhere.
/// Copies from a time when the Set had a local row are not touched.
pub(super) async fn sweep_staging(
    storage: &dyn Storage,
    folder: &str,
    just_made: &str,
    arrived: bool,
    cancel: &CancellationToken,
) -> Swept {
    let found = match survey(storage, folder).await {
        Ok(found) => found,
        Err(error) => return Swept { deleted: Vec::new(), problem: Some(error.message) },
    };
    let is_staging = |f: &&Found| f.manifest.as_ref().is_some_and(|m| m.staging);
    let staging: Vec<Copy> =
        found.iter().filter(is_staging).filter(|f| !f.half_deleted).map(|f| copy(f, just_made)).collect();
    let complete = staging.iter().any(|c| c.just_made && c.nature == Nature::Complete);
    let verdicts = retention::sweep(&staging, 1);
    let going = verdicts.iter().zip(&staging).filter(|(verdict, copy)| {
        // Names are times: a newer one may be the only copy of its pass.
        let older = copy.name.as_str() < just_made;
        let outdone = copy.just_made || (older && (complete || copy.nature == Nature::Partial));
        !verdict.keep || (arrived && outdone)
    });
    let unfinished = found.iter().filter(|f| f.half_deleted).map(|f| f.name.as_str());
    let going: Vec<&str> = unfinished.chain(going.map(|(verdict, _)| verdict.name.as_str())).collect();
    delete_copies(storage, folder, &found, going.into_iter(), cancel).await
}

/// Deletes these copies; then tells of those that it knows nothing of.
async fn delete_copies(
    storage: &dyn Storage,
    folder: &str,
    found: &[Found],
    names: impl Iterator<Item = &str>,
    cancel: &CancellationToken,
) -> Swept {
    let mut swept = delete_each(storage, folder, found, names, cancel).await;
    if let Some(left) = left_alone(found) {
        swept.problem = Some(swept.problem.map_or(left.clone(), |problem| format!("{problem} {left}")));
    }
    swept
}

async fn delete_each(
    storage: &dyn Storage,
    folder: &str,
    found: &[Found],
    names: impl Iterator<Item = &str>,
    cancel: &CancellationToken,
) -> Swept {
    let mut swept = Swept::default();
    for name in names {
        let Some((found, manifest)) = found
            .iter()
            .find(|f| f.name == name)
            .and_then(|f| f.manifest.as_ref().map(|manifest| (f, manifest)))
        else {
            continue;
        };
        if cancel.is_cancelled() {
            swept.problem = Some("Removing older copies was cancelled.".into());
            return swept;
        }
        match delete_copy(storage, folder, manifest, found).await {
            Ok(()) => swept.deleted.push(name.into()),
            Err(error) => {
                let text = format!("The older copy {name} could not be removed: {}", error.message);
                swept.problem.get_or_insert(text);
                // A lock on one copy says nothing about the others; a destination that is away does.
                if error.kind != ErrorKind::PermissionDenied {
                    return swept;
                }
            }
        }
    }
    swept
}

/// Deletes one copy of ours, in the order that the module describes.
async fn delete_copy(storage: &dyn Storage, folder: &str, manifest: &Manifest, found: &Found) -> Result<()> {
    let dir = format!("{folder}/{}", manifest.copy);
    let key = |name: &str| format!("{dir}/{name}");
    if !found.half_deleted {
        let json = manifest.to_json().map_err(|e| Error::new(ErrorKind::Other, e.to_string()))?;
        match storage.put(&key(layout::TOMBSTONE), &BytesBody(json.into())).await {
            // On a disk without room deleting is what helps; a deletion that is cut short then leaves a remnant.
            Err(error) if error.kind != ErrorKind::QuotaExceeded => return Err(error),
            _ => storage.delete(&key(layout::MANIFEST)).await?,
        }
    }
    let archives = manifest.archives.iter().map(|archive| &archive.name);
    let keys: Vec<String> = archives.chain(&found.indexes).map(|name| key(name)).collect();
    storage.delete_all(&keys).await?;
    storage.delete(&key(layout::TOMBSTONE)).await?;
    let inner = manifest.archives.iter().filter_map(|a| a.name.rsplit_once('/').map(|(dir, _)| dir));
    for folder in inner.collect::<std::collections::BTreeSet<_>>() {
        storage.remove_empty_dir(&key(folder)).await?;
    }
    storage.remove_empty_dir(&dir).await
}
