//! What may be done: the resources of the product and how they nest.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// One permission. A nested resource only counts together with its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    Config,
    Backups,
    BackupsSave,
    BackupsDelete,
    BackupsRun,
    Storages,
    StoragesSave,
    StoragesDelete,
    Logs,
    Archives,
    Users,
}

impl Resource {
    pub const ALL: [Resource; 11] = [
        Resource::Config,
        Resource::Backups,
        Resource::BackupsSave,
        Resource::BackupsDelete,
        Resource::BackupsRun,
        Resource::Storages,
        Resource::StoragesSave,
        Resource::StoragesDelete,
        Resource::Logs,
        Resource::Archives,
        Resource::Users,
    ];

    /// The name on the wire and in a token's `scope`.
    pub const fn name(self) -> &'static str {
        match self {
            Resource::Config => "config",
            Resource::Backups => "backups",
            Resource::BackupsSave => "backups_save",
            Resource::BackupsDelete => "backups_delete",
            Resource::BackupsRun => "backups_run",
            Resource::Storages => "storages",
            Resource::StoragesSave => "storages_save",
            Resource::StoragesDelete => "storages_delete",
            Resource::Logs => "logs",
            Resource::Archives => "archives",
            Resource::Users => "users",
        }
    }

    pub const fn parent(self) -> Option<Resource> {
        match self {
            Resource::BackupsSave | Resource::BackupsDelete | Resource::BackupsRun => Some(Resource::Backups),
            Resource::StoragesSave | Resource::StoragesDelete => Some(Resource::Storages),
            _ => None,
        }
    }

    pub fn from_name(name: &str) -> Option<Resource> {
        Resource::ALL.into_iter().find(|r| r.name() == name)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The resources somebody holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(BTreeSet<Resource>);

impl Grants {
    pub fn all() -> Self {
        Resource::ALL.into_iter().collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = Resource> + '_ {
        self.0.iter().copied()
    }

    /// The first resource on the way from the root to `resource` that is not held; `None` when all are.
    pub fn missing(&self, resource: Resource) -> Option<Resource> {
        if let Some(parent) = resource.parent()
            && let Some(missing) = self.missing(parent)
        {
            return Some(missing);
        }
        (!self.0.contains(&resource)).then_some(resource)
    }

    pub fn allows(&self, resource: Resource) -> bool {
        self.missing(resource).is_none()
    }

    /// Space-separated names, as in a token's `scope`.
    pub fn to_scope(&self) -> String {
        self.iter().map(Resource::name).collect::<Vec<_>>().join(" ")
    }

    /// Unknown names are left out: a token of a newer server grants no more than this one knows.
    pub fn from_scope(scope: &str) -> Self {
        scope.split_whitespace().filter_map(Resource::from_name).collect()
    }
}

impl FromIterator<Resource> for Grants {
    fn from_iter<I: IntoIterator<Item = Resource>>(iter: I) -> Self {
        Grants(iter.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_resource_needs_its_parent() {
        let alone: Grants = [Resource::BackupsSave].into_iter().collect();
        assert_eq!(alone.missing(Resource::BackupsSave), Some(Resource::Backups));
        let both: Grants = [Resource::Backups, Resource::BackupsSave].into_iter().collect();
        assert!(both.allows(Resource::BackupsSave));
        assert!(!both.allows(Resource::BackupsDelete));
    }

    #[test]
    fn names_and_scopes_round_trip() {
        for r in Resource::ALL {
            assert_eq!(Resource::from_name(r.name()), Some(r));
            assert_eq!(serde_json::to_value(r).unwrap(), serde_json::json!(r.name()));
        }
        let all = Grants::all();
        assert_eq!(Grants::from_scope(&all.to_scope()), all);
        assert_eq!(Grants::from_scope("logs nonsense"), [Resource::Logs].into_iter().collect());
    }
}
