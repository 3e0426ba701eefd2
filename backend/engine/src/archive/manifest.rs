//! `manifest.json`: what a copy is, and the mark that this program finished it.
//!
//! It is the last file of a copy to be written and the first to be deleted. Its name lies outside of `files.tgz.*`, which a restore
//! concatenates.

use super::ArchiveFile;
use super::dump::DumpedDatabase;
use crate::event::Warning;
use crate::policy::layout;
use crate::source::files::LinkOut;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Rises when a reader of an older version could misunderstand a manifest; new fields alone do not raise it.
pub const FORMAT: u32 = 1;
pub const PROGRAM: &str = "storekeep";
/// No manifest is larger: lists in it are capped where they are made. What is larger is not ours.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveType {
    Files,
    Database,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// Always [`PROGRAM`].
    pub program: String,
    pub program_version: String,
    /// Title of the Set when the copy was made.
    pub title: String,
    pub folder: String,
    /// Name of the copy's own folder. A copy that was renamed or moved to another Set is nobody's any more, and no sweep touches it.
    pub copy: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub requested: Vec<ArchiveType>,
    pub done: Vec<ArchiveType>,
    /// Everything that was asked for is in the archives.
    pub complete: bool,
    /// The Set had no local row: this copy only waits for its uploads, and goes with the next pass.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub staging: bool,
    pub archives: Vec<ArchiveFile>,
    pub source: SourceInfo,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<FilesInfo>,
    #[serde(default)]
    pub databases: Vec<DumpedDatabase>,
    /// How many warnings the pass had; the list may hold fewer.
    #[serde(default)]
    pub warnings_total: u64,
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceInfo {
    /// As configured, and with links resolved (the release behind `current`). Lossy text.
    pub root: String,
    pub resolved_root: Option<String>,
    /// `Magento Open Source 2.4.7-p3`
    pub magento_version: Option<String>,
    /// `aws-s3`: the store's media are in this kind of remote storage, and in no archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_storage: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesInfo {
    pub entries: u64,
    pub source_bytes: u64,
    /// Directories that are empty in the archive because the Set leaves them out.
    pub excluded: Vec<String>,
    pub links_out: Vec<LinkOut>,
    /// Further links out of the root, which are not listed.
    pub links_out_more: u64,
}

/// Why a file named `manifest.json` is not the manifest of this copy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    #[error("it is not a manifest of this program: {0}")]
    Unreadable(String),
    #[error("it was made by a newer version (format {0})")]
    Newer(u32),
    #[error("it belongs to {0}")]
    Elsewhere(String),
    #[error("it names an archive outside of its copy: {0}")]
    UnsafeName(String),
}

impl Manifest {
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }

    /// The manifest of the copy `<folder>/<copy>/`, if `json` is that.
    pub fn read(json: &[u8], folder: &str, copy: &str) -> Result<Manifest, NotOurs> {
        #[derive(Deserialize)]
        struct Mark {
            format: u32,
            program: String,
        }
        let unreadable = |e: serde_json::Error| NotOurs::Unreadable(e.to_string());
        let mark: Mark = serde_json::from_slice(json).map_err(unreadable)?;
        if mark.program != PROGRAM {
            return Err(NotOurs::Unreadable(format!("the program is `{}`", mark.program)));
        }
        if mark.format > FORMAT {
            return Err(NotOurs::Newer(mark.format));
        }
        let manifest: Manifest = serde_json::from_slice(json).map_err(unreadable)?;
        if manifest.folder != folder || manifest.copy != copy {
            return Err(NotOurs::Elsewhere(format!("{}/{}", manifest.folder, manifest.copy)));
        }
        let reserved = [layout::MANIFEST, layout::TOMBSTONE];
        match manifest.archives.iter().find(|a| !layout::is_safe_key(&a.name) || reserved.contains(&&*a.name))
        {
            Some(archive) => Err(NotOurs::UnsafeName(archive.name.clone())),
            None => Ok(manifest),
        }
    }

    /// Bytes of all archives.
    pub fn size_bytes(&self) -> u64 {
        self.archives.iter().map(|a| a.size_bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn manifest() -> Manifest {
        Manifest {
            format: FORMAT,
            program: PROGRAM.into(),
            program_version: "0.1.0".into(),
            title: "Nightly \"full\"".into(),
            folder: "nightly".into(),
            copy: "2026-11-22T02-30-00Z".into(),
            started_at: "2026-11-22T02:30:00Z".parse().unwrap(),
            finished_at: "2026-11-22T02:31:07.5Z".parse().unwrap(),
            requested: vec![ArchiveType::Files, ArchiveType::Database],
            done: vec![ArchiveType::Files],
            complete: false,
            staging: false,
            archives: vec![ArchiveFile {
                name: "files/files.tgz".into(),
                size_bytes: 17,
                sha256: "ab".repeat(32),
            }],
            source: SourceInfo { root: "/srv/store".into(), ..SourceInfo::default() },
            files: Some(FilesInfo {
                entries: 3,
                source_bytes: 99,
                excluded: vec!["var/cache".into()],
                links_out: vec![],
                links_out_more: 0,
            }),
            databases: vec![],
            warnings_total: 1,
            warnings: vec![Warning::missing("database_failed", None, "The database is missing.")],
        }
    }

    #[test]
    fn a_manifest_comes_back_as_it_went() {
        let json = manifest().to_json().unwrap();
        assert_eq!(Manifest::read(&json, "nightly", "2026-11-22T02-30-00Z").unwrap(), manifest());
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(value["requested"], serde_json::json!(["files", "database"]));
        assert_eq!(value["started_at"], "2026-11-22T02:30:00Z");
    }

    #[test]
    fn only_the_manifest_of_this_very_copy_counts() {
        let json = manifest().to_json().unwrap();
        let read = |folder, copy| Manifest::read(&json, folder, copy).unwrap_err();
        assert_eq!(
            read("other", "2026-11-22T02-30-00Z"),
            NotOurs::Elsewhere("nightly/2026-11-22T02-30-00Z".into())
        );
        assert!(matches!(read("nightly", "2026-11-23T02-30-00Z"), NotOurs::Elsewhere(_)));
        for other in
            ["", "{}", "[]", "null", r#"{"format":1,"program":"storekeep"}"#, r#"{"name":"my-theme"}"#]
        {
            let error = Manifest::read(other.as_bytes(), "nightly", "x").unwrap_err();
            assert!(matches!(error, NotOurs::Unreadable(_)), "{other}: {error}");
        }
        let foreign = Manifest { program: "another".into(), ..manifest() }.to_json().unwrap();
        assert!(matches!(Manifest::read(&foreign, "nightly", "x"), Err(NotOurs::Unreadable(_))));
    }

    #[test]
    fn a_manifest_of_a_newer_format_is_left_alone_but_new_fields_are_fine() {
        let mut value = serde_json::to_value(manifest()).unwrap();
        value["signature"] = "later".into();
        value["source"]["hostname"] = "later".into();
        let json = serde_json::to_vec(&value).unwrap();
        assert_eq!(Manifest::read(&json, "nightly", "2026-11-22T02-30-00Z").unwrap(), manifest());
        let json = br#"{"format":2,"program":"storekeep","everything":"else"}"#;
        assert_eq!(Manifest::read(json, "nightly", "x"), Err(NotOurs::Newer(2)));
    }

    #[test]
    fn a_manifest_cannot_name_what_lies_outside_of_its_copy() {
        for name in ["../other/files.tgz", "/etc/passwd", "files/../../x", "", "manifest.json"] {
            let archives = vec![ArchiveFile { name: name.into(), size_bytes: 1, sha256: String::new() }];
            let json = Manifest { archives, ..manifest() }.to_json().unwrap();
            let error = Manifest::read(&json, "nightly", "2026-11-22T02-30-00Z").unwrap_err();
            assert_eq!(error, NotOurs::UnsafeName(name.into()));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(json in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Manifest::read(&json, "a", "b");
        }

        #[test]
        fn damaged_manifests_never_panic(at in 0usize..1200, byte in any::<u8>()) {
            let mut json = manifest().to_json().unwrap();
            let at = at % json.len();
            json[at] = byte;
            if let Ok(read) = Manifest::read(&json, "nightly", "2026-11-22T02-30-00Z") {
                prop_assert_eq!(read.copy, manifest().copy);
            }
        }
    }
}
