//! Running contenders and printing how they compare.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

pub struct Contender {
    name: &'static str,
    command: String,
    runs: Vec<Run>,
}

struct Run {
    wall: f64,
    cpu: f64,
    bytes: u64,
    /// KiB; what our own process says of itself, or of what it watched.
    peak: Option<u64>,
}

impl Contender {
    pub fn new(name: &'static str, command: String) -> Self {
        Contender { name, command, runs: Vec::new() }
    }

    fn run(&mut self, out: &Path) {
        for entry in std::fs::read_dir(out).expect("the output folder is there") {
            let path = entry.expect("the output folder can be read").path();
            let removed =
                if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.expect("the output of the last run can be removed");
        }
        // `times` prints the shell's own time and then, on the second line, that of everything it ran.
        let script = format!("set -eo pipefail; {}; times", self.command);
        let began = Instant::now();
        let output = Command::new("bash").args(["-c", &script]).output().expect("bash is there");
        let wall = began.elapsed().as_secs_f64();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {text}{}", self.name, String::from_utf8_lossy(&output.stderr));
        let children = text.lines().last().expect("`times` printed something");
        let cpu = children.split_whitespace().map(seconds).sum();
        let peak =
            text.lines().find_map(|l| l.strip_prefix("peak_kib ")).map(|n| n.parse().expect("a number"));
        self.runs.push(Run { wall, cpu, bytes: size(out), peak });
    }

    fn median(&self, value: impl Fn(&Run) -> f64) -> f64 {
        let mut values: Vec<f64> = self.runs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    fn knows_peak(&self) -> bool {
        self.runs.iter().any(|r| r.peak.is_some())
    }

    pub fn peak_mib(&self) -> f64 {
        self.runs.iter().filter_map(|r| r.peak).max().expect("a peak that was reported") as f64 / 1024.0
    }
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

/// Runs all of them in interleaved rounds and prints medians, and the first one's ratios to each other one.
pub fn table<const N: usize>(
    title: &str,
    mut all: [Contender; N],
    out: &Path,
    rounds: usize,
) -> [Contender; N] {
    println!("\n{title}; {rounds} interleaved rounds");
    for round in 0..rounds {
        for i in 0..N {
            all[(i + round) % N].run(out);
        }
    }
    println!("{:<28} {:>8} {:>17} {:>8} {:>10} {:>10}", "", "wall s", "min-max", "CPU s", "MiB", "peak MiB");
    for c in &all {
        let wall = |pick: fn(f64, f64) -> f64| c.runs.iter().map(|r| r.wall).reduce(pick).unwrap_or_default();
        let peak = c.knows_peak().then(|| format!("{:.1}", c.peak_mib()));
        println!(
            "{:<28} {:>8.2} {:>17} {:>8.2} {:>10.2} {:>10}",
            c.name,
            c.median(|r| r.wall),
            format!("{:.2}-{:.2}", wall(f64::min), wall(f64::max)),
            c.median(|r| r.cpu),
            c.median(|r| r.bytes as f64) / f64::from(1 << 20),
            peak.unwrap_or_default()
        );
    }
    let (ours, others) = all.split_first().expect("at least one contender");
    for other in others {
        let bytes = |c: &Contender| c.median(|r| r.bytes as f64);
        // Uploads leave nothing here; of tools that run as they are, the memory is not known.
        let size =
            (bytes(other) > 0.0).then(|| format!(", {:.3} times its size", bytes(ours) / bytes(other)));
        let memory = (ours.knows_peak() && other.knows_peak())
            .then(|| format!(", {:.2} times its memory", ours.peak_mib() / other.peak_mib()));
        println!(
            "{} against {}: {:.2} times faster, {:.2} times less CPU{}{}",
            ours.name,
            other.name,
            other.median(|r| r.wall) / ours.median(|r| r.wall),
            other.median(|r| r.cpu) / ours.median(|r| r.cpu),
            size.unwrap_or_default(),
            memory.unwrap_or_default()
        );
    }
    all
}
