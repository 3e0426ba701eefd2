//! Storage Sets: the credentials of cloud destinations.

mod fields;
mod form;
mod grid;
mod guide;
mod link;
mod link_code;
mod page;
mod remove;
mod trial;

pub mod known;

pub use grid::StorageList;
pub use page::{EditStorage, NewStorage};

use crate::ui::lu;
use contract::StorageType;

/// The icon of a type, the same wherever a destination is named.
pub fn icon(kind: StorageType) -> icondata_core::Icon {
    match kind {
        StorageType::Local => lu::LuHardDrive,
        StorageType::GoogleDrive => lu::LuTriangle,
        StorageType::OneDrive => lu::LuCloud,
        StorageType::Dropbox => lu::LuPackageOpen,
        StorageType::AmazonS3 => lu::LuCylinder,
    }
}
