//! The destinations of a Backup Set's form: this server first, then the Storage Sets in the order that somebody gave them.

use super::set_form::SetForm;
use contract::{FieldError, StorageOption, StorageRow, path_error};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageFormRow {
    /// Of this form alone: names the row wherever it stands.
    pub key: u32,
    /// `None` for this server.
    pub storage_id: Option<i64>,
    pub enabled: bool,
    /// As typed.
    pub keep_copies: String,
    pub path: String,
}

impl StorageFormRow {
    fn new(key: u32, storage_id: Option<i64>) -> Self {
        StorageFormRow { key, storage_id, enabled: true, keep_copies: "7".into(), path: String::new() }
    }

    /// What is not a number becomes 0, which the rules refuse with their own message.
    pub fn input(&self) -> StorageRow {
        StorageRow {
            storage_id: self.storage_id,
            enabled: self.enabled,
            keep_copies: self.keep_copies.trim().parse().unwrap_or(0),
            path: if self.storage_id.is_none() { self.path.clone() } else { self.path.trim().into() },
        }
    }
}

/// The rows of a new Set.
pub fn usual() -> Vec<StorageFormRow> {
    vec![StorageFormRow::new(0, None)]
}

/// This server first, whatever order was stored.
pub fn of(rows: &[StorageRow]) -> Vec<StorageFormRow> {
    let mut rows: Vec<StorageFormRow> = rows
        .iter()
        .enumerate()
        .map(|(i, row)| StorageFormRow {
            key: u32::try_from(i).unwrap_or(u32::MAX),
            storage_id: row.storage_id,
            enabled: row.enabled,
            keep_copies: row.keep_copies.to_string(),
            path: row.path.clone(),
        })
        .collect();
    rows.sort_by_key(|row| row.storage_id.is_some());
    rows
}

impl SetForm {
    pub fn row(&self, key: u32) -> Option<&StorageFormRow> {
        self.storages.iter().find(|row| row.key == key)
    }

    pub fn row_mut(&mut self, key: u32) -> Option<&mut StorageFormRow> {
        self.storages.iter_mut().find(|row| row.key == key)
    }

    pub fn has_local_row(&self) -> bool {
        self.storages.iter().any(|row| row.storage_id.is_none())
    }

    /// The copy here is deleted once every other destination has its own.
    pub fn is_staging(&self) -> bool {
        !self.storages.iter().any(|row| row.storage_id.is_none() && row.enabled)
            && self.storages.iter().any(|row| row.storage_id.is_some() && row.enabled)
    }

    /// Adds a row, this server at the top and a Storage Set at the end, and gives its key. There is one row for this server at most.
    pub fn add_row(&mut self, storage_id: Option<i64>) -> Option<u32> {
        if storage_id.is_none() && self.has_local_row() {
            return None;
        }
        let key = self.storages.iter().map(|row| row.key + 1).max().unwrap_or(0);
        let at = if storage_id.is_none() { 0 } else { self.storages.len() };
        self.storages.insert(at, StorageFormRow::new(key, storage_id));
        Some(key)
    }

    pub fn remove_row(&mut self, key: u32) {
        self.storages.retain(|row| row.key != key);
    }

    /// Where a row stands, counted from 0.
    pub fn place(&self, key: u32) -> Option<usize> {
        self.storages.iter().position(|row| row.key == key)
    }

    /// Whether a row can go up or down by one: this server stays where it is.
    pub fn can_move(&self, key: u32, down: bool) -> bool {
        let Some(at) = self.place(key) else { return false };
        let other = if down { at.checked_add(1) } else { at.checked_sub(1) };
        let other = other.and_then(|o| self.storages.get(o));
        self.storages[at].storage_id.is_some() && other.is_some_and(|o| o.storage_id.is_some())
    }

    pub fn move_row(&mut self, key: u32, down: bool) {
        if let Some(at) = self.place(key).filter(|_| self.can_move(key, down)) {
            self.storages.swap(at, if down { at + 1 } else { at - 1 });
        }
    }

    /// Puts a row where another one stands; the ones between make room.
    pub fn drop_row(&mut self, key: u32, onto: u32) {
        let (Some(from), Some(to)) = (self.place(key), self.place(onto)) else { return };
        if from == to || self.storages[from].storage_id.is_none() || self.storages[to].storage_id.is_none() {
            return;
        }
        let row = self.storages.remove(from);
        self.storages.insert(to, row);
    }

    /// What the types of the Storage Sets have against the paths. Rows of Storage Sets that nobody knows here are left to the server.
    pub fn path_mistakes(&self, known: &[StorageOption]) -> Vec<FieldError> {
        let mistake = |(i, row): (usize, &StorageFormRow)| {
            let option = known.iter().find(|o| Some(o.id) == row.storage_id)?;
            let path = row.path.trim();
            let message = path_error(option.kind, path)?;
            let code = if path.is_empty() { "required" } else { "format" };
            Some(FieldError::new(format!("storages[{i}].path"), code, message))
        };
        self.storages.iter().enumerate().filter_map(mistake).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Check, StorageState, StorageType};

    fn form(ids: &[Option<i64>]) -> SetForm {
        let mut form = SetForm::new();
        form.set_title("Nightly".into());
        form.storages.clear();
        for id in ids {
            form.add_row(*id);
        }
        form
    }

    fn order(form: &SetForm) -> Vec<Option<i64>> {
        form.storages.iter().map(|row| row.storage_id).collect()
    }

    fn option(id: i64, kind: StorageType) -> StorageOption {
        StorageOption { id, title: "x".into(), kind, enabled: true, linked: true, state: StorageState::Ready }
    }

    #[test]
    fn this_server_stands_first_and_stays_there() {
        let mut form = form(&[Some(7), None, Some(8)]);
        assert_eq!(order(&form), [None, Some(7), Some(8)]);
        assert_eq!(form.add_row(None), None);
        let keys: Vec<u32> = form.storages.iter().map(|r| r.key).collect();
        assert!(!form.can_move(keys[0], true) && !form.can_move(keys[1], false));
        assert!(form.can_move(keys[1], true) && !form.can_move(keys[2], true));
        form.move_row(keys[1], true);
        assert_eq!(order(&form), [None, Some(8), Some(7)]);
        form.move_row(keys[1], true);
        form.move_row(keys[2], false);
        form.drop_row(keys[0], keys[1]);
        form.drop_row(keys[1], keys[0]);
        assert_eq!(order(&form), [None, Some(8), Some(7)], "nothing goes above this server");
        let rows = |ids: &[Option<i64>]| {
            let row = |id: &Option<i64>| StorageRow {
                storage_id: *id,
                enabled: true,
                keep_copies: 2,
                path: "p".into(),
            };
            of(&ids.iter().map(row).collect::<Vec<_>>())
        };
        let stored = rows(&[Some(1), None, Some(2)]);
        assert_eq!(stored.iter().map(|r| r.storage_id).collect::<Vec<_>>(), [None, Some(1), Some(2)]);
    }

    #[test]
    fn a_row_is_dropped_where_another_one_stands() {
        let mut form = form(&[Some(1), Some(2), Some(3), Some(4)]);
        form.drop_row(3, 0);
        assert_eq!(order(&form), [Some(4), Some(1), Some(2), Some(3)]);
        form.drop_row(3, 2);
        assert_eq!(order(&form), [Some(1), Some(2), Some(3), Some(4)]);
        form.drop_row(9, 2);
        assert_eq!(form.place(3), Some(3));
    }

    #[test]
    fn what_was_added_and_removed_leaves_no_trace() {
        let before = form(&[None, Some(7)]);
        let mut after = before.clone();
        let key = after.add_row(Some(7)).unwrap();
        assert_ne!(after, before);
        after.row_mut(key).unwrap().path = "elsewhere".into();
        assert_eq!(after.row(key).unwrap().input().path, "elsewhere");
        after.remove_row(key);
        assert_eq!(after, before);
    }

    #[test]
    fn without_this_server_the_copy_here_is_staging() {
        let mut form = form(&[Some(7)]);
        assert!(form.is_staging());
        let key = form.add_row(None).unwrap();
        assert!(!form.is_staging());
        form.row_mut(key).unwrap().enabled = false;
        assert!(form.is_staging());
        form.storages.clear();
        assert!(!form.is_staging(), "nothing is nowhere");
    }

    #[test]
    fn paths_are_held_against_the_type_of_their_storage_set() {
        let mut form = form(&[None, Some(7), Some(8), Some(9)]);
        let known = [option(7, StorageType::AmazonS3), option(8, StorageType::GoogleDrive)];
        let errors = form.path_mistakes(&known);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!((errors[0].field.as_str(), errors[0].code.as_str()), ("storages[1].path", "required"));
        form.storages[1].path = " shop-backups/eu/ ".into();
        assert_eq!(form.path_mistakes(&known), vec![]);
        assert_eq!(form.input().check(), vec![]);
        assert_eq!(form.input().storages[1].path, "shop-backups/eu/");
    }
}
