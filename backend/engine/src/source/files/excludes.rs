//! What a Set leaves out of `files.tgz`.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot leave out '{pattern}': {reason}")]
pub struct ExcludeError {
    pub pattern: String,
    pub reason: String,
}

/// Paths and globs relative to the Magento root: `var`, `pub/media/catalog/product/cache`, `var/*`, `**/node_modules`.
///
/// `*` and `?` stay within one name, `**` spans directories. Every pattern also matches the path that is spelled like it, so that
/// a directory named `a[b]` can be given as it is. Names in the tree are bytes; patterns are text.
#[derive(Debug, Clone, Default)]
pub struct Excludes {
    literal: HashSet<Vec<u8>>,
    globs: GlobSet,
}

impl Excludes {
    /// Slashes at either end and a leading `./` do not matter.
    ///
    /// # Errors
    /// The first pattern that is empty, names the root itself, has a `..` or is not a valid glob.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Excludes, ExcludeError> {
        let mut literal = HashSet::new();
        let mut globs = GlobSetBuilder::new();
        for pattern in patterns {
            let pattern = pattern.as_ref();
            let error = |reason: &str| ExcludeError { pattern: pattern.into(), reason: reason.into() };
            let names: Vec<&str> = pattern.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
            if names.is_empty() {
                return Err(error("it names no directory below the Magento root"));
            }
            if names.contains(&"..") {
                return Err(error("it must not contain '..'"));
            }
            let path = names.join("/");
            if path.contains(['*', '?', '[', '{', '\\']) {
                let glob = GlobBuilder::new(&path).literal_separator(true).backslash_escape(true).build();
                globs.add(glob.map_err(|e| error(&e.kind().to_string()))?);
            }
            literal.insert(path.into_bytes());
        }
        let globs = globs.build().map_err(|e| ExcludeError {
            pattern: e.glob().unwrap_or_default().into(),
            reason: e.kind().to_string(),
        })?;
        Ok(Excludes { literal, globs })
    }

    /// Whether the path or a directory above it is left out.
    pub fn matches_above(&self, path: &[u8]) -> bool {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
        ends.chain([path.len()]).any(|end| self.matches(&path[..end]))
    }

    /// Whether the entry at this path (relative to the root, no slash at either end) is left out.
    pub fn matches(&self, path: &[u8]) -> bool {
        self.literal.contains(path)
            || (!self.globs.is_empty() && self.globs.is_match(Path::new(OsStr::from_bytes(path))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("var", b"var", true)]
    #[case("var", b"var/cache", false)] // never asked: the walk stops at `var`
    #[case("var", b"app/var", false)]
    #[case("/pub/media/tmp/", b"pub/media/tmp", true)]
    #[case("./pub//static", b"pub/static", true)]
    #[case("var/*", b"var/cache", true)]
    #[case("var/*", b"var", false)]
    #[case("var/*", b"var/a/b", false)]
    #[case("*.log", b"debug.log", true)]
    #[case("*.log", b"var/debug.log", false)]
    #[case("**/*.log", b"var/log/debug.log", true)]
    #[case("**/node_modules", b"node_modules", true)]
    #[case("**/node_modules", b"a/b/node_modules", true)]
    #[case("pub/media/*/cache", b"pub/media/x/cache", true)]
    #[case("{var,generated}/*", b"generated/code", true)]
    #[case("a[b]", b"a[b]", true)]
    #[case("a[b]", b"ab", true)]
    #[case("caf?", b"caf\xe9", true)]
    #[case("**/*", b"\xff\xfe/\n", true)]
    #[case("Var", b"var", false)]
    fn a_pattern_matches_paths_relative_to_the_root(
        #[case] pattern: &str,
        #[case] path: &[u8],
        #[case] expected: bool,
    ) {
        assert_eq!(Excludes::new(&[pattern]).unwrap().matches(path), expected);
    }

    #[rstest]
    #[case("")]
    #[case("/")]
    #[case("./")]
    #[case("../x")]
    #[case("a/../b")]
    #[case("a/[")]
    #[case("{a,b")]
    fn a_pattern_that_means_nothing_below_the_root_is_refused_by_name(#[case] pattern: &str) {
        let error = Excludes::new(&["var", pattern]).unwrap_err();
        assert_eq!(error.pattern.trim_matches('/'), pattern.trim_matches('/'));
        assert!(!error.reason.is_empty());
    }

    #[test]
    fn without_patterns_nothing_is_left_out() {
        assert!(!Excludes::default().matches(b"var"));
    }
}
