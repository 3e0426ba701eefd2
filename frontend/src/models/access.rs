//! The permissions in words, and how a role's list is changed by one tick.

use contract::Resource;

/// Name and what it lets somebody do.
pub fn describe(resource: Resource) -> (&'static str, &'static str) {
    match resource {
        Resource::Config => ("Configuration", "See and change the settings"),
        Resource::Backups => ("Backup Sets", "See Backup Sets and what the store consists of"),
        Resource::BackupsSave => ("Create and edit", "Add Backup Sets and change them"),
        Resource::BackupsDelete => ("Delete", "Delete Backup Sets; their copies stay"),
        Resource::BackupsRun => ("Run", "Start a backup by hand"),
        Resource::Storages => ("Storage Sets", "See cloud destinations"),
        Resource::StoragesSave => ("Create and edit", "Add and link cloud destinations"),
        Resource::StoragesDelete => ("Delete", "Delete cloud destinations"),
        Resource::Logs => ("Backup Logs", "See what passes did, and their progress"),
        Resource::Archives => ("Download archives", "Archives hold customers' data: grant it with care"),
        Resource::Users => ("Users and roles", "Manage who may sign in and what they may do"),
    }
}

/// Ticks or unticks `resource`: a nested one brings its parent, a parent takes its nested ones away.
pub fn toggle(held: &mut Vec<Resource>, resource: Resource, on: bool) {
    held.retain(|r| *r != resource && (on || r.parent() != Some(resource)));
    if on {
        if let Some(parent) = resource.parent()
            && !held.contains(&parent)
        {
            held.push(parent);
        }
        held.push(resource);
    }
    held.sort();
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Grants;

    #[test]
    fn ticking_keeps_the_list_whole() {
        let mut held = vec![];
        toggle(&mut held, Resource::BackupsRun, true);
        assert_eq!(held, [Resource::Backups, Resource::BackupsRun]);
        toggle(&mut held, Resource::BackupsRun, true);
        assert_eq!(held.len(), 2);
        let grants: Grants = held.iter().copied().collect();
        assert!(held.iter().all(|r| grants.allows(*r)));
        toggle(&mut held, Resource::Logs, true);
        toggle(&mut held, Resource::Backups, false);
        assert_eq!(held, [Resource::Logs]);
    }
}
