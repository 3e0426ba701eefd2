//! Who imports what: `house` rules that no crate boundary keeps.

mod paths;

use paths::{Path, paths_of};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path as FilePath, PathBuf};

const MAX_LINES: usize = 500;

fn root() -> PathBuf {
    FilePath::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn rust_files(dir: &FilePath, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !["target", "dist", "node_modules", "data"].contains(&name.as_str())
            {
                rust_files(&path, found);
            }
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// One source file of a crate, with the paths it uses outside of its unit tests.
struct Source {
    /// Relative to the crate's `src`: `users/roles/repo.rs`.
    file: String,
    /// The module path from the crate's root: `["users", "roles", "repo"]`.
    module: Vec<String>,
    paths: Vec<Path>,
}

impl Source {
    /// The part of a file's name that tells its role, also for `repo/queries.rs`.
    fn is(&self, role: &str) -> bool {
        self.module.iter().skip(1).any(|m| m == role || m.starts_with(&format!("{role}_")))
    }

    fn top(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }

    /// Paths that lead into this crate, from its root.
    fn inside(&self) -> impl Iterator<Item = Path> + '_ {
        self.paths.iter().filter_map(|path| match path.first().map(String::as_str) {
            Some("crate" | "storekeep") => Some(path[1..].to_vec()),
            Some("self") => Some([&self.module[..], &path[1..]].concat()),
            Some("super") => {
                let ups = path.iter().take_while(|s| *s == "super").count();
                let base = self.module.len().checked_sub(ups)?;
                Some([&self.module[..base], &path[ups..]].concat())
            }
            _ => None,
        })
    }

    fn uses_crate(&self, name: &str) -> bool {
        self.paths.iter().any(|p| p[0] == name)
    }

    fn uses_module(&self, name: &str) -> bool {
        self.inside().any(|p| p.first().is_some_and(|m| m == name))
    }
}

fn sources(src: &str) -> Vec<Source> {
    let src = root().join(src);
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(!files.is_empty());
    // Unit tests in a file of their own may know what the code beside them must not.
    files.retain(|file| {
        let file = file.to_string_lossy();
        !file.ends_with("tests.rs") && !file.contains("/tests/")
    });
    files
        .into_iter()
        .map(|path| {
            let file = path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
            let mut module: Vec<String> = file.trim_end_matches(".rs").split('/').map(Into::into).collect();
            if module.last().is_some_and(|m| m == "mod" || module.len() == 1 && (m == "lib" || m == "main")) {
                module.pop();
            }
            let paths = paths_of(&std::fs::read_to_string(&path).unwrap());
            Source { file, module, paths }
        })
        .collect()
}

#[track_caller]
fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn no_file_of_code_is_longer_than_500_lines() {
    let mut files = Vec::new();
    rust_files(&root(), &mut files);
    assert!(files.len() > 100);
    let mut faults = Vec::new();
    for file in files {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        if lines > MAX_LINES {
            faults.push(format!("{} has {lines} lines", file.display()));
        }
    }
    none(faults);
}

#[test]
fn crates_know_only_what_lies_below_them() {
    let server = ["actix_web", "actix_files", "sea_orm", "sea_orm_migration"];
    let rules: [(&str, Vec<&str>); 4] = [
        ("openapi/src", [&server[..], &["storekeep", "engine", "migration", "frontend", "tokio"]].concat()),
        ("backend/engine/src", [&server[..], &["storekeep", "contract", "migration", "frontend"]].concat()),
        ("migration/src", ["actix_web", "sea_orm", "storekeep", "engine", "contract"].to_vec()),
        ("frontend/src", [&server[..], &["storekeep", "engine", "migration"]].concat()),
    ];
    let mut faults = Vec::new();
    for (src, forbidden) in rules {
        for source in sources(src) {
            for name in forbidden.iter().filter(|n| source.uses_crate(n)) {
                faults.push(format!("{src}/{} uses {name}", source.file));
            }
        }
    }
    none(faults);
}

#[test]
fn the_roles_of_files_know_only_what_they_may() {
    let mut faults = Vec::new();
    for source in sources("backend/src") {
        let mut forbid = |condition: bool, what: &str| {
            if condition {
                faults.push(format!("backend/src/{} uses {what}", source.file));
            }
        };
        if source.is("handlers") || source.is("routes") {
            for name in ["sea_orm", "engine"] {
                forbid(source.uses_crate(name), name);
            }
            forbid(source.uses_module("entity"), "entity");
            forbid(source.inside().any(|p| p.iter().skip(1).any(|m| m == "repo")), "a repo");
        }
        if source.is("service") {
            for name in ["actix_web", "sea_orm"] {
                forbid(source.uses_crate(name), name);
            }
            for name in ["http", "entity"] {
                forbid(source.uses_module(name), name);
            }
        }
        if source.is("repo") {
            for name in ["actix_web", "contract", "engine"] {
                forbid(source.uses_crate(name), name);
            }
            forbid(source.uses_module("http"), "http");
            forbid(source.inside().any(|p| p.iter().skip(1).any(|m| m == "service")), "a service");
            let foreign = source
                .inside()
                .find(|p| p.first().is_some_and(|m| m != source.top()) && p[1..].iter().any(|m| m == "repo"));
            forbid(foreign.is_some(), "another room's repo");
        }
        let keeps_rows = source.is("repo") || ["entity", "db", "testing"].contains(&source.top());
        forbid(!keeps_rows && source.uses_module("entity"), "entity, which is for repos alone");
        forbid(!keeps_rows && source.uses_crate("sea_orm"), "sea_orm, which is for repos alone");
        if source.top() == "http" {
            for name in ["sea_orm", "engine"] {
                forbid(source.uses_crate(name), name);
            }
        }
        if source.top() == "scheduler" && !source.is("repo") {
            let stranger = source.inside().find(|p| p.iter().any(|m| m == "repo" || m == "handlers"));
            forbid(stranger.is_some(), "a repo or a handler");
        }
        if !["cli", "app", "main", "demo"].contains(&source.top())
            && source.uses_module("app")
            && source.top() != "serve"
        {
            forbid(true, "app, which puts everything together and is used by nothing");
        }
    }
    none(faults);
}

/// The edges between top-level modules, with one file for each.
fn edges(src: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let sources = sources(src);
    let modules: BTreeSet<String> =
        sources.iter().filter(|s| !s.module.is_empty()).map(|s| s.top().to_owned()).collect();
    let mut edges: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for source in sources.iter().filter(|s| !s.module.is_empty()) {
        for path in source.inside() {
            let Some(target) = path.first().filter(|t| modules.contains(*t) && *t != source.top()) else {
                continue;
            };
            edges.entry(source.top().into()).or_default().insert(target.clone(), source.file.clone());
        }
    }
    assert!(edges.len() > 3, "{edges:?}");
    edges
}

fn find_cycle(edges: &BTreeMap<String, BTreeMap<String, String>>) -> Option<Vec<String>> {
    fn visit(
        node: &str,
        edges: &BTreeMap<String, BTreeMap<String, String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|n| n == node) {
            return Some([&way[start..], &[node.to_owned()]].concat());
        }
        if done.contains(node) {
            return None;
        }
        way.push(node.into());
        let found = edges.get(node).and_then(|to| to.keys().find_map(|n| visit(n, edges, way, done)));
        way.pop();
        done.insert(node.into());
        found
    }
    let mut done = BTreeSet::new();
    edges.keys().find_map(|node| visit(node, edges, &mut Vec::new(), &mut done))
}

#[test]
fn no_two_top_level_modules_know_each_other() {
    for src in ["backend/src", "backend/engine/src"] {
        let edges = edges(src);
        if let Some(cycle) = find_cycle(&edges) {
            let files: Vec<String> =
                cycle.windows(2).map(|w| format!("{} -> {} ({})", w[0], w[1], edges[&w[0]][&w[1]])).collect();
            panic!("{src}: {}", files.join(", "));
        }
    }
}

#[test]
fn a_cycle_would_be_found() {
    let edge = |to: &str| BTreeMap::from([(to.to_owned(), "file.rs".to_owned())]);
    let edges = BTreeMap::from([
        ("a".to_owned(), edge("b")),
        ("b".to_owned(), edge("c")),
        ("c".to_owned(), edge("b")),
    ]);
    assert_eq!(find_cycle(&edges), Some(vec!["b".into(), "c".into(), "b".into()]));
}
