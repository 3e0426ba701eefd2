//! The engine against the tools everybody has: `cargo bench -p engine --bench against -- [files] [dump] [upload] [memory] [--rounds N]`.
//!
//! Every contender is a process of its own, its CPU time is taken from the shell that ran it, its output is flushed to the disk
//! before the clock stops. Rounds are interleaved and begin with another contender each time: what the machine does beside it hits
//! all of them alike. Wall clocks of a shared machine wander; CPU seconds are what to compare first.
//! The data is made from a seed, once, in the target directory.

#![allow(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

mod child;
mod data;
mod measure;
mod upload;

use measure::{Contender, table};
use std::path::{Path, PathBuf};

/// What the program may use in its whole life, measured over the largest pass below.
const MEMORY_LIMIT_MIB: f64 = 150.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if arguments.first().is_some_and(|a| a == "--child") {
        return child::run(&arguments[1..]);
    }
    let rounds = arguments
        .iter()
        .position(|a| a == "--rounds")
        .map_or(3, |i| arguments[i + 1].parse().expect("a number"));
    let wanted = |name: &str| {
        let named: Vec<_> = ["files", "dump", "upload", "memory"]
            .into_iter()
            .filter(|n| arguments.iter().any(|a| a == n))
            .collect();
        named.is_empty() || named.contains(&name)
    };
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    std::fs::create_dir_all(&dir).expect("the target directory can be written");
    if wanted("files") {
        files(&dir, rounds);
    }
    if wanted("dump") {
        dump(&dir, rounds);
    }
    if wanted("upload") {
        upload::compare(&dir, rounds);
    }
    if wanted("memory") {
        memory(&dir);
    }
}

fn ourselves(mode: &str, arguments: &[&str]) -> String {
    let program = std::env::current_exe().expect("this program has a path");
    let arguments: Vec<String> = arguments.iter().map(|a| format!("'{a}'")).collect();
    format!("'{}' --child {mode} {}", program.display(), arguments.join(" "))
}

/// A folder for one contender's output, empty.
fn out(dir: &Path) -> PathBuf {
    let out = dir.join("out");
    if out.exists() {
        std::fs::remove_dir_all(&out).expect("the output of the last round can be removed");
    }
    std::fs::create_dir_all(&out).expect("the output folder can be made");
    out
}

fn files(dir: &Path, rounds: usize) {
    let tree = data::tree(dir);
    let out = out(dir);
    let (source, target) = (tree.display(), out.display());
    let piped = |tool: &str| {
        format!("tar -C '{source}' -cf - . | {tool} > '{target}/files.tgz' && sync '{target}/files.tgz'")
    };
    let contenders = [
        Contender::new("storekeep", ourselves("files", &[&source.to_string(), &target.to_string()])),
        Contender::new("tar | gzip", piped("gzip -6")),
        Contender::new("tar | pigz -p2 -6", piped("pigz -p2 -6")),
    ];
    table(&format!("files: {}", data::describe(&tree)), contenders, &out, rounds);
}

fn dump(dir: &Path, rounds: usize) {
    let database = data::database(dir);
    let out = out(dir);
    let target = out.display();
    let dump = format!(
        "mariadb-dump --defaults-extra-file='{}' --single-transaction --quick shop",
        database.defaults.display()
    );
    let piped = |tool: &str| format!("{dump} | {tool} > '{target}/db.sql.gz' && sync '{target}/db.sql.gz'");
    let contenders = [
        Contender::new("storekeep", ourselves("dump", &[&database.url("shop"), &target.to_string()])),
        Contender::new("mariadb-dump | gzip", piped("gzip -6")),
        Contender::new("mariadb-dump | pigz -p2 -6", piped("pigz -p2 -6")),
    ];
    table(&format!("dump: {}", database.describe("shop")), contenders, &out, rounds);
}

/// One whole pass over 100,000 small files, a 2 GiB file and a 1 GiB table; then its two expensive parts side by side with as many
/// threads as a pass has on the largest machine.
fn memory(dir: &Path) {
    let tree = data::large_tree(dir);
    let database = data::database_with_large_table(dir);
    let out = out(dir);
    let arguments = [&tree.display().to_string(), &database.url("large"), &out.display().to_string()];
    let arguments = arguments.map(String::as_str);
    let contenders = [
        Contender::new("storekeep, a whole pass", ourselves("pass", &arguments)),
        Contender::new("files and dump, many cores", ourselves("many-cores", &arguments)),
    ];
    let title = format!("memory: {}; {}", data::describe(&tree), database.describe("large"));
    let measured = table(&title, contenders, &out, 1);
    let peak = measured.iter().map(Contender::peak_mib).fold(0.0, f64::max);
    println!("peak resident memory: {peak:.1} MiB (limit {MEMORY_LIMIT_MIB} MiB)");
    if peak > MEMORY_LIMIT_MIB {
        println!("FAILED: above the limit");
        std::process::exit(1);
    }
}
