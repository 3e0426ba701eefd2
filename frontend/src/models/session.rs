//! One browser, several tabs, one session cookie: what a tab makes of what the others do.
//!
//! Every sign-in leaves a mark of its own in the browser's storage, and signing out takes it away.

use contract::{Grants, Me};

/// What a tab does when the mark in the storage was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Stay,
    /// Somebody signed out in another tab.
    SignOut,
    /// Somebody signed in since: find out who.
    FindOut,
}

/// `mine` is the mark of the sign-in that this tab knows, `now` the one in the storage. Not the one that an event tells of: a
/// tab that was asleep hears late, and what it hears of may be over.
pub fn turn(mine: Option<&str>, now: Option<&str>) -> Turn {
    match (mine, now) {
        (mine, now) if mine == now => Turn::Stay,
        (_, None) => Turn::SignOut,
        (_, Some(_)) => Turn::FindOut,
    }
}

/// What changed between two answers to "who am I".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    None,
    /// The same user may do more or less than before.
    Rights,
    /// Somebody else is signed in.
    Person,
}

pub fn change(before: &Me, now: &Me) -> Change {
    if before.id != now.id {
        Change::Person
    } else if grants(before) != grants(now) {
        Change::Rights
    } else {
        Change::None
    }
}

pub fn grants(me: &Me) -> Grants {
    me.resources.iter().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Resource;

    #[test]
    fn a_tab_that_wakes_late_goes_by_what_holds_now() {
        for (mine, now, expected) in [
            (Some("a"), Some("a"), Turn::Stay),
            (Some("a"), None, Turn::SignOut),
            // Signed out and in again while this tab slept.
            (Some("a"), Some("b"), Turn::FindOut),
            (None, Some("b"), Turn::FindOut),
            (None, None, Turn::Stay),
        ] {
            assert_eq!(turn(mine, now), expected, "{mine:?} {now:?}");
        }
    }

    #[test]
    fn another_person_and_other_rights_are_told_apart() {
        let me = |id, resources: &[Resource]| Me {
            id,
            username: "ada".into(),
            role: "Clerk".into(),
            resources: resources.to_vec(),
        };
        let before = me(1, &[Resource::Backups, Resource::Logs]);
        assert_eq!(change(&before, &me(1, &[Resource::Logs, Resource::Backups])), Change::None);
        assert_eq!(change(&before, &me(1, &[Resource::Logs])), Change::Rights);
        assert_eq!(change(&before, &me(2, &[Resource::Backups, Resource::Logs])), Change::Person);
    }
}
