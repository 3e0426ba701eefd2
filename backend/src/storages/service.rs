//! What Storage Sets mean to the rows that name them.

use super::repo::{self, Summary};
use crate::db::{self, Db};
use crate::wire;
use engine::pipeline::Target;
use engine::storage::StorageKind;
use std::collections::{HashMap, HashSet};

/// A Storage Set as a row's target.
pub struct Destination {
    pub title: String,
    pub kind: StorageKind,
    pub target: Target,
}

#[derive(Clone)]
pub struct StoragesService {
    db: Db,
}

impl StoragesService {
    pub fn new(db: Db) -> Self {
        StoragesService { db }
    }

    /// Those of `ids` that exist.
    pub async fn existing(&self, ids: &[i64]) -> Result<HashSet<i64>, db::Error> {
        if ids.is_empty() { Ok(HashSet::new()) } else { repo::existing(&self.db, ids).await }
    }

    /// One destination for each of `ids`. What cannot be used is a target that fails with its reason, so that one dead
    /// destination leaves the other rows alone.
    pub async fn destinations(&self, ids: &[i64]) -> Result<HashMap<i64, Destination>, db::Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found = repo::summaries(&self.db, ids).await?;
        Ok(ids.iter().map(|id| (*id, destination(*id, found.get(id)))).collect())
    }
}

fn destination(id: i64, summary: Option<&Summary>) -> Destination {
    let Some(summary) = summary else {
        let message = format!("Storage with id '{id}' does not exist.");
        return unusable(format!("Storage {id}"), StorageKind::AmazonS3, message);
    };
    let title = summary.title.clone();
    let Ok(kind) = wire::parse::<StorageKind>(&summary.kind) else {
        let message = format!(
            "Storage '{title}' is of the type '{}', which this version does not know. Update Storekeep.",
            summary.kind
        );
        return unusable(title, StorageKind::AmazonS3, message);
    };
    let message = if summary.enabled {
        format!("Storage '{title}' is of a type that this version cannot send copies to yet.")
    } else {
        format!("Storage '{title}' is disabled. Enable it, or remove it from the Backup Set.")
    };
    unusable(title, kind, message)
}

fn unusable(title: String, kind: StorageKind, message: String) -> Destination {
    Destination { title, kind, target: Target::Unusable(message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn summary(kind: &str, enabled: bool) -> Summary {
        Summary { title: "Offsite".into(), kind: kind.into(), enabled }
    }

    #[rstest]
    #[case(None, "Storage with id '7' does not exist.")]
    #[case(Some(summary("dropbox", false)), "Storage 'Offsite' is disabled.")]
    #[case(Some(summary("dropbox", true)), "cannot send copies to yet")]
    #[case(Some(summary("tape", true)), "does not know")]
    fn a_row_that_cannot_be_used_says_why(#[case] found: Option<Summary>, #[case] expected: &str) {
        match destination(7, found.as_ref()).target {
            Target::Unusable(message) => assert!(message.contains(expected), "{message}"),
            _ => panic!("usable"),
        }
    }
}
