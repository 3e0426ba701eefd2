//! Running contenders in rounds.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub struct Contender {
    pub name: String,
    command: String,
    after: Option<Box<dyn FnMut()>>,
    runs: Vec<Run>,
}

struct Run {
    wall: f64,
    cpu: f64,
    bytes: u64,
    /// KiB
    peak: u64,
}

/// Contenders that do the same work.
pub struct Work {
    /// Short, for the summary.
    pub name: &'static str,
    pub title: String,
    /// The contender that the others are compared with.
    pub reference: Option<usize>,
    pub contenders: Vec<Contender>,
    before: Option<Box<dyn FnMut(usize)>>,
}

impl Work {
    pub fn new(name: &'static str, title: String, contenders: Vec<Contender>) -> Self {
        Work { name, title, reference: None, contenders, before: None }
    }

    pub fn against(mut self, reference: usize) -> Self {
        self.reference = Some(reference);
        self
    }

    /// Untimed, in each round before the first contender: all of them find the same. It is told the round, from 0.
    pub fn before(mut self, hook: impl FnMut(usize) + 'static) -> Self {
        self.before = Some(Box::new(hook));
        self
    }
}

/// Runs all in interleaved rounds. Each round begins with another work, and each work with another contender: what the machine does
/// beside it hits all of them alike.
pub fn run(works: &mut [Work], out: &Path, rounds: usize) {
    let count = works.len();
    for round in 0..rounds {
        for i in 0..count {
            let work = &mut works[(i + round) % count];
            if let Some(before) = &mut work.before {
                before(round);
            }
            let contenders = work.contenders.len();
            for i in 0..contenders {
                work.contenders[(i + round) % contenders].run(out);
            }
        }
        println!("round {} of {rounds} is over", round + 1);
    }
}

impl Contender {
    pub fn new(name: &str, command: String) -> Self {
        Contender { name: name.into(), command, after: None, runs: Vec::new() }
    }

    /// Untimed, after each run; may take away what it left.
    pub fn after(mut self, hook: impl FnMut() + 'static) -> Self {
        self.after = Some(Box::new(hook));
        self
    }

    /// Once, without a record.
    pub fn warm_up(&mut self, out: &Path) {
        self.run(out);
        self.runs.clear();
    }

    fn run(&mut self, out: &Path) {
        empty(out);
        // `times` prints the shell's own time and then, on the second line, that of everything it ran.
        let script = format!("set -eo pipefail; {}; times", self.command);
        let began = Instant::now();
        let (output, seen) = watched(&script);
        let wall = began.elapsed().as_secs_f64();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {text}{}", self.name, String::from_utf8_lossy(&output.stderr));
        let children = text.lines().last().expect("`times` printed something");
        let cpu = children.split_whitespace().map(seconds).sum();
        // Our own process knows better than what was seen from outside.
        let told =
            text.lines().find_map(|l| l.strip_prefix("peak_kib ")).map(|n| n.parse().expect("a number"));
        self.runs.push(Run { wall, cpu, bytes: size(out), peak: told.unwrap_or(seen) });
        if let Some(after) = &mut self.after {
            after();
        }
    }

    pub fn wall(&self) -> f64 {
        median(self.runs.iter().map(|r| r.wall))
    }

    pub fn wall_range(&self) -> (f64, f64) {
        let walls = || self.runs.iter().map(|r| r.wall);
        (walls().fold(f64::INFINITY, f64::min), walls().fold(0.0, f64::max))
    }

    pub fn cpu(&self) -> f64 {
        median(self.runs.iter().map(|r| r.cpu))
    }

    pub fn bytes(&self) -> f64 {
        median(self.runs.iter().map(|r| r.bytes as f64))
    }

    /// The most of all rounds.
    pub fn peak_mib(&self) -> f64 {
        self.runs.iter().map(|r| r.peak).max().unwrap_or_default() as f64 / 1024.0
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn empty(dir: &Path) {
    for entry in std::fs::read_dir(dir).expect("the output folder is there") {
        let path = entry.expect("the output folder can be read").path();
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.expect("the output of the last run can be removed");
    }
}

/// Runs a script, and sees how much memory (KiB) its processes had resident at most, added up.
fn watched(script: &str) -> (Output, u64) {
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let bash = bash.spawn().expect("bash is there");
    let (shell, ended) = (bash.id(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peaks = HashMap::new();
            while !ended.load(Ordering::Relaxed) {
                note_peaks(shell, &mut peaks);
                std::thread::sleep(Duration::from_millis(20));
            }
            peaks.values().sum()
        });
        let output = bash.wait_with_output().expect("bash can be waited for");
        ended.store(true, Ordering::Relaxed);
        (output, watcher.join().expect("the watcher ends"))
    })
}

/// Everything below a process. The kernel's peak of a process only grows, and begins anew with the program it becomes.
fn note_peaks(process: u32, peaks: &mut HashMap<u32, u64>) {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    for child in children.unwrap_or_default().split_whitespace().filter_map(|n| n.parse::<u32>().ok()) {
        if let Some(peak) = peak_of(&child.to_string()) {
            peaks.insert(child, peak);
        }
        note_peaks(child, peaks);
    }
}

/// KiB; `self` is a process, too.
pub fn peak_of(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// `1m02.345s`
fn seconds(text: &str) -> f64 {
    let (minutes, seconds) = text.trim_end_matches('s').split_once('m').expect("minutes and seconds");
    minutes.parse::<f64>().expect("minutes") * 60.0
        + seconds.replace(',', ".").parse::<f64>().expect("seconds")
}

pub fn size(path: &Path) -> u64 {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).expect("a readable folder");
        entries.map(|e| size(&e.expect("an entry").path())).sum()
    } else {
        std::fs::symlink_metadata(path).map_or(0, |m| m.len())
    }
}
