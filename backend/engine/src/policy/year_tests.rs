//! A simulated year: servers that are down at random, ticks that come late, passes of any length, in five time zones. What fires is
//! compared with a list of slots that is made without `next_slot`.

use super::schedule::{FREQUENCIES, Schedule, first_slot, next_slot};
use chrono::{DateTime, Days, Duration, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rstest::rstest;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The local time on every `days`-th day from `from` on, by asking the zone about every minute of the day where it is in doubt.
fn days_at(
    zone: Tz,
    time: NaiveTime,
    days: u64,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<DateTime<Utc>> {
    let mut day = from.with_timezone(&zone).date_naive();
    let mut slots = Vec::new();
    while slots.last().is_none_or(|last| *last < to) {
        let wanted = day.and_time(time);
        let slot = (0..=24 * 60)
            .find_map(|minutes| zone.from_local_datetime(&(wanted + Duration::minutes(minutes))).earliest());
        let slot = slot.unwrap().with_timezone(&Utc);
        // The valid instant after a gap is the end of the gap: no minute of it is in between.
        if slot > from || !slots.is_empty() {
            slots.push(slot);
            day = day + Days::new(days);
        } else {
            day = day + Days::new(1);
        }
    }
    slots
}

/// Every slot of the schedule within a year after `from`.
fn expected(
    hours: u8,
    zone: Tz,
    time: NaiveTime,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<DateTime<Utc>> {
    match hours {
        24 | 48 => days_at(zone, time, u64::from(hours) / 24, from, to),
        _ => {
            let step = Duration::hours(hours.into());
            std::iter::successors(Some(from), |slot| Some(*slot + step))
                .take_while(|slot| *slot <= to + step)
                .collect()
        }
    }
}

/// A span in which no server runs.
type Outage = (DateTime<Utc>, DateTime<Utc>);

fn is_up(outages: &[Outage], now: DateTime<Utc>) -> bool {
    !outages.iter().any(|(from, to)| (*from..*to).contains(&now))
}

/// Ticks of a year; returns the slots that fired, each with the instant at which it did.
fn simulate(
    schedule: &Schedule,
    zone: Tz,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    outages: &[Outage],
    lateness: &[i64],
) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let mut fired = Vec::new();
    let mut slot = first_slot(schedule, zone, from).unwrap();
    let mut late = lateness.iter().cycle();
    while slot < to {
        // The tick that sees the slot: a little late, and not before a server runs again.
        let mut now = slot + Duration::milliseconds(*late.next().unwrap());
        while !is_up(outages, now) {
            now = outages
                .iter()
                .filter(|(from, to)| (*from..*to).contains(&now))
                .map(|(_, to)| *to)
                .max()
                .unwrap();
        }
        fired.push((slot, now));
        slot = next_slot(schedule, zone, slot, now).unwrap();
        assert!(slot > now, "a slot in the past would fire again at once");
    }
    fired
}

/// Every slot fires once, unless it was missed: then the first of the missed ones fires for all of them.
fn check(expected: &[DateTime<Utc>], fired: &[(DateTime<Utc>, DateTime<Utc>)], to: DateTime<Utc>) {
    let mut slots = expected.iter().copied().peekable();
    for (slot, now) in fired {
        assert_eq!(slots.next(), Some(*slot), "no drift, no double, no skip");
        // Those that came while nobody looked collapse into the one that fired.
        while slots.next_if(|missed| missed <= now).is_some() {}
    }
    assert!(slots.next().is_none_or(|left| left >= to), "the year is full");
}

#[rstest]
fn every_slot_of_a_year_fires_once_and_missed_ones_collapse(
    #[values("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")] zone: &str,
) {
    let zone: Tz = zone.parse().unwrap();
    // Times in the gaps and in the doubled hours of these zones, and others.
    let times = ["00:00", "01:30", "02:00", "02:30", "02:15", "03:00", "12:34", "23:59"];
    let from = at("2026-01-01T10:17:23.456789Z");
    let to = from + Duration::days(366);
    let mut runner = TestRunner::new(Config { cases: 12, ..Config::default() });
    let outage = (0i64..366 * 24 * 60, prop_oneof![0i64..120, 0i64..(5 * 24 * 60)]);
    let outages = proptest::collection::vec(outage, 0..12);
    let lateness = proptest::collection::vec(prop_oneof![0i64..1000, 0i64..90_000], 1..40);
    let time = proptest::sample::select(times.to_vec());
    let plan = (proptest::sample::select(FREQUENCIES.to_vec()), time, outages, lateness);
    let year = |hours: u8, time: &str, outages: &[(i64, i64)], lateness: &[i64]| {
        let clock = NaiveTime::parse_from_str(time, "%H:%M").unwrap();
        let given = matches!(hours, 24 | 48).then_some(time);
        let schedule = Schedule::parse(Some(hours), given, None).unwrap();
        let outages: Vec<Outage> = outages
            .iter()
            .map(|(start, minutes)| {
                (from + Duration::minutes(*start), from + Duration::minutes(start + minutes))
            })
            .collect();
        let fired = simulate(&schedule, zone, (from, to), &outages, lateness);
        check(&expected(hours, zone, clock, from, to), &fired, to);
    };
    // Each frequency and each time without trouble, then anything.
    for hours in FREQUENCIES {
        for time in times {
            year(hours, time, &[], &[0]);
        }
    }
    let random = runner.run(&plan, |(hours, time, outages, lateness)| {
        year(hours, time, &outages, &lateness);
        Ok(())
    });
    random.unwrap();
}

#[rstest]
#[case("*/15 * * * *", 60)]
#[case("30 2 * * *", 45)]
#[case("0 9-17 * * mon-fri", 20)]
#[case("0 0 1 * *", 60)]
fn delays_by_chance_keep_every_time_once_and_in_order(#[case] cron: &str, #[case] minutes: u32) {
    let zone: Tz = "Europe/Berlin".parse().unwrap();
    let plain = Schedule::parse(None, None, Some(cron)).unwrap();
    let delayed = plain.clone().with_jitter(minutes, "shop-a");
    let other = plain.clone().with_jitter(minutes, "shop-b");
    let from = at("2026-03-01T00:00:00Z");
    let slots = |schedule: &Schedule| schedule.preview(zone, from, 40);
    let (times, slots_a, slots_b) = (slots(&plain), slots(&delayed), slots(&other));
    // The first may be one whose time has come before, while its delay had not.
    let skipped = usize::from(slots_a[0] < times[0]);
    for (at, slot) in slots_a.iter().enumerate().skip(skipped) {
        let time = times[at - skipped];
        let delay = *slot - time;
        assert!(delay >= Duration::zero() && delay < Duration::minutes(minutes.into()), "{time}: {delay}");
    }
    assert!(slots_a.windows(2).all(|pair| pair[0] < pair[1]));
    assert_ne!(slots_a, slots_b, "Sets are told apart");
    assert_eq!(slots_a, slots(&delayed), "and every server finds the same");
    // Late ticks change nothing of what comes after.
    let late = next_slot(&delayed, zone, slots_a[3], slots_a[3] + Duration::milliseconds(900));
    assert_eq!(late, Some(slots_a[4]));
}
