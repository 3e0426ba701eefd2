//! Which tables a Set's `exclude_tables` mean.

use super::catalog::Table;
use super::groups;
use std::collections::{BTreeMap, BTreeSet};

/// What the patterns came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The excluded tables, each with the pattern that names it first, as the operator wrote it.
    pub excluded: BTreeMap<String, String>,
    /// Patterns that match no table here, and groups that do not exist.
    pub unmatched: BTreeSet<String>,
}

/// Resolves patterns against the tables of one database. A pattern is tried as given and behind the table prefix; groups stand for
/// their patterns. Views and sequences have no rows of their own and are never excluded.
pub fn resolve(patterns: &[String], prefix: &str, tables: &[Table]) -> Resolved {
    let mut resolved = Resolved::default();
    for written in patterns {
        let written = written.trim();
        let expanded = match written.starts_with('@') {
            true => groups::expand(written),
            false => vec![written.to_string()],
        };
        let mut matched = false;
        for table in tables.iter().filter(|table| table.kind.holds_rows()) {
            if expanded.iter().any(|pattern| names(pattern, prefix, &table.name)) {
                matched = true;
                resolved.excluded.entry(table.name.clone()).or_insert_with(|| written.to_string());
            }
        }
        if !matched {
            resolved.unmatched.insert(written.to_string());
        }
    }
    resolved
}

/// Whether `pattern`, as given or behind the prefix, means the table.
pub fn names(pattern: &str, prefix: &str, table: &str) -> bool {
    glob(pattern.as_bytes(), table.as_bytes())
        || (!prefix.is_empty()
            && table.strip_prefix(prefix).is_some_and(|bare| glob(pattern.as_bytes(), bare.as_bytes())))
}

/// `*` stands for any bytes, `?` for one; everything else, case included, for itself.
pub fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where to go on when the last star has to take one byte more.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((after_star, taken)) => {
                    retry = Some((after_star, taken + 1));
                    p = after_star;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}
