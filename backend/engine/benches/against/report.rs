//! Tables, ratios, and whether what we aim at is reached.

use crate::measure::{Contender, Work};
use std::fmt::Write;
use std::path::Path;

/// What our side of a work is to reach against the reference: at most this size, at least these ratios; and at most this memory.
struct Aim {
    work: &'static str,
    size: f64,
    cpu: f64,
    wall: f64,
    peak_mib: f64,
}

const AIMS: [Aim; 6] = [
    Aim { work: "files, first pass", size: 1.005, cpu: 3.0, wall: 2.5, peak_mib: 120.0 },
    Aim { work: "files, unchanged", size: 1.01, cpu: 25.0, wall: 15.0, peak_mib: 120.0 },
    Aim { work: "files, 1 % changed", size: 1.01, cpu: 9.0, wall: 7.0, peak_mib: 120.0 },
    Aim { work: "files, 10 % changed", size: 1.01, cpu: 5.0, wall: 4.0, peak_mib: 120.0 },
    Aim { work: "dump, first pass", size: 0.99, cpu: 3.4, wall: 2.5, peak_mib: 48.0 },
    Aim { work: "dump, unchanged", size: 0.99, cpu: 20.0, wall: 6.0, peak_mib: 48.0 },
];

/// How one contender compares with the reference: more is better, except for the size.
struct Ratios {
    cpu: f64,
    wall: f64,
    /// Uploads leave nothing here.
    size: Option<f64>,
}

impl Ratios {
    fn of(contender: &Contender, reference: &Contender) -> Ratios {
        Ratios {
            cpu: reference.cpu() / contender.cpu(),
            wall: reference.wall() / contender.wall(),
            size: (reference.bytes() > 0.0).then(|| contender.bytes() / reference.bytes()),
        }
    }
}

/// A line of either table.
fn cells(work: &Work, contender: &Contender) -> [String; 8] {
    let (least, most) = contender.wall_range();
    let ratios = work.reference.map(|at| Ratios::of(contender, &work.contenders[at]));
    let ratio = |value: fn(&Ratios) -> f64| ratios.as_ref().map_or(String::new(), |r| short(value(r)));
    let size = ratios.as_ref().and_then(|r| r.size).map_or(String::new(), |size| format!("{size:.4}"));
    [
        contender.name.clone(),
        format!("{:.2} ({least:.2}-{most:.2})", contender.wall()),
        format!("{:.2}", contender.cpu()),
        format!("{:.0}", contender.peak_mib()),
        format!("{:.1}", contender.bytes() / f64::from(1 << 20)),
        ratio(|r| r.cpu),
        ratio(|r| r.wall),
        size,
    ]
}

const HEAD: [&str; 8] = ["", "wall s (min-max)", "CPU s", "peak MiB", "MiB", "CPU x", "wall x", "size"];

fn short(ratio: f64) -> String {
    if ratio < 9.95 { format!("{ratio:.2}") } else { format!("{ratio:.1}") }
}

pub fn print(works: &[Work]) {
    for work in works {
        println!("\n{}", work.title);
        if let Some(at) = work.reference {
            println!(
                "ratios to {}: so many times less CPU, so many times faster, size",
                work.contenders[at].name
            );
        }
        print_line(&HEAD.map(String::from));
        for contender in &work.contenders {
            print_line(&cells(work, contender));
        }
        if let Some(aim) = AIMS.iter().find(|aim| aim.work == work.name) {
            aim.print(work);
        }
    }
}

fn print_line(cells: &[String; 8]) {
    let [name, wall, cpu, peak, bytes, cpu_ratio, wall_ratio, size] = cells;
    println!("{name:<30} {wall:>24} {cpu:>8} {peak:>9} {bytes:>9} {cpu_ratio:>7} {wall_ratio:>7} {size:>8}");
}

impl Aim {
    /// Ours is the first contender.
    fn print(&self, work: &Work) {
        let (Some(at), Some(ours)) = (work.reference, work.contenders.first()) else { return };
        let ratios = Ratios::of(ours, &work.contenders[at]);
        let mark = |reached: bool| if reached { "reached" } else { "NOT REACHED" };
        let size = ratios.size.unwrap_or_default();
        println!("aim: size {size:.4} (at most {}): {}", self.size, mark(size <= self.size));
        println!(
            "aim: CPU x {} (at least {}): {}",
            short(ratios.cpu),
            self.cpu,
            mark(ratios.cpu >= self.cpu)
        );
        println!(
            "aim: wall x {} (at least {}): {}",
            short(ratios.wall),
            self.wall,
            mark(ratios.wall >= self.wall)
        );
        let peak = ours.peak_mib();
        println!("aim: peak {peak:.0} MiB (at most {}): {}", self.peak_mib, mark(peak <= self.peak_mib));
    }
}

/// The same as one table in Markdown, to the terminal and into `file`.
pub fn summarize(works: &[Work], file: &Path, notes: &[String]) {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let mut line = |cells: &str| {
        let _ = writeln!(text, "{cells}");
    };
    for note in notes {
        line(note);
    }
    line("");
    line(&format!("| work | contender | {} |", HEAD[1..].join(" | ")));
    line("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for work in works {
        for (i, contender) in work.contenders.iter().enumerate() {
            let name = if i == 0 { work.name } else { "" };
            line(&format!(
                "| {name} | {} |",
                cells(work, contender).map(|cell| cell.replace('|', "\\|")).join(" | ")
            ));
        }
    }
    std::fs::write(file, &text).expect("the summary can be written");
    println!("\n{text}");
}
