use super::tracker::{Plan, Tracker};
use contract::{DestinationProgress, OverallStatus, Phase, PhaseState, StorageType};
use engine::event::{self, Event};
use proptest::prelude::*;
use std::time::Duration;

const MIB: u64 = 1 << 20;

fn secs(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

fn tracker(log_id: i64, phases: &[Phase]) -> Tracker {
    Tracker::new(log_id, Plan { phases: phases.to_vec(), destinations: Vec::new() })
}

fn started(phase: event::Phase, total: Option<u64>) -> Event {
    Event::Started { phase, total_bytes: total, total_items: None }
}

fn advanced(phase: event::Phase, bytes: u64) -> Event {
    Event::Advanced { phase, bytes, bytes_written: bytes / 2, items: 1 }
}

#[test]
fn a_phase_waits_runs_and_ends() {
    let mut t = tracker(7, &[Phase::Preflight, Phase::Files, Phase::Seal]);
    t.apply(&started(event::Phase::Preflight, None), secs(0.1));
    t.apply(&Event::Ended { phase: event::Phase::Preflight, ok: true }, secs(0.2));
    t.apply(&started(event::Phase::Files, Some(10 * MIB)), secs(0.2));
    let s = t.snapshot(secs(0.3));
    let states: Vec<_> = s.phases.iter().map(|p| p.state).collect();
    assert_eq!(states, [PhaseState::Done, PhaseState::Running, PhaseState::Waiting]);
    assert_eq!((s.log_id, s.overall_status), (7, OverallStatus::Pending));
    t.apply(&Event::Ended { phase: event::Phase::Files, ok: false }, secs(1.0));
    assert_eq!(t.snapshot(secs(1.0)).phases[1].state, PhaseState::Failed);
}

#[test]
fn the_rate_is_that_of_the_last_seconds() {
    let mut t = tracker(1, &[Phase::Files]);
    t.apply(&started(event::Phase::Files, Some(1000 * MIB)), secs(0.0));
    for second in 1..=60 {
        t.apply(&advanced(event::Phase::Files, 10 * MIB * second), secs(second as f64));
    }
    let rate = t.snapshot(secs(60.0)).phases[0].rate_bytes_per_sec.unwrap();
    assert!((rate - 10.0 * MIB as f64).abs() < 1.0, "{rate}");
    // Then it stalls: the rate falls with every second that nothing comes.
    let later = t.snapshot(secs(100.0)).phases[0].rate_bytes_per_sec.unwrap();
    assert!(later < rate / 4.0, "{later}");
}

#[test]
fn the_time_left_is_that_of_the_slower_of_two_phases() {
    let mut t = tracker(1, &[Phase::Files, Phase::Database]);
    t.apply(&started(event::Phase::Files, Some(100 * MIB)), secs(0.0));
    t.apply(&started(event::Phase::Database, Some(100 * MIB)), secs(0.0));
    t.apply(&advanced(event::Phase::Files, 50 * MIB), secs(5.0));
    t.apply(&advanced(event::Phase::Database, 20 * MIB), secs(5.0));
    let left = t.snapshot(secs(5.0)).remaining_sec.unwrap();
    assert!((left - 20.0).abs() < 0.01, "{left}");
}

#[test]
fn nothing_is_forecast_without_a_total_or_a_rate() {
    let mut t = tracker(1, &[Phase::Files]);
    assert_eq!(t.snapshot(secs(1.0)).remaining_sec, None);
    t.apply(&started(event::Phase::Files, None), secs(0.0));
    t.apply(&advanced(event::Phase::Files, MIB), secs(10.0));
    assert_eq!(t.snapshot(secs(10.0)).remaining_sec, None);
    let mut t = tracker(1, &[Phase::Files]);
    t.apply(&started(event::Phase::Files, Some(MIB)), secs(0.0));
    assert_eq!(t.snapshot(secs(10.0)).remaining_sec, None);
}

#[test]
fn an_event_of_a_phase_that_nobody_announced_is_shown() {
    let mut t = tracker(1, &[]);
    t.apply(&started(event::Phase::Upload, None), secs(0.0));
    assert_eq!(t.snapshot(secs(1.0)).phases[0].phase, Phase::Upload);
}

#[test]
fn destinations_go_side_by_side_each_with_its_own_rate() {
    let destination = |id: &str| DestinationProgress {
        storage_id: id.into(),
        title: format!("Storage {id}"),
        kind: StorageType::Dropbox,
        state: PhaseState::Waiting,
        bytes_done: 0,
        bytes_total: None,
        rate_bytes_per_sec: None,
    };
    // Row 0 is the local one. Two rows may share a Storage Set.
    let destinations = vec![(1, destination("7")), (2, destination("7"))];
    let mut t = Tracker::new(1, Plan { phases: vec![Phase::Upload], destinations });
    assert_eq!(t.snapshot(secs(0.0)).destinations[1].state, PhaseState::Waiting);
    for row in [0, 1, 2] {
        t.apply(&Event::RowStarted { row, total_bytes: 100 * MIB }, secs(0.0));
    }
    t.apply(&Event::RowAdvanced { row: 1, bytes: 40 * MIB }, secs(4.0));
    t.apply(&Event::RowAdvanced { row: 2, bytes: 10 * MIB }, secs(4.0));
    t.apply(&Event::RowEnded { row: 2, ok: false }, secs(4.0));
    t.apply(&Event::RowAdvanced { row: 2, bytes: 11 * MIB }, secs(4.1));
    let s = t.snapshot(secs(4.0));
    let seen: Vec<_> = s.destinations.iter().map(|d| (d.state, d.bytes_done, d.rate_bytes_per_sec)).collect();
    let mib = MIB as i64;
    let rate = Some(10.0 * MIB as f64);
    assert_eq!(seen, [(PhaseState::Running, 40 * mib, rate), (PhaseState::Failed, 10 * mib, None)]);
    t.apply(&Event::RowEnded { row: 1, ok: true }, secs(5.0));
    let done = &t.snapshot(secs(5.0)).destinations[0];
    assert_eq!((done.state, done.bytes_done), (PhaseState::Done, 100 * mib));
}

proptest! {
    #[test]
    fn what_it_says_is_finite_and_never_negative(
        total in proptest::option::of(0u64..1 << 50),
        steps in proptest::collection::vec((0u64..60_000, 0u64..1 << 40), 0..50),
        after in 0u64..100_000,
    ) {
        let mut t = tracker(1, &[Phase::Files]);
        t.apply(&started(event::Phase::Files, total), Duration::ZERO);
        let (mut at, mut bytes) = (0, 0);
        for (millis, more) in steps {
            at += millis;
            bytes += more;
            t.apply(&advanced(event::Phase::Files, bytes), Duration::from_millis(at));
        }
        let s = t.snapshot(Duration::from_millis(at + after));
        for number in [s.remaining_sec, s.phases[0].rate_bytes_per_sec].into_iter().flatten() {
            prop_assert!(number.is_finite() && number >= 0.0, "{}", number);
        }
    }
}
