//! The files and folders of the fake, and its recycle bin.

use super::super::super::fake::Blob;
use super::State;
use crate::storage::one_drive::QuickXor;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const ROOT: &str = "root-1";
pub(super) const DRIVE: &str = "b!fake-drive";

/// Content with the hash that the provider tells.
#[derive(Clone, Default)]
pub(super) struct Content {
    pub blob: Blob,
    pub xor: QuickXor,
}

impl Content {
    pub fn append(&mut self, bytes: &[u8]) {
        self.blob.append(bytes);
        self.xor.update(bytes);
    }
}

pub(super) struct Node {
    pub name: String,
    pub parent: String,
    /// `None`: a folder.
    pub content: Option<Content>,
    pub version: u64,
    pub made_at: DateTime<Utc>,
    /// Made by a client, not by somebody in front of a browser.
    pub ours: bool,
    /// So many answers tell no hash.
    pub hash_comes_after: u32,
}

pub(super) struct Tree {
    pub nodes: BTreeMap<String, Node>,
    bin: Vec<Node>,
    /// Every client's items, also those that are gone.
    known: BTreeSet<String>,
}

impl Default for Tree {
    fn default() -> Self {
        let root = Node {
            name: "root".into(),
            parent: String::new(),
            content: None,
            version: 1,
            made_at: DateTime::UNIX_EPOCH,
            ours: false,
            hash_comes_after: 0,
        };
        Tree { nodes: [(ROOT.to_owned(), root)].into(), bin: Vec::new(), known: BTreeSet::new() }
    }
}

impl Tree {
    /// Upper and lower case are one.
    pub fn child(&self, parent: &str, name: &str) -> Option<String> {
        let fits = |node: &Node| node.parent == parent && node.name.to_lowercase() == name.to_lowercase();
        self.nodes.iter().find(|(_, node)| fits(node)).map(|(id, _)| id.clone())
    }

    pub fn children(&self, parent: &str) -> Vec<&String> {
        self.nodes.iter().filter(|(_, node)| node.parent == parent).map(|(id, _)| id).collect()
    }

    pub fn walk(&self, from: &str, path: &str) -> Option<String> {
        let mut id = from.to_owned();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            id = self.child(&id, name)?;
        }
        Some(id)
    }

    pub fn insert(&mut self, id: String, node: Node) {
        if node.ours {
            self.known.insert(id.clone());
        }
        self.nodes.insert(id, node);
    }

    /// A client made it at some time.
    pub fn is_known(&self, id: &str) -> bool {
        self.known.contains(id)
    }

    /// Takes an item away with everything below it.
    pub fn remove(&mut self, id: &str, recycle: bool) {
        for child in self.children(id).into_iter().cloned().collect::<Vec<_>>() {
            self.remove(&child, recycle);
        }
        if let Some(node) = self.nodes.remove(id).filter(|_| recycle) {
            self.bin.push(node);
        }
    }

    pub fn remove_path(&mut self, path: &str) {
        if let Some(id) = self.walk(ROOT, path) {
            self.remove(&id, true);
        }
    }

    pub fn rename_path(&mut self, path: &str, name: &str) {
        if let Some(node) = self.walk(ROOT, path).and_then(|id| self.nodes.get_mut(&id)) {
            node.name = name.into();
            node.version += 1;
        }
    }

    pub fn empty_bin(&mut self) {
        self.bin.clear();
    }

    pub fn bin(&self) -> Vec<String> {
        self.bin.iter().map(|node| node.name.clone()).collect()
    }

    /// The path of an item, without a slash before it; empty for the root.
    fn path(&self, id: &str) -> String {
        let mut names = Vec::new();
        let mut id = id.to_owned();
        while let Some(node) = self.nodes.get(&id).filter(|_| id != ROOT) {
            names.push(node.name.clone());
            id = node.parent.clone();
        }
        names.reverse();
        names.join("/")
    }

    pub fn files(&self) -> BTreeMap<String, Blob> {
        let blob = |(id, node): (&String, &Node)| Some((self.path(id), node.content.as_ref()?.blob.clone()));
        self.nodes.iter().filter_map(blob).collect()
    }

    pub fn folders(&self) -> Vec<String> {
        let folders = self.nodes.iter().filter(|(id, node)| node.content.is_none() && *id != ROOT);
        let mut paths: Vec<_> = folders.map(|(id, _)| self.path(id)).collect();
        paths.sort_unstable();
        paths
    }

    fn sizes<'a>(nodes: impl Iterator<Item = &'a Node>) -> u64 {
        nodes.filter_map(|node| node.content.as_ref()).map(|content| content.blob.size).sum()
    }

    pub fn used_bytes(&self) -> u64 {
        Tree::sizes(self.nodes.values()) + self.deleted_bytes()
    }

    pub fn deleted_bytes(&self) -> u64 {
        Tree::sizes(self.bin.iter())
    }

    pub fn tag(&self, id: &str) -> String {
        let version = self.nodes.get(id).map_or(0, |node| node.version);
        format!("\"{{{id}}},{version}\"")
    }

    /// An item as Graph writes it.
    pub fn json(&mut self, id: &str) -> Value {
        let (tag, children) = (self.tag(id), self.children(id).len());
        let parent = self.nodes.get(id).map(|node| node.parent.clone()).unwrap_or_default();
        let encode = |name: &str| crate::storage::one_drive::encode(name);
        let above: Vec<_> = self.path(&parent).split('/').map(encode).collect();
        let above = above.join("/");
        let colon = if above.is_empty() { "" } else { "/" };
        let Some(node) = self.nodes.get_mut(id) else { return Value::Null };
        let mut item = json!({
            "id": id,
            "name": node.name,
            "eTag": tag,
            "createdDateTime": node.made_at.to_rfc3339(),
            "parentReference": {
                "driveId": DRIVE,
                "driveType": "business",
                "id": parent,
                "path": format!("/drive/root:{colon}{above}"),
            },
        });
        match &node.content {
            Some(content) => {
                item["size"] = content.blob.size.into();
                item["file"] = json!({ "mimeType": "application/octet-stream" });
                if node.hash_comes_after > 0 {
                    node.hash_comes_after -= 1;
                } else {
                    item["file"]["hashes"] = json!({ "quickXorHash": content.xor.base64() });
                }
            }
            None => {
                item["size"] = 0.into();
                item["folder"] = json!({ "childCount": children });
            }
        }
        item
    }
}

impl State {
    /// A folder or file of somebody else, with the folders above it.
    pub fn put_foreign(&mut self, path: &str, content: Option<&[u8]>) {
        let names: Vec<_> = path.split('/').collect();
        let mut parent = ROOT.to_owned();
        for (i, name) in names.iter().enumerate() {
            let mut node = Node {
                name: (*name).into(),
                parent: parent.clone(),
                content: None,
                version: 1,
                made_at: DateTime::UNIX_EPOCH,
                ours: false,
                hash_comes_after: 0,
            };
            if let Some(bytes) = content.filter(|_| i + 1 == names.len()) {
                let mut content = Content::default();
                content.append(bytes);
                node.content = Some(content);
            }
            parent = match self.tree.child(&parent, name) {
                Some(id) if node.content.is_none() => id,
                found => {
                    let id = found.unwrap_or_else(|| self.next("01ITEM"));
                    self.tree.insert(id.clone(), node);
                    id
                }
            };
        }
    }
}
