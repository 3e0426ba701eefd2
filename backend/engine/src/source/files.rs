//! The file tree: walking it, and what is left out.

/// What happens to symbolic links that leave the Magento root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// `pub/media` and `app/etc/env.php` are followed when they point out of the root; other links are kept.
    #[default]
    FollowShared,
    Keep,
}
