//! What a Set leaves out, and how much that saves.

use contract::{SourceReport, SourceTable, TableGroup};
use std::collections::{BTreeMap, BTreeSet};

/// An estimate: `bytes` is a lower bound while `open` (patterns and paths whose size is not known).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Saved {
    pub bytes: i64,
    pub open: bool,
}

pub fn is_pattern(line: &str) -> bool {
    line.contains(['*', '?', '[', '{'])
}

/// A typed line as it is stored: trimmed, without slashes at either end.
pub fn tidy_path(line: &str) -> String {
    let line = line.trim();
    line.strip_prefix("./").unwrap_or(line).trim_matches('/').to_string()
}

/// The excluded directory that holds `path`, if there is one above it.
pub fn covered_by<'a>(path: &str, excludes: &'a [String]) -> Option<&'a str> {
    excludes
        .iter()
        .map(String::as_str)
        .filter(|e| !is_pattern(e))
        .find(|e| path.strip_prefix(e).is_some_and(|rest| rest.starts_with('/')))
}

/// Lines that no row of the picker stands for: patterns and deeper paths, in their order.
pub fn own_lines(report: Option<&SourceReport>, excludes: &[String]) -> Vec<String> {
    let known: BTreeSet<&str> = report.map(known_paths).unwrap_or_default();
    excludes.iter().filter(|e| !known.contains(e.as_str())).cloned().collect()
}

fn known_paths(report: &SourceReport) -> BTreeSet<&str> {
    report.directories.iter().chain(&report.suggested_excludes).map(|d| d.path.as_str()).collect()
}

pub fn saved_files(report: &SourceReport, excludes: &[String]) -> Saved {
    let mut saved = Saved::default();
    let mut counted: BTreeSet<&str> = BTreeSet::new();
    for line in excludes {
        let rows = || report.directories.iter().chain(&report.suggested_excludes);
        match rows().find(|d| d.path == *line) {
            Some(_) if covered_by(line, excludes).is_some() => {}
            Some(d) => {
                if counted.insert(&d.path) {
                    saved.bytes += d.size_bytes;
                    saved.open |= !d.complete;
                }
            }
            None => saved.open |= covered_by(line, excludes).is_none(),
        }
    }
    saved
}

/// `*` and `?` as the server matches table names.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut i, mut j, mut star) = (0, 0, None);
    while j < n.len() {
        if i < p.len() && p[i] == '*' {
            star = Some((i, j));
            i += 1;
        } else if i < p.len() && (p[i] == '?' || p[i] == n[j]) {
            (i, j) = (i + 1, j + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (i, j) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    p[i..].iter().all(|c| *c == '*')
}

/// One table of the store; the same name in several databases counts as one.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRow {
    pub name: String,
    pub rows: i64,
    pub size_bytes: i64,
    pub groups: Vec<String>,
}

/// The tables whose rows can be left out (no views), largest first.
pub fn tables(report: &SourceReport) -> Vec<TableRow> {
    let mut by_name: BTreeMap<&str, TableRow> = BTreeMap::new();
    let real = |t: &&SourceTable| t.kind == "table";
    for table in report.databases.iter().flat_map(|d| &d.tables).filter(real) {
        let row = by_name.entry(&table.name).or_insert_with(|| TableRow {
            name: table.name.clone(),
            rows: 0,
            size_bytes: 0,
            groups: table.groups.clone(),
        });
        row.rows += table.rows;
        row.size_bytes += table.size_bytes;
    }
    let mut rows: Vec<TableRow> = by_name.into_values().collect();
    rows.sort_by(|a, b| b.size_bytes.cmp(&a.size_bytes).then_with(|| a.name.cmp(&b.name)));
    rows
}

/// Why a table is left out: the first line that names it, a pattern or a group.
pub fn excluded_by<'a>(table: &TableRow, groups: &[TableGroup], excludes: &'a [String]) -> Option<&'a str> {
    excludes.iter().map(String::as_str).find(|line| {
        if line.starts_with('@') {
            table.groups.iter().any(|g| g == line)
                || groups.iter().any(|g| g.name == *line && g.tables.contains(&table.name))
        } else {
            matches(line, &table.name)
        }
    })
}

pub fn saved_tables(report: &SourceReport, excludes: &[String]) -> Saved {
    let out = tables(report);
    let out = out.iter().filter(|t| excluded_by(t, &report.table_groups, excludes).is_some());
    Saved { bytes: out.map(|t| t.size_bytes).sum(), open: false }
}

/// Table lines that neither a group's nor a table's row stands for.
pub fn table_patterns(report: Option<&SourceReport>, excludes: &[String]) -> Vec<String> {
    let known: BTreeSet<String> = report
        .map(|r| tables(r).into_iter().map(|t| t.name).chain(r.table_groups.iter().map(|g| g.name.clone())))
        .into_iter()
        .flatten()
        .collect();
    excludes.iter().filter(|e| !known.contains(*e)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{SourceDatabase, SourceDirectory};

    fn dir(path: &str, size_bytes: i64) -> SourceDirectory {
        SourceDirectory { path: path.into(), size_bytes, files: 1, complete: true, hint: None }
    }

    fn table(name: &str, size_bytes: i64, groups: &[&str]) -> SourceTable {
        let groups = groups.iter().map(ToString::to_string).collect();
        SourceTable { name: name.into(), rows: 10, size_bytes, kind: "table".into(), groups }
    }

    fn report() -> SourceReport {
        let mut view = table("inventory_stock_1", 0, &[]);
        view.kind = "view".into();
        SourceReport {
            root: None,
            resolved_root: None,
            version: None,
            table_prefix: String::new(),
            directories: vec![dir("pub", 900), dir("var", 500)],
            suggested_excludes: vec![dir("var/cache", 300), dir("pub/static", 200)],
            databases: vec![SourceDatabase {
                connections: vec!["default".into()],
                name: "shop".into(),
                address: "localhost".into(),
                server: None,
                tables: vec![table("sales_order", 50, &[]), table("customer_log", 70, &["@log"]), view],
                grants: vec![],
            }],
            table_groups: vec![TableGroup {
                name: "@log".into(),
                description: String::new(),
                suggested: true,
                tables: vec!["customer_log".into()],
                size_bytes: 70,
            }],
            problems: vec![],
        }
    }

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_is_saved_twice() {
        let r = report();
        assert_eq!(saved_files(&r, &lines(&["var/cache", "pub/static"])), Saved { bytes: 500, open: false });
        assert_eq!(saved_files(&r, &lines(&["var", "var/cache"])), Saved { bytes: 500, open: false });
        assert_eq!(saved_files(&r, &lines(&["var", "var"])).bytes, 500);
        assert_eq!(saved_files(&r, &lines(&["**/*.log"])), Saved { bytes: 0, open: true });
        assert_eq!(saved_files(&r, &lines(&["var", "var/x/y"])), Saved { bytes: 500, open: false });
    }

    #[test]
    fn a_directory_covers_only_what_is_below_it() {
        assert_eq!(covered_by("var/cache", &lines(&["var"])), Some("var"));
        assert_eq!(covered_by("var", &lines(&["var"])), None);
        assert_eq!(covered_by("variable/x", &lines(&["var"])), None);
    }

    #[test]
    fn own_lines_are_those_the_picker_has_no_row_for() {
        let r = report();
        let all = lines(&["var", "pub/media/tmp", "**/*.bak"]);
        assert_eq!(own_lines(Some(&r), &all), lines(&["pub/media/tmp", "**/*.bak"]));
        assert_eq!(own_lines(None, &all), all);
        assert_eq!(table_patterns(Some(&r), &lines(&["@log", "sales_order", "tmp_*"])), lines(&["tmp_*"]));
    }

    #[test]
    fn table_patterns_match_as_globs() {
        for (pattern, name, expected) in [
            ("log_*", "log_visitor", true),
            ("log_*", "catalog_x", false),
            ("*_cl", "catalog_product_cl", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn groups_patterns_and_names_leave_tables_out() {
        let r = report();
        let names: Vec<String> = tables(&r).into_iter().map(|t| t.name).collect();
        assert_eq!(names, ["customer_log", "sales_order"], "largest first, without views");
        assert_eq!(saved_tables(&r, &lines(&["@log", "customer_*"])).bytes, 70);
        assert_eq!(saved_tables(&r, &lines(&["sales_order", "@log"])).bytes, 120);
        let log = &tables(&r)[0];
        assert_eq!(excluded_by(log, &r.table_groups, &lines(&["x", "@log"])), Some("@log"));
    }

    #[test]
    fn typed_paths_are_tidied() {
        assert_eq!(tidy_path(" /pub/media/tmp/ "), "pub/media/tmp");
        assert_eq!(tidy_path("./var"), "var");
    }
}
