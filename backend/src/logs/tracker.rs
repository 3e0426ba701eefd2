//! From the events of a pass to its progress: phases, rates, the time left. Pure: time comes in as what has passed since the
//! start.

use contract::{DestinationProgress, LogProgress, OverallStatus, Phase, PhaseProgress, PhaseState};
use engine::event::{self, Event};
use std::collections::VecDeque;
use std::time::Duration;

/// Rates are measured over this long.
const WINDOW: Duration = Duration::from_secs(8);
/// No forecast before a phase has run this long: its first seconds say little.
const FORECAST_AFTER: Duration = Duration::from_secs(2);

/// The state of one pass.
#[derive(Debug)]
pub struct Tracker {
    log_id: i64,
    status: OverallStatus,
    phases: Vec<Tracked>,
    destinations: Vec<Destination>,
}

/// What a pass will have, as far as it is known before it begins.
#[derive(Debug, Default)]
pub struct Plan {
    pub phases: Vec<Phase>,
    /// The destinations besides this server, each with its place among the rows of the job.
    pub destinations: Vec<(usize, DestinationProgress)>,
}

#[derive(Debug)]
struct Tracked {
    progress: PhaseProgress,
    began: Duration,
    meter: Meter,
}

#[derive(Debug)]
struct Destination {
    row: usize,
    progress: DestinationProgress,
    meter: Meter,
}

/// When how many bytes were done, oldest first; the first one is at the window's start or before.
#[derive(Debug, Default)]
struct Meter(VecDeque<(Duration, u64)>);

impl Tracker {
    /// A pass that is about to start.
    pub fn new(log_id: i64, plan: Plan) -> Self {
        let destination = |(row, progress)| Destination { row, progress, meter: Meter::default() };
        Tracker {
            log_id,
            status: OverallStatus::Pending,
            phases: tracked(&plan.phases),
            destinations: plan.destinations.into_iter().map(destination).collect(),
        }
    }

    pub fn apply(&mut self, event: &Event, at: Duration) {
        match event {
            Event::Started { phase, total_bytes, total_items } => {
                let tracked = self.phase(*phase);
                tracked.began = at;
                tracked.meter = Meter::begun(at);
                tracked.progress.state = PhaseState::Running;
                tracked.progress.bytes_total = total_bytes.map(signed);
                tracked.progress.items_total = total_items.map(signed);
            }
            Event::Advanced { phase, bytes, bytes_written, items } => {
                let tracked = self.phase(*phase);
                tracked.progress.state = PhaseState::Running;
                tracked.progress.bytes_done = signed(*bytes);
                tracked.progress.bytes_written = signed(*bytes_written);
                tracked.progress.items_done = signed(*items);
                tracked.meter.sample(at, *bytes);
            }
            Event::Ended { phase, ok } => {
                let progress = &mut self.phase(*phase).progress;
                progress.state = if *ok { PhaseState::Done } else { PhaseState::Failed };
                progress.rate_bytes_per_sec = None;
            }
            Event::RowStarted { row, total_bytes } => {
                if let Some(destination) = self.destination(*row) {
                    destination.meter = Meter::begun(at);
                    destination.progress.state = PhaseState::Running;
                    destination.progress.bytes_total = Some(signed(*total_bytes));
                }
            }
            Event::RowAdvanced { row, bytes } => {
                let running = |d: &&mut Destination| d.progress.state == PhaseState::Running;
                if let Some(destination) = self.destination(*row).filter(running) {
                    destination.progress.bytes_done = signed(*bytes);
                    destination.meter.sample(at, *bytes);
                }
            }
            Event::RowEnded { row, ok } => {
                if let Some(destination) = self.destination(*row) {
                    destination.progress.state = if *ok { PhaseState::Done } else { PhaseState::Failed };
                    if *ok && let Some(total) = destination.progress.bytes_total {
                        destination.progress.bytes_done = total;
                    }
                }
            }
            Event::Warned(_) => {}
        }
    }

    pub fn finish(&mut self, status: OverallStatus) {
        self.status = status;
    }

    pub fn snapshot(&self, at: Duration) -> LogProgress {
        let rate = |state: PhaseState, meter: &Meter| match state {
            PhaseState::Running => meter.rate(at),
            _ => None,
        };
        let phase = |t: &Tracked| PhaseProgress {
            rate_bytes_per_sec: rate(t.progress.state, &t.meter),
            ..t.progress.clone()
        };
        let destination = |d: &Destination| DestinationProgress {
            rate_bytes_per_sec: rate(d.progress.state, &d.meter),
            ..d.progress.clone()
        };
        LogProgress {
            log_id: self.log_id,
            overall_status: self.status,
            phases: self.phases.iter().map(phase).collect(),
            destinations: self.destinations.iter().map(destination).collect(),
            elapsed_sec: at.as_secs_f64(),
            remaining_sec: self.remaining(at),
        }
    }

    /// Phases run side by side: the one that takes longest counts. Nothing is said while one of them cannot tell.
    fn remaining(&self, at: Duration) -> Option<f64> {
        let running = self.phases.iter().filter(|t| t.progress.state == PhaseState::Running);
        let mut longest: Option<f64> = None;
        for tracked in running {
            let seconds = tracked.remaining(at)?;
            longest = Some(longest.map_or(seconds, |l| l.max(seconds)));
        }
        longest
    }

    fn phase(&mut self, phase: event::Phase) -> &mut Tracked {
        let phase = wire_phase(phase);
        let index = self.phases.iter().position(|t| t.progress.phase == phase).unwrap_or_else(|| {
            self.phases.append(&mut tracked(&[phase]));
            self.phases.len() - 1
        });
        &mut self.phases[index]
    }

    fn destination(&mut self, row: usize) -> Option<&mut Destination> {
        self.destinations.iter_mut().find(|d| d.row == row)
    }
}

fn tracked(phases: &[Phase]) -> Vec<Tracked> {
    let tracked = |phase: &Phase| Tracked {
        progress: PhaseProgress {
            phase: *phase,
            state: PhaseState::Waiting,
            bytes_done: 0,
            bytes_total: None,
            bytes_written: 0,
            items_done: 0,
            items_total: None,
            rate_bytes_per_sec: None,
        },
        began: Duration::ZERO,
        meter: Meter::default(),
    };
    phases.iter().map(tracked).collect()
}

impl Meter {
    fn begun(at: Duration) -> Meter {
        Meter(VecDeque::from([(at, 0)]))
    }

    fn sample(&mut self, at: Duration, bytes: u64) {
        self.0.push_back((at, bytes));
        let start = at.saturating_sub(WINDOW);
        // The newest sample at or before the window's start stays, so that a slow phase still has a rate.
        while self.0.get(1).is_some_and(|(t, _)| *t <= start) {
            self.0.pop_front();
        }
    }

    /// Bytes a second over the window that ends at `at`.
    fn rate(&self, at: Duration) -> Option<f64> {
        let (first_at, first) = self.0.front()?;
        let (_, last) = self.0.back()?;
        let seconds = at.checked_sub(*first_at)?.as_secs_f64();
        (self.0.len() > 1 && seconds > 0.0).then(|| last.saturating_sub(*first) as f64 / seconds)
    }
}

impl Tracked {
    fn remaining(&self, at: Duration) -> Option<f64> {
        let left = self.progress.bytes_total?.saturating_sub(self.progress.bytes_done).max(0);
        if left == 0 {
            return Some(0.0);
        }
        let forecast = at.checked_sub(self.began)? >= FORECAST_AFTER;
        let rate = self.meter.rate(at).filter(|rate| forecast && *rate > 0.0)?;
        Some(left as f64 / rate)
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn wire_phase(phase: event::Phase) -> Phase {
    match phase {
        event::Phase::Preflight => Phase::Preflight,
        event::Phase::Files => Phase::Files,
        event::Phase::Database => Phase::Database,
        event::Phase::Seal => Phase::Seal,
        event::Phase::Retention => Phase::Retention,
        event::Phase::Upload => Phase::Upload,
    }
}
