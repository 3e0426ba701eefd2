//! The engine against the tools everybody has: `cargo bench -p engine --bench against -- [files] [dump] [upload] [memory] [shape]
//! [--rounds N]`.
//!
//! Every contender is a process of its own, its CPU time is taken from the shell that ran it, its output is flushed to the disk
//! before the clock stops. Rounds are interleaved and begin with another contender each time: what the machine does beside it hits
//! all of them alike. Wall clocks of a shared machine wander; CPU seconds are what to compare first.
//! The data is made from a seed, once, in the target directory; `shape` says what it is like.
//!
//! Later passes start from the archive that our last pass made. In front of each, untimed, the files or rows change; then all
//! contenders archive that one state.

#![allow(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

mod child;
mod data;
mod dump;
mod files;
mod measure;
mod report;
mod upload;

use measure::{Contender, Work};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the program may use in its whole life, measured over the largest pass below.
const MEMORY_LIMIT_MIB: f64 = 150.0;
/// An archive does not trust what changed at most 2 s before it: as in life, changes are older than that when a pass begins.
const SETTLE: Duration = Duration::from_secs(3);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if arguments.first().is_some_and(|a| a == "--child") {
        return child::run(&arguments[1..]);
    }
    let rounds = arguments
        .iter()
        .position(|a| a == "--rounds")
        .map_or(5, |i| arguments[i + 1].parse().expect("a number"));
    let modes = ["files", "dump", "upload", "memory", "shape"];
    let named: Vec<_> = modes.into_iter().filter(|mode| arguments.iter().any(|a| a == mode)).collect();
    let wanted = |mode: &str| if named.is_empty() { mode != "shape" } else { named.contains(&mode) };
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    std::fs::create_dir_all(&dir).expect("the target directory can be written");

    if wanted("shape") {
        data::shape::print(&dir);
    }
    let mut works = Vec::new();
    let mut notes = vec![format!("{rounds} interleaved rounds on {}; {}.", machine(), child::POLICY)];
    for (mode, compare) in [("files", files::compare as Compare), ("dump", dump::compare)] {
        if wanted(mode) {
            let mut measured = compare(&dir, rounds);
            notes.extend(measured.first().map(|work| format!("{}.", work.title)));
            works.append(&mut measured);
        }
    }
    if wanted("upload") {
        upload::compare(&dir, rounds);
    }
    if !works.is_empty() {
        report::summarize(&works, &dir.join("summary.md"), &notes);
    }
    if wanted("memory") {
        memory(&dir);
    }
}

type Compare = fn(&Path, usize) -> Vec<Work>;

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        about.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    format!("{cores} cores ({})", model.unwrap_or("unknown"))
}

fn ourselves(mode: &str, arguments: &[&str]) -> String {
    let program = std::env::current_exe().expect("this program has a path");
    let arguments: Vec<String> = arguments.iter().map(|a| format!("'{a}'")).collect();
    format!("'{}' --child {mode} {}", program.display(), arguments.join(" "))
}

/// A folder in `dir`, empty.
fn folder(dir: &Path, name: &str) -> PathBuf {
    let folder = dir.join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("what the last run left can be removed");
    }
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

/// A folder for one contender's output, empty.
fn out(dir: &Path) -> PathBuf {
    folder(dir, "out")
}

/// Makes what our side left the copy that its next pass starts from.
fn keep(out: &Path, base: &Path) {
    std::fs::remove_dir_all(base).expect("the copy before can be removed");
    std::fs::rename(out, base).expect("the output becomes the copy before");
    std::fs::create_dir(out).expect("the output folder can be made");
}

/// One whole pass over 100,000 small files, a 2 GiB file and a 1 GiB table; then its two expensive parts side by side with as many
/// threads as a pass has on the largest machine.
fn memory(dir: &Path) {
    let tree = data::large_tree(dir);
    let database = data::database_with_large_table(dir);
    let out = out(dir);
    let arguments = [&tree.display().to_string(), &database.url("large"), &out.display().to_string()];
    let arguments = arguments.map(String::as_str);
    let contenders = vec![
        Contender::new("storekeep, a whole pass", ourselves("pass", &arguments)),
        Contender::new("files and dump, many cores", ourselves("many-cores", &arguments)),
    ];
    let title = format!("memory: {}; {}", data::describe(&tree), database.describe("large"));
    let mut works = [Work::new("memory", title, contenders)];
    measure::run(&mut works, &out, 1);
    report::print(&works);
    let peak = works[0].contenders.iter().map(Contender::peak_mib).fold(0.0, f64::max);
    println!("peak resident memory: {peak:.1} MiB (limit {MEMORY_LIMIT_MIB} MiB)");
    if peak > MEMORY_LIMIT_MIB {
        println!("FAILED: above the limit");
        std::process::exit(1);
    }
}
