//! The file tree: walking it, and what is left out.

mod bounded;
mod exact;
mod excludes;
mod handles;
mod links;
mod measure;
mod tree;
mod walk;
mod warnings;

pub use excludes::{ExcludeError, Excludes};
pub(crate) use handles::{Handles, is_gone, open_file};
pub use links::{LinkOut, SHARED};
pub use measure::{Measured, Measures, measure};
pub use tree::{Dir, Inode, Kind, Meta, Node, NodeRef, Stamp, Tree};
pub use walk::{WalkError, WalkOptions, walk};
pub use warnings::Warnings;

/// What happens to symbolic links that leave the Magento root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// `pub/media` and `app/etc/env.php` are followed when they point out of the root; other links are kept.
    #[default]
    FollowShared,
    Keep,
}
