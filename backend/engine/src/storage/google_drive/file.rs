//! Files and folders as Google shows them, what is ours among them, and how they are searched for.

use super::split;
use crate::storage::AccountInfo;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const FOLDER: &str = "application/vnd.google-apps.folder";
/// How the account's own root is called; its real id cannot be asked for with `drive.file`.
pub(super) const ROOT: &str = "root";
pub(super) const FIELDS: &str =
    "id,name,mimeType,parents,trashed,createdTime,appProperties,size,sha256Checksum,md5Checksum";
/// The private property that says what is ours: the word for folders, [`key_mark`] for files.
const MARK: &str = "storekeep";
const FOLDER_MARK: &str = "folder";

/// A file or a folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    mime_type: String,
    #[serde(default)]
    pub parents: Vec<String>,
    #[serde(default)]
    pub trashed: bool,
    /// RFC 3339 with milliseconds and `Z`: sorted as text it is sorted in time.
    #[serde(default)]
    created_time: String,
    #[serde(default)]
    app_properties: BTreeMap<String, String>,
    size: Option<String>,
    pub sha256_checksum: Option<String>,
    pub md5_checksum: Option<String>,
}

impl File {
    pub fn is_folder(&self) -> bool {
        self.mime_type == FOLDER
    }

    fn has_mark(&self, mark: &str) -> bool {
        self.app_properties.get(MARK).is_some_and(|m| m == mark)
    }

    /// A folder that this program made, in use.
    pub fn is_our_folder(&self) -> bool {
        self.is_folder() && !self.trashed && self.has_mark(FOLDER_MARK)
    }

    /// A file that this program made as the content of the key, wherever it is now.
    pub fn is_made_for(&self, key: &str) -> bool {
        !self.is_folder() && self.has_mark(&key_mark(key))
    }

    /// The content of the key, if it lies in its folder: what people renamed or threw away is theirs.
    pub fn is_object(&self, key: &str) -> bool {
        !self.trashed && self.name == split(key).1 && self.is_made_for(key)
    }

    /// Whether it lies in one of these folders. Where the root is among them any place will do: the root's id is not known.
    pub fn lies_in(&self, parents: &[String]) -> bool {
        parents.iter().any(|parent| parent == ROOT || self.parents.contains(parent))
    }

    pub fn size_bytes(&self) -> Option<u64> {
        self.size.as_ref()?.parse().ok()
    }

    /// What comes later in this order is newer.
    pub fn age(&self) -> (&str, &str) {
        (&self.created_time, &self.id)
    }
}

/// A key as a property: 64 bytes whatever its length, of the 124 that name and value may have.
fn key_mark(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}

/// The metadata of a file that becomes the content of a key.
pub(super) fn metadata(id: &str, key: &str, parent: &str) -> Value {
    json!({
        "id": id,
        "name": split(key).1,
        "mimeType": "application/octet-stream",
        "parents": [parent],
        "appProperties": { MARK: key_mark(key) },
    })
}

/// The metadata of a folder to be made.
pub(super) fn folder_metadata(id: &str, name: &str, parent: &str) -> Value {
    json!({
        "id": id,
        "name": name,
        "mimeType": FOLDER,
        "parents": [parent],
        "appProperties": { MARK: FOLDER_MARK },
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct About {
    user: User,
    #[serde(default)]
    storage_quota: Quota,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    email_address: Option<String>,
    display_name: Option<String>,
    permission_id: String,
}

/// Numbers are text there.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Quota {
    limit: Option<String>,
    usage: Option<String>,
    usage_in_drive_trash: Option<String>,
}

fn number(text: Option<&String>) -> Option<u64> {
    text?.parse().ok()
}

impl About {
    pub fn info(&self) -> AccountInfo {
        let name = self.user.email_address.as_ref().or(self.user.display_name.as_ref());
        AccountInfo {
            name: name.unwrap_or(&self.user.permission_id).clone(),
            id: self.user.permission_id.clone(),
            total_bytes: number(self.storage_quota.limit.as_ref()),
            used_bytes: number(self.storage_quota.usage.as_ref()),
        }
    }

    pub fn full(&self) -> String {
        let quota = &self.storage_quota;
        let tell = |n: Option<&String>| match number(n) {
            #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
            Some(n) => format!("{:.1} GiB", n as f64 / (1u64 << 30) as f64),
            None => "an unknown part".into(),
        };
        format!(
            "The Google Drive of {} is full ({} of {} used, {} of it by the trash). Free some space, empty its trash, or keep fewer \
             copies there.",
            self.info().name,
            tell(quota.usage.as_ref()),
            tell(quota.limit.as_ref()),
            tell(quota.usage_in_drive_trash.as_ref())
        )
    }
}

/// A text within a query.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The part of a query that says where.
pub(super) fn within<'a>(parents: impl Iterator<Item = &'a str>) -> String {
    let parents: Vec<String> = parents.map(|id| format!("{} in parents", quoted(id))).collect();
    format!("({}) and trashed = false", parents.join(" or "))
}

/// Folders of a name.
pub(super) fn folders_named(name: &str, parents: &[String]) -> String {
    let place = within(parents.iter().map(String::as_str));
    format!("name = {} and mimeType = '{FOLDER}' and {place}", quoted(name))
}

/// Files of a name.
pub(super) fn files_named(name: &str, parents: &[String]) -> String {
    let place = within(parents.iter().map(String::as_str));
    format!("name = {} and mimeType != '{FOLDER}' and {place}", quoted(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_queries_are_quoted() {
        assert_eq!(quoted("plain"), "'plain'");
        assert_eq!(quoted("l'été\\"), "'l\\'été\\\\'");
        let parents = ["a".to_string(), "b'".to_string()];
        assert_eq!(
            folders_named("it's", &parents),
            "name = 'it\\'s' and mimeType = 'application/vnd.google-apps.folder' and ('a' in parents or 'b\\'' in parents) and \
             trashed = false"
        );
    }

    #[test]
    fn numbers_come_as_text_and_may_be_missing() {
        let json = r#"{"id":"1","size":"6442450944","createdTime":"2026-11-26T10:00:00.000Z","unknown":{}}"#;
        let file: File = serde_json::from_str(json).unwrap();
        assert_eq!(file.size_bytes(), Some(6 << 30));
        let json = r#"{"user":{"permissionId":"7","displayName":"A Shop"},"storageQuota":{"usage":"5"}}"#;
        let info = serde_json::from_str::<About>(json).unwrap().info();
        let expected =
            AccountInfo { name: "A Shop".into(), id: "7".into(), total_bytes: None, used_bytes: Some(5) };
        assert_eq!(info, expected);
    }

    #[test]
    fn what_is_ours_is_told_by_its_mark_its_name_and_its_place() {
        let file = |change: fn(&mut Value)| {
            let mut json = metadata("1", "set/copy/db.sql.gz", "p1");
            change(&mut json);
            serde_json::from_value::<File>(json).unwrap()
        };
        let ours = file(|_| {});
        assert!(ours.is_object("set/copy/db.sql.gz"));
        assert!(!ours.is_object("set/other/db.sql.gz"));
        assert!(ours.lies_in(&["p2".into(), "p1".into()]) && !ours.lies_in(&["p2".into()]));
        assert!(ours.lies_in(&[ROOT.into()]));
        assert!(!file(|f| f["name"] = "x".into()).is_object("set/copy/db.sql.gz"));
        assert!(!file(|f| f["trashed"] = true.into()).is_object("set/copy/db.sql.gz"));
        assert!(!file(|f| f["appProperties"] = json!({})).is_object("set/copy/db.sql.gz"));
        assert!(!file(|f| f["mimeType"] = FOLDER.into()).is_object("set/copy/db.sql.gz"));
        assert!(!file(|f| f["mimeType"] = FOLDER.into()).is_our_folder());
        let folder = file(|f| {
            f["mimeType"] = FOLDER.into();
            f["appProperties"] = json!({ MARK: FOLDER_MARK });
        });
        assert!(folder.is_our_folder());
    }

    #[test]
    fn a_mark_fits_into_a_property() {
        assert!(MARK.len() + key_mark(&"ü".repeat(500)).len() <= 124);
    }
}
