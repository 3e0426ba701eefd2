//! Listings.

use super::Dropbox;
use super::api::{Metadata, Outcome};
use super::folder::named;
use crate::policy::layout;
use crate::storage::{Entry, Error, ErrorKind, Listing, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Pages without entries in a row, though more was promised, after which a listing is not believed to end.
const EMPTY_PAGES: u32 = 100;

#[derive(Deserialize)]
struct Page {
    entries: Vec<Metadata>,
    cursor: String,
    has_more: bool,
}

/// How a listing went on.
enum Step {
    Page(Page),
    /// There is no such folder.
    Absent,
    /// The cursor is not valid any more.
    Reset,
}

async fn step(cloud: &Dropbox, route: &str, arg: &Value, what: &str) -> Result<Step> {
    let page: Outcome<Page> = cloud.api.rpc(route, arg).await?;
    match page {
        Ok(page) => Ok(Step::Page(page)),
        Err(fault) if fault.is("reset") => Ok(Step::Reset),
        Err(fault) if fault.is("path/not_found") || fault.is("path/not_folder") => Ok(Step::Absent),
        Err(fault) => Err(fault.into_error(what)),
    }
}

fn first(path: &str, recursive: bool, page: u32) -> Value {
    json!({ "path": path, "recursive": recursive, "limit": page })
}

/// Every file below `path`; keys begin with `prefix`, which is what `path` is to the caller.
pub(super) async fn list(cloud: &Dropbox, path: &str, prefix: &str) -> Result<Listing> {
    let mut resets = 0;
    loop {
        let mut tree = Tree::new(path);
        let complete = match walk(cloud, path, prefix, &mut tree).await? {
            End::Reached => !tree.doubtful,
            End::Endless => false,
            // An invalid cursor means to begin anew. Once: a folder that changes faster than it can be listed has no complete list.
            End::Reset if resets == 0 => {
                resets += 1;
                continue;
            }
            End::Reset => false,
        };
        return Ok(Listing { entries: tree.entries(prefix), complete });
    }
}

enum End {
    Reached,
    Reset,
    Endless,
}

async fn walk(cloud: &Dropbox, path: &str, prefix: &str, tree: &mut Tree) -> Result<End> {
    let what = named(prefix);
    let mut next = ("files/list_folder", first(path, true, cloud.tuning.page));
    let mut empty = 0;
    loop {
        let page = match step(cloud, next.0, &next.1, &what).await? {
            Step::Page(page) => page,
            // Also when the folder is deleted while it is listed: what was seen of it is gone too.
            Step::Absent => {
                *tree = Tree::new(path);
                return Ok(End::Reached);
            }
            Step::Reset => return Ok(End::Reset),
        };
        empty = if page.entries.is_empty() { empty + 1 } else { 0 };
        page.entries.into_iter().for_each(|entry| tree.take(entry));
        if !page.has_more {
            return Ok(End::Reached);
        }
        if empty == EMPTY_PAGES {
            return Ok(End::Endless);
        }
        next = ("files/list_folder/continue", json!({ "cursor": page.cursor }));
    }
}

/// Whether there is a folder without anything in it.
pub(super) async fn is_empty_folder(cloud: &Dropbox, path: &str, what: &str) -> Result<bool> {
    let mut next = ("files/list_folder", first(path, false, cloud.tuning.page));
    for _ in 0..EMPTY_PAGES {
        match step(cloud, next.0, &next.1, what).await? {
            Step::Page(page) if !page.entries.is_empty() => return Ok(false),
            Step::Page(page) if page.has_more => {
                next = ("files/list_folder/continue", json!({ "cursor": page.cursor }));
            }
            Step::Page(_) => return Ok(true),
            Step::Absent => return Ok(false),
            Step::Reset => next = ("files/list_folder", first(path, false, cloud.tuning.page)),
        }
    }
    let text = format!("Dropbox does not come to an end of what is in {what}.");
    Err(Error::new(ErrorKind::Unavailable, text))
}

/// What a listing has seen, by lower-case path. Only the last name of a path is sure to have its case right (`path_display` may not), so
/// keys are put together from the names of their folders, which may come after what is in them.
struct Tree {
    /// Segments of the path that is listed.
    depth: usize,
    names: BTreeMap<String, String>,
    files: BTreeMap<String, File>,
    /// Something came that cannot be placed.
    doubtful: bool,
}

struct File {
    name: String,
    size_bytes: u64,
    shown: Option<String>,
}

impl Tree {
    fn new(path: &str) -> Tree {
        let depth = path.split('/').skip(1).count();
        Tree { depth, names: BTreeMap::new(), files: BTreeMap::new(), doubtful: false }
    }

    fn take(&mut self, entry: Metadata) {
        match entry {
            Metadata::File(file) => {
                let Some(path) = file.path_lower else { return self.doubtful = true };
                let (name, size_bytes, shown) = (file.name, file.size, file.path_display);
                self.files.insert(path, File { name, size_bytes, shown });
            }
            Metadata::Folder(folder) => {
                let Some(path) = folder.path_lower else { return self.doubtful = true };
                self.names.insert(path, folder.name);
            }
            // Deleted while it was listed, with all that is in it.
            Metadata::Deleted(gone) => {
                let Some(path) = gone.path_lower else { return self.doubtful = true };
                let inside = format!("{path}/");
                self.files.retain(|file, _| *file != path && !file.starts_with(&inside));
            }
            Metadata::Unknown => self.doubtful = true,
        }
    }

    fn entries(&self, prefix: &str) -> Vec<Entry> {
        let keys = self.files.iter().filter_map(|(path, file)| {
            let key = self.key(path, file, prefix)?;
            // A name that no object of ours can have is a person's file.
            layout::is_safe_key(&key).then_some(Entry { key, size_bytes: file.size_bytes })
        });
        keys.collect()
    }

    fn key(&self, path: &str, file: &File, prefix: &str) -> Option<String> {
        let mut key = prefix.to_owned();
        let shown: Vec<&str> = file.shown.as_deref().unwrap_or(path).split('/').skip(1).collect();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let last = segments.len().checked_sub(1).filter(|last| *last >= self.depth)?;
        let mut end = 0;
        for (i, segment) in segments.iter().enumerate() {
            end += 1 + segment.len();
            if i < self.depth {
                continue;
            }
            let name = match self.names.get(path.get(..end)?) {
                _ if i == last => file.name.as_str(),
                Some(name) => name,
                None => shown.get(i).copied().unwrap_or(segment),
            };
            if !key.is_empty() {
                key.push('/');
            }
            key.push_str(name);
        }
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(path: &str, entries: Value) -> Tree {
        let mut tree = Tree::new(path);
        for entry in serde_json::from_value::<Vec<Metadata>>(entries).unwrap() {
            tree.take(entry);
        }
        tree
    }

    fn file(name: &str, lower: &str, display: &str) -> Value {
        json!({".tag": "file", "name": name, "path_lower": lower, "path_display": display, "rev": "0123456789", "size": 3})
    }

    fn folder(name: &str, lower: &str) -> Value {
        json!({".tag": "folder", "name": name, "path_lower": lower, "path_display": lower})
    }

    fn keys(tree: &Tree, prefix: &str) -> Vec<String> {
        tree.entries(prefix).into_iter().map(|e| e.key).collect()
    }

    #[test]
    fn keys_have_the_case_of_the_names_and_the_prefix_that_was_asked_for() {
        let entries = json!([
            file("Manifest.JSON", "/backups/set/2026z/manifest.json", "/backups/set/2026z/Manifest.JSON"),
            folder("2026Z", "/backups/set/2026z"),
            folder("SET", "/backups/set"),
            file("x", "/backups/set/x", "/BACKUPS/SET/x"),
            file("y", "/backups/set/unseen/y", "/BACKUPS/SET/Unseen/y"),
        ]);
        let found = tree("/backups/set", entries.clone());
        assert_eq!(keys(&found, "Set"), ["Set/2026Z/Manifest.JSON", "Set/Unseen/y", "Set/x"]);
        assert_eq!(
            keys(&tree("/backups", entries.clone()), ""),
            ["SET/2026Z/Manifest.JSON", "SET/Unseen/y", "SET/x"]
        );
        let from_the_root = ["backups/SET/2026Z/Manifest.JSON", "BACKUPS/SET/Unseen/y", "BACKUPS/SET/x"];
        assert_eq!(keys(&tree("", entries), ""), from_the_root);
    }

    #[test]
    fn what_is_deleted_while_it_is_listed_is_not_there() {
        let entries = json!([
            file("a", "/set/gone/a", "/set/gone/a"),
            file("b", "/set/gone-not/b", "/set/gone-not/b"),
            file("c", "/set/c", "/set/c"),
            {".tag": "deleted", "name": "gone", "path_lower": "/set/gone"},
            {".tag": "deleted", "name": "c", "path_lower": "/set/c"},
        ]);
        let found = tree("/set", entries);
        assert_eq!(keys(&found, "set"), ["set/gone-not/b"]);
        assert!(!found.doubtful);
    }

    #[test]
    fn an_entry_that_comes_twice_is_one() {
        let entries = json!([file("a", "/set/a", "/set/a"), file("A", "/set/a", "/set/A")]);
        assert_eq!(keys(&tree("/set", entries), "set"), ["set/A"]);
    }

    #[test]
    fn entries_that_cannot_be_placed_make_a_listing_doubtful() {
        let unmounted =
            json!([{".tag": "file", "name": "a", "path_lower": null, "rev": "0123456789", "size": 3}]);
        assert!(tree("/set", unmounted).doubtful);
        assert!(tree("/set", json!([{".tag": "hologram", "name": "a"}])).doubtful);
    }

    #[test]
    fn names_that_no_object_of_ours_can_have_are_left_out() {
        let entries = json!([file("a\\b", "/set/a\\b", "/set/a\\b"), file("ok", "/set/ok", "/set/ok")]);
        assert_eq!(keys(&tree("/set", entries), "set"), ["set/ok"]);
    }
}
