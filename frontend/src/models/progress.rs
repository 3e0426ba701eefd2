//! How far a running pass is.

use super::{format, words};
use contract::{
    DestinationProgress, LogProgress, OverallStatus, Phase, PhaseProgress, PhaseState, StorageType,
};

/// One line of the progress panel.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseLine {
    pub phase: Phase,
    pub title: &'static str,
    pub hint: &'static str,
    pub state: PhaseState,
    /// 0 to 1; `None` while the size is not known.
    pub fraction: Option<f64>,
    /// `1.2 GB of 3.4 GB`
    pub amount: String,
    /// `12 034 of 84 000 files`
    pub items: String,
    /// `38 MB/s`
    pub rate: String,
}

/// Phases that read the store and are measured in bytes; the others are short steps.
pub fn is_measured(phase: Phase) -> bool {
    matches!(phase, Phase::Files | Phase::Database | Phase::Upload)
}

pub fn line(p: &PhaseProgress) -> PhaseLine {
    PhaseLine {
        phase: p.phase,
        title: words::phase(p.phase),
        hint: words::phase_hint(p.phase),
        state: p.state,
        fraction: fraction(p),
        amount: amount(p),
        items: items(p),
        rate: match (p.state, p.rate_bytes_per_sec) {
            (PhaseState::Running, Some(rate)) => format::rate(rate),
            _ => String::new(),
        },
    }
}

fn fraction(p: &PhaseProgress) -> Option<f64> {
    match (p.state, p.bytes_total) {
        (PhaseState::Done, _) => Some(1.0),
        (PhaseState::Waiting, _) => Some(0.0),
        (_, Some(total)) if total > 0 => Some((p.bytes_done as f64 / total as f64).clamp(0.0, 0.99)),
        _ => None,
    }
}

fn amount(p: &PhaseProgress) -> String {
    if !is_measured(p.phase) || p.state == PhaseState::Waiting {
        return String::new();
    }
    let done = format::bytes(p.bytes_done);
    match (p.state, p.bytes_total) {
        (PhaseState::Running, Some(total)) if total > p.bytes_done => {
            format!("{done} of about {}", format::bytes(total))
        }
        (PhaseState::Done, _) if p.bytes_written > 0 && p.phase != Phase::Upload => {
            format!("{done}, compressed to {}", format::bytes(p.bytes_written))
        }
        _ => done,
    }
}

fn items(p: &PhaseProgress) -> String {
    let (one, many) = match p.phase {
        Phase::Files => ("entry", "entries"),
        Phase::Database => ("table", "tables"),
        // The manifest is one of them.
        Phase::Upload => ("file", "files"),
        _ => return String::new(),
    };
    match (p.state, p.items_total) {
        (PhaseState::Waiting, _) => String::new(),
        (PhaseState::Running, Some(total)) if total >= p.items_done => {
            format!("{} of {}", format::count(p.items_done), format::counted(total, one, many))
        }
        _ => format::counted(p.items_done, one, many),
    }
}

/// One destination of the upload.
#[derive(Debug, Clone, PartialEq)]
pub struct DestinationLine {
    pub title: String,
    pub kind: StorageType,
    pub state: PhaseState,
    pub fraction: Option<f64>,
    /// `1.2 GB of 3.4 GB, 12 MB/s`
    pub text: String,
}

pub fn destination(d: &DestinationProgress) -> DestinationLine {
    let fraction = match (d.state, d.bytes_total) {
        (PhaseState::Done, _) => Some(1.0),
        (PhaseState::Waiting, _) => Some(0.0),
        (_, Some(total)) if total > 0 => Some((d.bytes_done as f64 / total as f64).clamp(0.0, 0.99)),
        (PhaseState::Failed, _) => Some(0.0),
        (PhaseState::Running, _) => None,
    };
    let done = format::bytes(d.bytes_done);
    let text = match (d.state, d.bytes_total) {
        (PhaseState::Waiting, _) => String::new(),
        (PhaseState::Running | PhaseState::Failed, Some(total)) => {
            let amount = format!("{done} of {}", format::bytes(total));
            match d.rate_bytes_per_sec {
                Some(rate) => format!("{amount}, {}", format::rate(rate)),
                None => amount,
            }
        }
        _ => done,
    };
    DestinationLine { title: d.title.clone(), kind: d.kind, state: d.state, fraction, text }
}

/// The whole pass, 0 to 1: bytes done of bytes known. Stays below 1 until the pass has ended; `None` while a running
/// phase cannot say how much there is.
pub fn overall(progress: &LogProgress) -> Option<f64> {
    if progress.overall_status != OverallStatus::Pending {
        return Some(1.0);
    }
    let (mut done, mut total) = (0.0, 0.0);
    for p in progress.phases.iter().filter(|p| is_measured(p.phase)) {
        match (p.state, p.bytes_total) {
            (PhaseState::Running, None | Some(..=0)) => return None,
            (PhaseState::Done | PhaseState::Failed, _) => {
                let all = p.bytes_total.unwrap_or(p.bytes_done).max(p.bytes_done) as f64;
                done += all;
                total += all;
            }
            (_, Some(all)) => {
                done += p.bytes_done.clamp(0, all.max(0)) as f64;
                total += all.max(0) as f64;
            }
            (PhaseState::Waiting, None) => {}
        }
    }
    let begun = progress.phases.iter().any(|p| is_measured(p.phase) && p.state != PhaseState::Waiting);
    match (begun, total > 0.0) {
        (false, _) => Some(0.0),
        (true, true) => Some((done / total).min(0.99)),
        (true, false) => None,
    }
}

/// Whether a pass still waits for its turn. The row says so at the time it was read; the progress is newer.
pub fn is_queued(row_says: bool, progress: Option<&LogProgress>) -> bool {
    let waits = |p: &PhaseProgress| p.phase == Phase::Queued || p.state == PhaseState::Waiting;
    row_says
        && progress.is_none_or(|p| p.overall_status == OverallStatus::Pending && p.phases.iter().all(waits))
}

/// Whole percent of a fraction, as progress bars and their names show it.
pub fn percent(fraction: f64) -> u8 {
    (fraction.clamp(0.0, 1.0) * 100.0).floor() as u8
}

/// What a screen reader is told; changes with every tenth only, so that it does not chatter.
pub fn announcement(progress: &LogProgress) -> String {
    let running = progress.phases.iter().filter(|p| p.state == PhaseState::Running);
    let names: Vec<&str> = running.map(|p| words::phase(p.phase)).collect();
    let tenths = overall(progress).map(|f| format!("{} percent", percent(f) / 10 * 10));
    [Some(names.join(" and ")).filter(|n| !n.is_empty()), tenths]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(phase: Phase, state: PhaseState, done: i64, total: Option<i64>) -> PhaseProgress {
        PhaseProgress {
            phase,
            state,
            bytes_done: done,
            bytes_total: total,
            bytes_written: done / 2,
            items_done: 1200,
            items_total: Some(5000),
            rate_bytes_per_sec: Some(2_000_000.0),
        }
    }

    fn pass(phases: Vec<PhaseProgress>) -> LogProgress {
        LogProgress {
            log_id: 1,
            overall_status: OverallStatus::Pending,
            phases,
            destinations: vec![],
            elapsed_sec: 1.0,
            remaining_sec: None,
        }
    }

    use Phase::*;
    use PhaseState::*;

    #[test]
    fn the_whole_is_weighed_by_bytes() {
        for (phases, expected) in [
            (vec![], Some(0.0)),
            (vec![phase(Preflight, Running, 0, None), phase(Files, Waiting, 0, Some(100))], Some(0.0)),
            (vec![phase(Files, Running, 30, Some(90)), phase(Database, Running, 5, Some(10))], Some(0.35)),
            (vec![phase(Files, Running, 30, Some(90)), phase(Database, Running, 5, None)], None),
            (vec![phase(Files, Done, 80, Some(90)), phase(Database, Running, 5, Some(10))], Some(0.95)),
            (vec![phase(Files, Done, 90, None), phase(Upload, Waiting, 0, None)], Some(0.99)),
            (vec![phase(Files, Running, 120, Some(90))], Some(0.99)),
        ] {
            assert_eq!(overall(&pass(phases.clone())), expected, "{phases:?}");
        }
        let ended = LogProgress { overall_status: OverallStatus::Failed, ..pass(vec![]) };
        assert_eq!(overall(&ended), Some(1.0));
    }

    #[test]
    fn a_line_says_how_much_how_many_and_how_fast() {
        let l = line(&phase(Files, Running, 1_200_000, Some(3_400_000)));
        assert_eq!(l.amount, "1.2 MB of about 3.4 MB");
        assert_eq!(l.items, "1\u{202f}200 of 5\u{202f}000 entries");
        assert_eq!(l.rate, "2.0 MB/s");
        let l = line(&phase(Database, Done, 2_000_000, Some(3_400_000)));
        assert_eq!((l.amount.as_str(), l.rate.as_str()), ("2.0 MB, compressed to 1.0 MB", ""));
        assert_eq!(l.fraction, Some(1.0));
        assert_eq!(line(&phase(Seal, Running, 0, None)).fraction, None);
        assert_eq!(line(&phase(Files, Waiting, 0, Some(5))).items, "");
    }

    #[test]
    fn a_destination_says_how_much_it_has_taken() {
        let progress = |state, done, total| DestinationProgress {
            storage_id: "7".into(),
            title: "Offsite".into(),
            kind: StorageType::AmazonS3,
            state,
            bytes_done: done,
            bytes_total: total,
            rate_bytes_per_sec: (state == Running).then_some(2_000_000.0),
        };
        for (state, done, total, fraction, text) in [
            (Waiting, 0, None, Some(0.0), ""),
            (Running, 1_200_000, Some(3_000_000), Some(0.4), "1.2 MB of 3.0 MB, 2.0 MB/s"),
            (Running, 3_000_000, Some(3_000_000), Some(0.99), "3.0 MB of 3.0 MB, 2.0 MB/s"),
            (Failed, 1_200_000, Some(3_000_000), Some(0.4), "1.2 MB of 3.0 MB"),
            (Failed, 0, None, Some(0.0), "0 B"),
            (Done, 3_000_000, Some(3_000_000), Some(1.0), "3.0 MB"),
        ] {
            let line = destination(&progress(state, done, total));
            assert_eq!((line.fraction, line.text.as_str()), (fraction, text), "{state:?}");
        }
    }

    #[test]
    fn a_pass_is_queued_until_its_progress_says_that_it_runs() {
        let waiting = pass(vec![phase(Queued, Running, 0, None), phase(Files, Waiting, 0, Some(5))]);
        let begun = pass(vec![phase(Queued, Done, 0, None), phase(Preflight, Running, 0, None)]);
        let over = LogProgress { overall_status: OverallStatus::Failed, ..waiting.clone() };
        for (row_says, progress, expected) in [
            (true, None, true),
            (true, Some(&waiting), true),
            (true, Some(&begun), false),
            (true, Some(&over), false),
            (false, Some(&waiting), false),
            (false, None, false),
        ] {
            assert_eq!(is_queued(row_says, progress), expected, "{row_says} {progress:?}");
        }
    }

    #[test]
    fn announcements_name_what_runs_in_tenths() {
        let p = pass(vec![phase(Files, Running, 37, Some(100)), phase(Database, Waiting, 0, Some(0))]);
        assert_eq!(announcement(&p), "Files, 30 percent");
        assert_eq!(percent(0.999), 99);
    }
}
