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

/// What is below a Set's folder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inventory {
    pub copies: Vec<CopyThere>,
    /// Copies whose manifest cannot be read.
    pub unknown: Vec<String>,
}

/// The finished copies below a Set's folder, as their manifests tell. Half-made and half-deleted ones are none.
///
/// # Errors
/// When the destination does not answer, or its list is not complete: nothing may be concluded then.
pub async fn copies_at(storage: &dyn Storage, folder: &str) -> Result<Inventory> {
    let mut inventory = Inventory::default();
    for found in survey(storage, folder).await? {
        let copy_path = format!("{folder}/{}", found.name);
        match found.manifest {
            Some(_) if found.half_deleted => {}
            Some(manifest) => {
                let complete = found.nature == Nature::Complete;
                inventory.copies.push(CopyThere { copy_path, manifest, complete });
            }
            None if found.unreadable.is_some() => inventory.unknown.push(copy_path),
            None => {}
        }
    }
    Ok(inventory)
}
