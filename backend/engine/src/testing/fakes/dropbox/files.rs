//! Looking, listing, deleting, downloading.

use super::reply;
use super::tree::Tree;
use crate::testing::fake::{Record, Reply, Request};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Listings under way, and their odd shapes.
#[derive(Default)]
pub(super) struct Listings {
    /// What is still to come, by cursor.
    cursors: BTreeMap<String, Vec<Value>>,
    made: u32,
    /// Fewer entries than were asked for.
    pub page: Option<usize>,
    /// An empty page before each that holds something.
    pub empty_pages: bool,
    /// No listing ends.
    pub endless: bool,
    /// The next uses of a cursor find it invalid.
    pub resets: u32,
    /// Folders with more in them cannot be deleted at once.
    pub too_many_files: Option<usize>,
}

fn text<'a>(arg: &'a Value, field: &str) -> &'a str {
    arg[field].as_str().unwrap_or_default()
}

pub(super) fn get_metadata(tree: &Tree, arg: &Value) -> Reply {
    match tree.resolve(text(arg, "path")) {
        Ok(lower) if lower.is_empty() => reply::bad("The root folder is unsupported."),
        Ok(lower) => Reply::json(200, &tree.metadata(&lower, true)),
        Err(tag) => reply::fault(&["path", tag]),
    }
}

impl Listings {
    pub fn begin(&mut self, tree: &Tree, arg: &Value) -> Reply {
        let lower = match tree.resolve(text(arg, "path")) {
            Ok(lower) if tree.is_folder(&lower) => lower,
            Ok(_) => return reply::fault(&["path", "not_folder"]),
            Err(tag) => return reply::fault(&["path", tag]),
        };
        let recursive = arg["recursive"] == true;
        // What is in a folder may come before the folder. Pages are taken from the end.
        let mut entries: Vec<Value> =
            tree.below(&lower, recursive).map(|(path, _)| tree.metadata(path, true)).collect();
        if recursive && !lower.is_empty() {
            entries.insert(0, tree.metadata(&lower, true));
        }
        let limit = arg["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(2000);
        self.page(entries, self.page.unwrap_or(limit), !self.empty_pages)
    }

    pub fn go_on(&mut self, arg: &Value) -> Reply {
        let Some(left) = self.cursors.remove(text(arg, "cursor")) else { return reply::fault(&["reset"]) };
        if self.resets > 0 {
            self.resets -= 1;
            return reply::fault(&["reset"]);
        }
        let full = !self.empty_pages || self.made % 2 == 1;
        self.page(left, self.page.unwrap_or(2000), full)
    }

    fn page(&mut self, mut left: Vec<Value>, limit: usize, full: bool) -> Reply {
        let take = if full { limit.max(1).min(left.len()) } else { 0 };
        let mut entries = left.split_off(left.len() - take);
        entries.reverse();
        self.made += 1;
        let cursor = format!("cursor-{}", self.made);
        let has_more = !left.is_empty() || self.endless;
        self.cursors.insert(cursor.clone(), left);
        Reply::json(200, &json!({ "entries": entries, "cursor": cursor, "has_more": has_more }))
    }

    /// `record` is told when something goes that the client may not delete.
    pub fn delete(&mut self, tree: &mut Tree, arg: &Value, record: &Record) -> Reply {
        let lower = match tree.resolve(text(arg, "path")) {
            Ok(lower) if lower.is_empty() => return reply::fault(&["path_write", "no_write_permission"]),
            Ok(lower) => lower,
            Err(tag) => return reply::fault(&["path_lookup", tag]),
        };
        let shown = tree.metadata(&lower, true);
        if let Some(rev) = arg.get("parent_rev").filter(|rev| !rev.is_null()) {
            if tree.is_folder(&lower) {
                return reply::fault(&["path_write", "conflict", "folder"]);
            }
            if shown["rev"] != *rev {
                return reply::fault(&["path_write", "conflict", "file"]);
            }
        }
        let inside = tree.below(&lower, true).count();
        if self.too_many_files.is_some_and(|most| inside > most) {
            return reply::fault(&["too_many_files"]);
        }
        if inside > 0 {
            record.violation(format!("{lower} was deleted with {inside} entries in it"));
        }
        for node in tree.remove(&lower) {
            if !node.ours {
                record.violation(format!("{} was deleted, which a person has put there", node.name));
            }
        }
        Reply::json(200, &json!({ "metadata": shown }))
    }
}

pub(super) fn create_folder(tree: &mut Tree, arg: &Value) -> Reply {
    let path = text(arg, "path");
    match tree.resolve(path) {
        Ok(lower) if tree.is_folder(&lower) => return reply::fault(&["path", "conflict", "folder"]),
        Ok(_) => return reply::fault(&["path", "conflict", "file"]),
        Err("not_found") => {}
        Err(tag) => return reply::fault(&["path", tag]),
    }
    match tree.make_folders(path, true) {
        Ok(()) => Reply::json(200, &json!({ "metadata": tree.metadata(&path.to_lowercase(), false) })),
        Err(tags) => reply::fault(&[&["path"], tags].concat()),
    }
}

pub(super) fn download(tree: &Tree, request: &Request, arg: &Value) -> Reply {
    let lower = match tree.resolve(text(arg, "path")) {
        Ok(lower) => lower,
        Err(tag) => return reply::fault(&["path", tag]),
    };
    let Some(file) = tree.get(&lower).and_then(|node| node.file.as_ref()) else {
        return reply::fault(&["path", "not_file"]);
    };
    let Some(bytes) = file.blob.bytes() else { return Reply::text(500, "too large to be kept") };
    let shown: String = tree.metadata(&lower, false).to_string();
    let shown = shown.replace(|c: char| !c.is_ascii(), "?");
    let whole = Reply { status: 200, headers: Vec::new(), body: bytes.to_vec().into() };
    let start = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
    let reply = match start.map(str::parse::<usize>) {
        Some(Ok(start)) if start < bytes.len() => {
            let range = format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
            let body = bytes[start..].to_vec().into();
            Reply { status: 206, headers: Vec::new(), body }.with("content-range", range)
        }
        Some(_) => return Reply::status(416),
        None => whole,
    };
    reply.with("content-type", "application/octet-stream").with("dropbox-api-result", shown)
}
