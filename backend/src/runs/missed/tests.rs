use super::*;
use crate::testing::rows::at;
use rstest::rstest;

const GRACE: TimeDelta = TimeDelta::minutes(60);

fn every(hours: u8) -> Schedule {
    Schedule::parse(Some(hours), None, None).unwrap()
}

fn daily(hours: u8, time: &str) -> Schedule {
    Schedule::parse(Some(hours), Some(time), None).unwrap()
}

fn cron(expression: &str) -> Schedule {
    Schedule::parse(None, None, Some(expression)).unwrap()
}

#[rstest]
// The slot itself and the whole grace are still in time.
#[case(every(1), "UTC", "2026-03-02T10:00:00Z", "2026-03-02T12:00:00Z", None)]
#[case(every(1), "UTC", "2026-03-02T10:00:00Z", "2026-03-02T12:00:01Z", Some("2026-03-02T11:00:00Z"))]
#[case(every(36), "UTC", "2026-03-02T10:00:00Z", "2026-03-03T23:00:00Z", None)]
#[case(every(36), "UTC", "2026-03-02T10:00:00Z", "2026-03-03T23:00:01Z", Some("2026-03-03T22:00:00Z"))]
// A pass begins a little after its slot.
#[case(daily(24, "02:30"), "UTC", "2026-03-02T02:30:04Z", "2026-03-03T03:30:00Z", None)]
#[case(
    daily(24, "02:30"),
    "UTC",
    "2026-03-02T02:30:04Z",
    "2026-03-03T03:30:01Z",
    Some("2026-03-03T02:30:00Z")
)]
#[case(daily(48, "02:30"), "UTC", "2026-03-02T02:30:04Z", "2026-03-03T12:00:00Z", None)]
#[case(
    daily(48, "02:30"),
    "UTC",
    "2026-03-02T02:30:04Z",
    "2026-03-04T03:31:00Z",
    Some("2026-03-04T02:30:00Z")
)]
// The night in which 02:30 does not exist: the slot is at 03:00, which is 01:00 UTC.
#[case(daily(24, "02:30"), "Europe/Berlin", "2026-03-28T01:30:00Z", "2026-03-29T02:00:00Z", None)]
#[case(
    daily(24, "02:30"),
    "Europe/Berlin",
    "2026-03-28T01:30:00Z",
    "2026-03-29T02:00:01Z",
    Some("2026-03-29T01:00:00Z")
)]
// The night in which it exists twice: the first counts, 00:30 UTC.
#[case(daily(24, "02:30"), "Europe/Berlin", "2026-10-24T00:30:00Z", "2026-10-25T01:30:00Z", None)]
#[case(
    daily(24, "02:30"),
    "Europe/Berlin",
    "2026-10-24T00:30:00Z",
    "2026-10-25T01:30:01Z",
    Some("2026-10-25T00:30:00Z")
)]
// Friday's copy is good until Monday evening.
#[case(cron("0 20 * * 1-5"), "UTC", "2026-03-06T20:00:01Z", "2026-03-09T21:00:00Z", None)]
#[case(
    cron("0 20 * * 1-5"),
    "UTC",
    "2026-03-06T20:00:01Z",
    "2026-03-09T21:00:01Z",
    Some("2026-03-09T20:00:00Z")
)]
// An expression that names nothing any more.
#[case(cron("0 0 0 1 1 * 2020"), "UTC", "2026-03-06T20:00:01Z", "2027-03-09T21:00:01Z", None)]
fn a_slot_is_missed_when_it_and_the_grace_are_over(
    #[case] schedule: Schedule,
    #[case] zone: &str,
    #[case] baseline: &str,
    #[case] now: &str,
    #[case] expected: Option<&str>,
) {
    let missed = missed_slot(&schedule, zone.parse().unwrap(), at(baseline), GRACE, at(now));
    assert_eq!(missed, expected.map(at));
}

#[test]
fn it_is_looked_at_once_and_then_every_minute() {
    let look = LastLook::default();
    let now = at("2026-03-02T10:00:00Z");
    assert!(look.is_due(now));
    assert!(!look.is_due(now + TimeDelta::seconds(59)));
    assert!(look.is_due(now + TimeDelta::seconds(60)));
    assert!(!look.is_due(now + TimeDelta::seconds(61)));
    assert!(look.is_due(now - TimeDelta::days(1)));
}
