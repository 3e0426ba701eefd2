//! What copies a destination has, for whoever keeps a list of them.

use super::sweep::survey;
use crate::archive::manifest::Manifest;
use crate::policy::retention::Nature;
use crate::storage::{Result, Storage};

/// A copy at a destination.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyThere {
    /// `<folder>/<timestamp>`
    pub copy_path: String,
    pub manifest: Manifest,
    /// Everything that was asked for is in it, and every archive is there with its size.
    pub complete: bool,
}

/// The finished copies below a Set's folder, as their manifests tell. Half-made and half-deleted ones are none.
///
/// # Errors
/// When the destination does not answer, or its list is not complete: nothing may be concluded then.
pub async fn copies_at(storage: &dyn Storage, folder: &str) -> Result<Vec<CopyThere>> {
    let found = survey(storage, folder).await?;
    let copy = |found: super::sweep::Found| {
        let manifest = found.manifest.filter(|_| !found.half_deleted)?;
        let complete = found.nature == Nature::Complete;
        Some(CopyThere { copy_path: format!("{folder}/{}", found.name), manifest, complete })
    };
    Ok(found.into_iter().filter_map(copy).collect())
}
