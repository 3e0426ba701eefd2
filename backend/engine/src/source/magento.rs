//! The Magento root and its `app/etc/env.php`.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where the store is, as the operator configured it.
#[derive(Debug, Clone)]
pub struct Source {
    /// The Magento root, links unresolved.
    pub root: PathBuf,
    /// `STOREKEEP_MAGENTO_DATABASE_URL`: overrides what `env.php` says.
    pub database_url: Option<String>,
    /// The environment that `getenv()`, `$_ENV`, `#env(..)` and Magento's override variables see.
    pub environment: BTreeMap<String, String>,
}
