//! Whether somebody deploys the store while a pass runs.
//!
//! Nothing is locked, and the store is not put into maintenance mode: a backup must not take the shop down. What a deployment leaves behind
//! tells of it afterwards: the release that the root leads to, `pub/static/deployed_version.txt`, and `var/.maintenance.flag`, which tools
//! that deploy without an interruption never set.

use super::Source;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// There while the store is in maintenance mode.
pub const MAINTENANCE_FLAG: &str = "var/.maintenance.flag";

/// A version is a time in seconds.
const MAX_VERSION: u64 = 256;

/// What a deployment changes, at one moment. What cannot be read counts as absent: what is wrong with it is told by who needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// With links resolved.
    root: Option<PathBuf>,
    /// Of the static content.
    version: Option<Vec<u8>>,
    maintenance: bool,
}

/// What there is to say of a copy that was made meanwhile.
#[derive(Debug, PartialEq, Eq)]
pub struct Remark {
    /// Stable.
    pub code: &'static str,
    pub text: String,
}

impl Source {
    /// Blocks.
    pub fn deployment(&self) -> Deployment {
        let version = || {
            let mut version = Vec::new();
            let file = File::open(self.root.join("pub/static/deployed_version.txt")).ok()?;
            file.take(MAX_VERSION).read_to_end(&mut version).ok()?;
            Some(version)
        };
        Deployment {
            root: self.resolve_root().ok(),
            version: version(),
            maintenance: self.root.join(MAINTENANCE_FLAG).exists(),
        }
    }
}

impl Deployment {
    /// What happened between this moment and another, later one.
    pub fn until(&self, later: &Deployment) -> Option<Remark> {
        let deployed = |what: String| {
            let text = format!(
                "The store was deployed while this copy was made ({what}): its files and its database may belong to different versions. Make another copy."
            );
            Some(Remark { code: "deployed", text })
        };
        let shown = |root: &Option<PathBuf>| {
            root.as_ref().map_or_else(|| "nowhere".to_owned(), |root| root.display().to_string())
        };
        if self.root != later.root {
            return deployed(format!(
                "the Magento root led to {}, and leads to {} now",
                shown(&self.root),
                shown(&later.root)
            ));
        }
        if self.version != later.version {
            return deployed("pub/static/deployed_version.txt has changed".into());
        }
        let when = match (self.maintenance, later.maintenance) {
            (false, false) => return None,
            (true, true) => "while this copy was made",
            (true, false) => "when this copy was begun",
            (false, true) => "before this copy was done",
        };
        let text = format!(
            "The store was in maintenance mode {when} ({MAINTENANCE_FLAG}). If a deployment was under way, its files and its database may belong to different versions: make another copy once it is over."
        );
        Some(Remark { code: "maintenance", text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::collections::BTreeMap;
    use std::fs;

    fn at(root: &str, version: Option<&str>, maintenance: bool) -> Deployment {
        Deployment { root: Some(root.into()), version: version.map(Into::into), maintenance }
    }

    #[rstest]
    #[case(at("/a", Some("1"), false), at("/a", Some("1"), false), None)]
    #[case(at("/a", None, false), at("/a", None, false), None)]
    #[case(at("/a", Some("1"), false), at("/a", Some("2"), false), Some(("deployed", "deployed_version.txt")))]
    #[case(at("/a", Some("1"), false), at("/a", None, false), Some(("deployed", "deployed_version.txt")))]
    #[case(at("/a", Some("1"), true), at("/a", Some("2"), false), Some(("deployed", "deployed_version.txt")))]
    #[case(at("/r/1", Some("1"), false), at("/r/2", Some("1"), false), Some(("deployed", "led to /r/1, and leads to /r/2 now")))]
    #[case(at("/a", None, true), at("/a", None, true), Some(("maintenance", "while this copy was made")))]
    #[case(at("/a", None, true), at("/a", None, false), Some(("maintenance", "when this copy was begun")))]
    #[case(at("/a", None, false), at("/a", None, true), Some(("maintenance", "before this copy was done")))]
    fn what_happened_is_told(
        #[case] before: Deployment,
        #[case] after: Deployment,
        #[case] expected: Option<(&str, &str)>,
    ) {
        let remark = before.until(&after);
        assert_eq!(remark.as_ref().map(|remark| remark.code), expected.map(|(code, _)| code));
        if let (Some(remark), Some((_, says))) = (remark, expected) {
            assert!(remark.text.contains(says), "{}", remark.text);
        }
    }

    #[test]
    fn a_store_is_looked_at_through_the_link_to_its_release() {
        let dir = tempfile::tempdir().unwrap();
        for release in ["1", "2"] {
            fs::create_dir_all(dir.path().join(release).join("pub/static")).unwrap();
            fs::write(dir.path().join(release).join("pub/static/deployed_version.txt"), release).unwrap();
        }
        let root = dir.path().join("current");
        std::os::unix::fs::symlink("1", &root).unwrap();
        let source = Source { root: root.clone(), database_url: None, environment: BTreeMap::new() };
        let before = source.deployment();
        assert_eq!(before.until(&source.deployment()), None);
        assert_eq!(before.version.as_deref(), Some(&b"1"[..]));
        fs::remove_file(&root).unwrap();
        std::os::unix::fs::symlink("2", &root).unwrap();
        assert_eq!(before.until(&source.deployment()).map(|remark| remark.code), Some("deployed"));
    }
}
