//! What lies in the fake Drive, and who sees what of it.

use super::query::Subject;
use crate::testing::fake::Blob;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const FOLDER: &str = "application/vnd.google-apps.folder";
/// The real id of the account's root, which nobody is told beforehand.
pub(super) const ROOT_ID: &str = "0AFakeRootOfTheDrive";

/// Who made something. `drive.file` shows an app what it made itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    App,
    Human,
}

#[derive(Clone)]
pub(super) struct Item {
    pub id: String,
    pub name: String,
    pub parent: String,
    pub maker: Maker,
    pub properties: BTreeMap<String, String>,
    pub created: DateTime<Utc>,
    /// `None`: a folder.
    pub content: Option<Blob>,
    pub trashed: bool,
    /// Since when it is trashed or deleted.
    pub gone: Option<DateTime<Utc>>,
    pub deleted: bool,
    /// How often its hashes are left out still, and whether they lie.
    pub hash_waits: u32,
    pub lies: bool,
}

impl Item {
    pub fn kind(&self) -> &'static str {
        if self.content.is_none() { FOLDER } else { "application/octet-stream" }
    }

    /// Nothing that the program under test made: what must never be lost.
    pub fn is_foreign(&self) -> bool {
        self.properties.is_empty()
    }
}

/// Which hashes the fake gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashes {
    All,
    Md5,
    None,
}

pub(super) struct Items {
    pub all: BTreeMap<String, Item>,
    /// Ids that `generateIds` gave out.
    pub reserved: BTreeSet<String>,
    made: u64,
    pub lag: TimeDelta,
    pub hashes: Hashes,
}

impl Default for Items {
    fn default() -> Self {
        Items {
            all: BTreeMap::new(),
            reserved: BTreeSet::new(),
            made: 0,
            lag: TimeDelta::zero(),
            hashes: Hashes::All,
        }
    }
}

impl Items {
    /// In no order that means anything.
    pub fn new_id(&mut self) -> String {
        self.made += 1;
        let hash = hex::encode(Sha256::digest(format!("id {}", self.made)));
        format!("1{}", &hash[..32])
    }

    pub fn add(
        &mut self,
        id: String,
        name: &str,
        parent: &str,
        maker: Maker,
        now: DateTime<Utc>,
    ) -> &mut Item {
        self.made += 1;
        let parent = if parent == "root" { ROOT_ID } else { parent };
        let item = Item {
            id: id.clone(),
            name: name.into(),
            parent: parent.into(),
            maker,
            properties: BTreeMap::new(),
            // Two things are never made at the same time.
            created: now + TimeDelta::milliseconds(i64::try_from(self.made).unwrap_or(i64::MAX)),
            content: None,
            trashed: false,
            gone: None,
            deleted: false,
            hash_waits: 0,
            lies: false,
        };
        self.all.entry(id).insert_entry(item).into_mut()
    }

    /// Whether there is such a thing, in the trash or not.
    pub fn get(&self, id: &str) -> Option<&Item> {
        self.all.get(id).filter(|item| !item.deleted)
    }

    /// Trashed itself, or in something that is.
    pub fn is_trashed(&self, item: &Item) -> bool {
        item.trashed || self.get(&item.parent).is_some_and(|parent| self.is_trashed(parent))
    }

    pub fn is_folder(&self, id: &str) -> bool {
        id == "root" || id == ROOT_ID || self.get(id).is_some_and(|item| item.content.is_none())
    }

    pub fn path(&self, item: &Item) -> String {
        match self.all.get(&item.parent) {
            Some(parent) => format!("{}/{}", self.path(parent), item.name),
            None => item.name.clone(),
        }
    }

    /// All that lies at a path and is in use, the oldest first.
    pub fn at(&self, path: &str) -> Vec<&Item> {
        let mut found: Vec<&Item> =
            self.all.values().filter(|i| !i.deleted && !self.is_trashed(i) && self.path(i) == path).collect();
        found.sort_by_key(|item| item.created);
        found
    }

    pub fn children(&self, id: &str) -> Vec<String> {
        self.all.values().filter(|i| !i.deleted && i.parent == id).map(|i| i.id.clone()).collect()
    }

    /// For good, with all below it.
    pub fn delete(&mut self, id: &str, now: DateTime<Utc>) {
        for child in self.children(id) {
            self.delete(&child, now);
        }
        if let Some(item) = self.all.get_mut(id) {
            item.deleted = true;
            item.gone.get_or_insert(now);
            item.content = item.content.take().map(|_| Blob::default());
        }
    }

    pub fn used(&self) -> u64 {
        self.all.values().filter(|i| !i.deleted).filter_map(|i| i.content.as_ref()).map(|c| c.size).sum()
    }

    /// Whether a search shows it now, and whether as trashed: searches lag behind.
    pub fn searched(&self, item: &Item, now: DateTime<Utc>) -> Option<bool> {
        let indexed = |at: DateTime<Utc>| now >= at + self.lag;
        // What is made has its milliseconds ahead of the clock.
        if self.lag > TimeDelta::zero() && !indexed(item.created) {
            return None;
        }
        match item.gone {
            Some(at) if indexed(at) && item.deleted => None,
            Some(at) if indexed(at) => Some(true),
            Some(_) => Some(false),
            None => Some(self.is_trashed(item)),
        }
    }

    pub fn subject<'a>(&self, item: &'a Item, trashed: bool) -> Subject<'a> {
        let alias = if item.parent == ROOT_ID { "root" } else { "" };
        Subject { name: &item.name, kind: item.kind(), parents: [&item.parent, alias], trashed }
    }

    /// As the API shows it, with the fields that were asked for.
    pub fn json(&mut self, id: &str, fields: &str, trashed: Option<bool>) -> Value {
        let hashes = self.hashes;
        let shown = match self.all.get(id) {
            Some(item) => trashed.unwrap_or_else(|| self.is_trashed(item)),
            None => return Value::Null,
        };
        let Some(item) = self.all.get_mut(id) else { return Value::Null };
        let mut json = json!({
            "kind": "drive#file",
            "id": item.id,
            "name": item.name,
            "mimeType": item.kind(),
            "parents": [item.parent],
            "trashed": shown,
            "createdTime": item.created.to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        if !item.properties.is_empty() {
            json["appProperties"] = json!(item.properties);
        }
        if let Some(content) = &item.content {
            json["size"] = content.size.to_string().into();
            let waits = item.hash_waits > 0;
            item.hash_waits = item.hash_waits.saturating_sub(1);
            let tell = |hash: String| if item.lies { hash.chars().rev().collect::<String>() } else { hash };
            if hashes != Hashes::None && !waits {
                json["md5Checksum"] = tell(content.md5()).into();
            }
            if hashes == Hashes::All && !waits {
                json["sha256Checksum"] = tell(content.sha256()).into();
            }
        }
        let fields = if fields.is_empty() { "kind,id,name,mimeType" } else { fields };
        if let Value::Object(map) = &mut json {
            map.retain(|name, _| fields.split(',').any(|field| field == name));
        }
        json
    }
}
