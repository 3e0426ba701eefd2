//! Files and folders. Their paths do not mind case.

use crate::storage::dropbox::content_hash::ContentHash;
use crate::testing::fake::Blob;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeMap;

pub(super) struct Node {
    pub name: String,
    pub id: String,
    /// The client made it, not a person.
    pub ours: bool,
    /// `None` for a folder.
    pub file: Option<File>,
}

pub(super) struct File {
    pub rev: String,
    pub blob: Blob,
    pub content_hash: String,
    pub modified: DateTime<Utc>,
}

/// What is written, with Dropbox's hash of it.
pub(super) struct Content {
    pub blob: Blob,
    pub content_hash: String,
}

impl Content {
    pub fn of(bytes: &[u8]) -> Content {
        Content { blob: Blob::of(bytes), content_hash: ContentHash::of(bytes) }
    }
}

/// By lower-case path.
#[derive(Default)]
pub(super) struct Tree {
    nodes: BTreeMap<String, Node>,
    made: u64,
    /// `path_display` has the case of its last name right, and that of no other.
    pub sloppy_display: bool,
    /// So many more files are shown without their hash.
    pub hidden_hashes: Cell<u32>,
}

/// What hinders a write, as tags below `path`.
pub(super) type Hindrance = &'static [&'static str];

fn parent(lower: &str) -> &str {
    lower.rsplit_once('/').map_or("", |(parent, _)| parent)
}

impl Tree {
    /// The lower-case path of a path or an id; the tag of what is wrong with it.
    pub fn resolve(&self, path: &str) -> Result<String, &'static str> {
        if path.starts_with("id:") {
            let found = self.nodes.iter().find(|(_, node)| node.id == path);
            return found.map(|(lower, _)| lower.clone()).ok_or("not_found");
        }
        let good = path.is_empty()
            || path.starts_with('/') && !path[1..].split('/').any(|s| s.is_empty() || s.len() > 255);
        if !good {
            return Err("malformed_path");
        }
        let lower = path.to_lowercase();
        if lower.is_empty() || self.nodes.contains_key(&lower) { Ok(lower) } else { Err("not_found") }
    }

    pub fn get(&self, lower: &str) -> Option<&Node> {
        self.nodes.get(lower)
    }

    /// Everything below, or only what is directly in it.
    pub fn below<'a>(
        &'a self,
        lower: &'a str,
        recursive: bool,
    ) -> impl Iterator<Item = (&'a String, &'a Node)> {
        let inside = format!("{lower}/");
        self.nodes
            .iter()
            .filter(move |(path, _)| path.starts_with(&inside) && (recursive || parent(path) == lower))
    }

    pub fn is_folder(&self, lower: &str) -> bool {
        lower.is_empty() || self.nodes.get(lower).is_some_and(|node| node.file.is_none())
    }

    pub fn used(&self) -> u64 {
        self.nodes.values().filter_map(|node| node.file.as_ref()).map(|file| file.blob.size).sum()
    }

    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Makes the folders down to and with `path`.
    pub fn make_folders(&mut self, path: &str, ours: bool) -> Result<(), Hindrance> {
        let mut end = 0;
        for name in path.split('/').skip(1) {
            end += 1 + name.len();
            let lower = path[..end].to_lowercase();
            if self.nodes.get(&lower).is_some_and(|node| node.file.is_some()) {
                return Err(&["conflict", "file_ancestor"]);
            }
            if !self.nodes.contains_key(&lower) {
                let id = format!("id:folder{:016}", self.next());
                self.nodes.insert(lower, Node { name: name.into(), id, ours, file: None });
            }
        }
        Ok(())
    }

    /// Writes a file, in place of one that may be there.
    pub fn write(
        &mut self,
        path: &str,
        content: Content,
        ours: bool,
        now: DateTime<Utc>,
    ) -> Result<(), Hindrance> {
        let lower = path.to_lowercase();
        self.make_folders(parent(path), ours)?;
        if self.is_folder(&lower) {
            return Err(&["conflict", "folder"]);
        }
        let number = self.next();
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let file = File {
            rev: format!("{number:016x}"),
            blob: content.blob,
            content_hash: content.content_hash,
            modified: now,
        };
        let new = || Node { name, id: format!("id:file{number:016}"), ours, file: None };
        let node = self.nodes.entry(lower).or_insert_with(new);
        node.ours = ours;
        node.file = Some(file);
        Ok(())
    }

    pub fn remove(&mut self, lower: &str) -> Vec<Node> {
        let inside = format!("{lower}/");
        let gone: Vec<String> =
            self.nodes.keys().filter(|path| *path == lower || path.starts_with(&inside)).cloned().collect();
        gone.iter().filter_map(|path| self.nodes.remove(path)).collect()
    }

    /// Every file, by its path as people see it.
    pub fn files(&self) -> BTreeMap<String, Blob> {
        let files = self.nodes.iter().filter_map(|(lower, node)| Some((lower, node.file.as_ref()?)));
        files.map(|(lower, file)| (self.display(lower, false), file.blob.clone())).collect()
    }

    pub fn folders(&self) -> Vec<String> {
        let folders = self.nodes.iter().filter(|(_, node)| node.file.is_none());
        folders.map(|(lower, _)| self.display(lower, false)).collect()
    }

    fn display(&self, lower: &str, sloppy: bool) -> String {
        let name = self.nodes.get(lower).map_or("", |node| node.name.as_str());
        let above = parent(lower);
        match above.is_empty() {
            true => format!("/{name}"),
            false if sloppy => format!("{}/{name}", above.to_uppercase()),
            false => format!("{}/{name}", self.display(above, false)),
        }
    }

    /// As the API shows a node: without its tag where a route gives nothing but files.
    pub fn metadata(&self, lower: &str, tagged: bool) -> Value {
        let Some(node) = self.nodes.get(lower) else { return Value::Null };
        let mut shown = json!({
            "name": node.name,
            "path_lower": lower,
            "path_display": self.display(lower, self.sloppy_display),
            "id": node.id,
        });
        if tagged {
            shown[".tag"] = json!(if node.file.is_some() { "file" } else { "folder" });
        }
        if let Some(file) = &node.file {
            let modified = file.modified.to_rfc3339_opts(SecondsFormat::Secs, true);
            shown["client_modified"] = json!(modified);
            shown["server_modified"] = json!(modified);
            shown["rev"] = json!(file.rev);
            shown["size"] = json!(file.blob.size);
            shown["is_downloadable"] = json!(true);
            match self.hidden_hashes.get() {
                0 => shown["content_hash"] = json!(file.content_hash),
                left => self.hidden_hashes.set(left - 1),
            }
        }
        shown
    }
}
