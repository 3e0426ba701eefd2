use super::schedule::*;
use chrono::{DateTime, Datelike, Duration, NaiveDate, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use rstest::rstest;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn every(hours: u8) -> Schedule {
    Schedule::parse(Some(hours), None, None).unwrap()
}

fn daily(days: u8, time: &str) -> Schedule {
    Schedule::parse(Some(days * 24), Some(time), None).unwrap()
}

fn cron(expression: &str) -> Schedule {
    Schedule::parse(None, None, Some(expression)).unwrap_or_else(|e| panic!("{expression}: {e}"))
}

fn zone(name: &str) -> Tz {
    name.parse().unwrap()
}

/// The next `n` slots as local times, each taken on time.
fn slots(schedule: &Schedule, tz: Tz, from: &str, n: usize) -> Vec<String> {
    let mut now = at(from);
    let mut slot = first_slot(schedule, tz, now);
    let mut all = Vec::new();
    while let (Some(s), true) = (slot, all.len() < n) {
        assert!(s >= now);
        all.push(s.with_timezone(&tz).format("%m-%d %H:%M %z").to_string());
        now = s;
        slot = next_slot(schedule, tz, s, now);
    }
    all
}

#[rstest]
#[case(None, None, None, "frequency")]
#[case(Some(24), Some("02:30"), Some("0 2 * * *"), "cron")]
#[case(Some(1), None, Some("0 2 * * *"), "cron")]
#[case(Some(0), None, None, "frequency")]
#[case(Some(6), None, None, "frequency")]
#[case(Some(24), None, None, "time_of_day")]
#[case(Some(48), None, None, "time_of_day")]
#[case(Some(36), Some("02:30"), None, "time_of_day")]
#[case(Some(1), Some("02:30"), None, "time_of_day")]
#[case(Some(24), Some("24:00"), None, "time_of_day")]
#[case(Some(24), Some("2:30"), None, "time_of_day")]
#[case(Some(24), Some("02:60"), None, "time_of_day")]
#[case(Some(24), Some("02:30:00"), None, "time_of_day")]
#[case(Some(24), Some("+2:30"), None, "time_of_day")]
#[case(None, Some("02:30"), Some("0 2 * * *"), "time_of_day")]
#[case(None, None, Some(""), "cron")]
#[case(None, None, Some("nightly"), "cron")]
#[case(None, None, Some("* * * *"), "cron")]
#[case(None, None, Some("60 2 * * *"), "cron")]
#[case(None, None, Some("0 2 * * 8"), "cron")]
#[case(None, None, Some("0 2 * * noday"), "cron")]
#[case(None, None, Some("0 2 30 2 *"), "cron")]
#[case(None, None, Some("@never"), "cron")]
#[case(None, None, Some("1 2 3 4 5 6 7 8"), "cron")]
fn a_wrong_schedule_names_its_field(
    #[case] frequency: Option<u8>,
    #[case] time: Option<&str>,
    #[case] cron: Option<&str>,
    #[case] field: &str,
) {
    let error = Schedule::parse(frequency, time, cron).unwrap_err();
    assert_eq!(error.field, field);
    assert!(!error.message.is_empty());
}

#[rstest]
fn a_new_set_of_hours_fires_at_once_and_then_on_its_grid(
    #[values(1, 2, 3, 4, 5, 12, 18, 36)] hours: u8,
    #[values("UTC", "Europe/Berlin", "Australia/Lord_Howe")] tz: Tz,
) {
    let schedule = every(hours);
    let now = at("2026-03-28T17:41:13.5Z");
    let first = first_slot(&schedule, tz, now).unwrap();
    assert_eq!(first, now);
    // A pass of any length does not move the grid.
    let mut slot = first;
    for n in 1..200 {
        let took = Duration::minutes(i64::from(n % 50));
        slot = next_slot(&schedule, tz, slot, slot + took).unwrap();
        assert_eq!(slot, first + Duration::hours(i64::from(hours) * i64::from(n)));
    }
}

#[rstest]
// On time, late within the interval, exactly on the next slot, long after.
#[case(1, "2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z")]
#[case(1, "2026-11-22T10:00:00Z", "2026-11-22T10:59:59.999999Z", "2026-11-22T11:00:00Z")]
#[case(1, "2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z", "2026-11-22T12:00:00Z")]
#[case(1, "2026-11-22T10:00:00.5Z", "2026-11-22T11:00:00.500000001Z", "2026-11-22T12:00:00.5Z")]
#[case(5, "2026-11-22T10:00:00Z", "2026-11-24T10:30:00Z", "2026-11-24T12:00:00Z")]
#[case(36, "2026-11-22T10:00:00Z", "2026-11-22T10:00:01Z", "2026-11-23T22:00:00Z")]
#[case(1, "1990-01-01T00:30:00Z", "2026-11-22T10:00:00Z", "2026-11-22T10:30:00Z")]
// The clock was set back a little: the slot is not repeated. Set back by years: the grid is found again.
#[case(4, "2026-11-22T10:00:00Z", "2026-11-22T09:59:58Z", "2026-11-22T14:00:00Z")]
#[case(4, "2026-11-22T10:00:00Z", "2026-11-22T06:00:00Z", "2026-11-22T14:00:00Z")]
#[case(4, "2026-11-22T10:00:00Z", "2026-11-22T05:59:59Z", "2026-11-22T06:00:00Z")]
#[case(4, "2036-11-22T10:00:00Z", "2026-11-22T09:00:00Z", "2026-11-22T10:00:00Z")]
fn missed_slots_of_hours_collapse(
    #[case] hours: u8,
    #[case] last: &str,
    #[case] now: &str,
    #[case] expected: &str,
) {
    assert_eq!(next_slot(&every(hours), Tz::UTC, at(last), at(now)), Some(at(expected)));
}

#[rstest]
#[case("2026-11-22T01:29:59Z", "2026-11-22T01:30:00Z")]
#[case("2026-11-22T01:30:00Z", "2026-11-23T01:30:00Z")]
#[case("2026-11-22T12:00:00Z", "2026-11-23T01:30:00Z")]
fn a_new_daily_set_fires_at_its_next_time_of_day(#[case] now: &str, #[case] expected: &str) {
    for days in [1, 2] {
        assert_eq!(first_slot(&daily(days, "02:30"), zone("Europe/Berlin"), at(now)), Some(at(expected)));
    }
}

#[test]
fn a_daily_time_stays_where_it_is_across_the_start_of_summer_time() {
    let berlin = zone("Europe/Berlin");
    assert_eq!(
        slots(&daily(1, "02:30"), berlin, "2026-03-27T12:00:00Z", 4),
        ["03-28 02:30 +0100", "03-29 03:00 +0200", "03-30 02:30 +0200", "03-31 02:30 +0200"]
    );
    assert_eq!(
        slots(&daily(2, "02:30"), berlin, "2026-03-26T12:00:00Z", 4),
        ["03-27 02:30 +0100", "03-29 03:00 +0200", "03-31 02:30 +0200", "04-02 02:30 +0200"]
    );
    assert_eq!(
        slots(&daily(1, "03:00"), berlin, "2026-03-27T12:00:00Z", 3),
        ["03-28 03:00 +0100", "03-29 03:00 +0200", "03-30 03:00 +0200"]
    );
}

#[test]
fn a_daily_time_that_comes_twice_fires_the_first_time_only() {
    assert_eq!(
        slots(&daily(1, "02:30"), zone("Europe/Berlin"), "2026-10-23T12:00:00Z", 4),
        ["10-24 02:30 +0200", "10-25 02:30 +0200", "10-26 02:30 +0100", "10-27 02:30 +0100"]
    );
    assert_eq!(
        slots(&daily(2, "01:30"), zone("America/New_York"), "2026-10-30T12:00:00Z", 3),
        ["10-31 01:30 -0400", "11-02 01:30 -0500", "11-04 01:30 -0500"]
    );
}

#[rstest]
// Half an hour of summer time.
#[case("Australia/Lord_Howe", "02:15", "2026-10-02T00:00:00Z",
       &["10-03 02:15 +1030", "10-04 02:30 +1100", "10-05 02:15 +1100"])]
// The gap lies at midnight.
#[case("America/Sao_Paulo", "00:30", "2018-11-02T12:00:00Z",
       &["11-03 00:30 -0300", "11-04 01:00 -0200", "11-05 00:30 -0200"])]
// A whole day did not exist.
#[case("Pacific/Apia", "02:30", "2011-12-28T13:00:00Z",
       &["12-29 02:30 -1000", "12-31 00:00 +1400", "12-31 02:30 +1400", "01-01 02:30 +1400"])]
// The gap pushes the time across midnight.
#[case("America/Toronto", "23:45", "1919-03-29T20:00:00Z",
       &["03-29 23:45 -0500", "03-31 00:30 -0400", "03-31 23:45 -0400", "04-01 23:45 -0400"])]
fn odd_zones_follow_the_same_rules(
    #[case] tz: Tz,
    #[case] time: &str,
    #[case] from: &str,
    #[case] expected: &[&str],
) {
    assert_eq!(slots(&daily(1, time), tz, from, expected.len()), expected);
}

#[rstest]
#[case(1, "2026-11-20T01:30:00Z", "2026-11-20T01:30:05Z", "2026-11-21T01:30:00Z")]
#[case(1, "2026-11-20T01:30:00Z", "2026-11-25T12:00:00Z", "2026-11-26T01:30:00Z")]
// Every other day keeps its days, whatever was missed.
#[case(2, "2026-11-20T01:30:00Z", "2026-11-23T12:00:00Z", "2026-11-24T01:30:00Z")]
#[case(2, "2026-11-20T01:30:00Z", "2026-11-24T12:00:00Z", "2026-11-26T01:30:00Z")]
#[case(2, "2016-11-20T01:30:00Z", "2026-11-20T12:00:00Z", "2026-11-22T01:30:00Z")]
// The clock was set back: a little, and a lot.
#[case(1, "2026-11-20T01:30:00Z", "2026-11-20T01:29:00Z", "2026-11-21T01:30:00Z")]
#[case(1, "2036-11-20T01:30:00Z", "2026-11-20T01:29:00Z", "2026-11-20T01:30:00Z")]
#[case(2, "2026-11-26T01:30:00Z", "2026-11-20T12:00:00Z", "2026-11-22T01:30:00Z")]
fn missed_days_collapse(#[case] days: u8, #[case] last: &str, #[case] now: &str, #[case] expected: &str) {
    let berlin = zone("Europe/Berlin");
    assert_eq!(next_slot(&daily(days, "02:30"), berlin, at(last), at(now)), Some(at(expected)));
}

#[rstest]
// 2026-11-22 is a Sunday.
#[case("30 2 * * *", "2026-11-22T03:00:00Z", "2026-11-23T02:30:00Z")]
#[case("  30   2 * * *  ", "2026-11-22T03:00:00Z", "2026-11-23T02:30:00Z")]
#[case("*/15 * * * *", "2026-11-22T03:00:00Z", "2026-11-22T03:15:00Z")]
#[case("*/15 * * * *", "2026-11-22T03:14:59.9Z", "2026-11-22T03:15:00Z")]
#[case("0 4 * * 0", "2026-11-22T05:00:00Z", "2026-11-29T04:00:00Z")]
#[case("0 4 * * 7", "2026-11-22T05:00:00Z", "2026-11-29T04:00:00Z")]
#[case("0 4 * * 1", "2026-11-22T05:00:00Z", "2026-11-23T04:00:00Z")]
#[case("0 4 * * 1-5", "2026-11-27T05:00:00Z", "2026-11-30T04:00:00Z")]
#[case("0 4 * * Fri-Sun", "2026-11-28T05:00:00Z", "2026-11-29T04:00:00Z")]
#[case("0 4 * * 2,4", "2026-11-24T05:00:00Z", "2026-11-26T04:00:00Z")]
#[case("0 4 * * */2", "2026-11-22T05:00:00Z", "2026-11-24T04:00:00Z")]
#[case("0 4 1 * *", "2026-11-22T05:00:00Z", "2026-12-01T04:00:00Z")]
// The 25th or a Friday, whichever comes first.
#[case("0 4 25 * 5", "2026-11-22T05:00:00Z", "2026-11-25T04:00:00Z")]
#[case("0 4 25 * 5", "2026-11-25T05:00:00Z", "2026-11-27T04:00:00Z")]
#[case("0 0 29 2 *", "2026-11-22T05:00:00Z", "2028-02-29T00:00:00Z")]
// Six fields: seconds first, 1 is Sunday.
#[case("15 30 2 * * 1", "2026-11-23T03:00:00Z", "2026-11-29T02:30:15Z")]
#[case("0 30 2 * * * 2027", "2026-11-23T03:00:00Z", "2027-01-01T02:30:00Z")]
#[case("@daily", "2026-11-22T03:00:00Z", "2026-11-23T00:00:00Z")]
#[case("@hourly", "2026-11-22T03:00:00Z", "2026-11-22T04:00:00Z")]
fn cron_expressions_name_the_usual_times(#[case] expression: &str, #[case] now: &str, #[case] next: &str) {
    let schedule = cron(expression);
    assert_eq!(first_slot(&schedule, Tz::UTC, at(now)), Some(at(next)));
    assert_eq!(next_slot(&schedule, Tz::UTC, at("2026-11-01T00:00:00Z"), at(now)), Some(at(next)));
}

#[test]
fn a_cron_time_follows_the_zone_across_daylight_saving() {
    let berlin = zone("Europe/Berlin");
    assert_eq!(
        slots(&cron("30 2 * * *"), berlin, "2026-03-28T00:00:00Z", 3),
        ["03-28 02:30 +0100", "03-29 03:00 +0200", "03-30 02:30 +0200"]
    );
    assert_eq!(
        slots(&cron("30 2 * * *"), berlin, "2026-10-24T00:00:00Z", 3),
        ["10-24 02:30 +0200", "10-25 02:30 +0200", "10-26 02:30 +0100"]
    );
    assert_eq!(
        slots(&cron("*/30 1-3 29 3 *"), berlin, "2026-03-28T12:00:00Z", 4),
        ["03-29 01:00 +0100", "03-29 01:30 +0100", "03-29 03:00 +0200", "03-29 03:30 +0200"],
        "what falls into the gap comes together at its end, once"
    );
}

#[test]
fn a_cron_expression_of_past_years_has_no_slot() {
    let past = cron("0 30 2 * * * 2020");
    assert_eq!(first_slot(&past, Tz::UTC, at("2026-11-22T00:00:00Z")), None);
    assert_eq!(next_slot(&past, Tz::UTC, at("2020-12-31T02:30:00Z"), at("2026-11-22T00:00:00Z")), None);
}

#[rstest]
#[case("2026-11-22T02:29:58Z", "2026-11-23T02:30:00Z")]
#[case("2020-01-01T00:00:00Z", "2020-01-01T02:30:00Z")]
fn a_clock_that_was_set_back_repeats_no_cron_slot_and_waits_for_none(
    #[case] now: &str,
    #[case] expected: &str,
) {
    let last = at("2026-11-22T02:30:00Z");
    assert_eq!(next_slot(&cron("30 2 * * *"), Tz::UTC, last, at(now)), Some(at(expected)));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[0-9*,/?@a-zA-Z \\-]{0,24}|.{0,24}") {
        if let Ok(schedule) = Schedule::parse(None, None, Some(&text)) {
            let now = at("2026-11-22T02:30:00Z");
            if let Some(slot) = first_slot(&schedule, Tz::UTC, now) {
                prop_assert!(slot > now);
            }
        }
        let _ = Schedule::parse(Some(24), Some(&text), None);
    }

    #[test]
    fn five_fields_of_plausible_numbers_are_taken(
        minute in 0u8..60, hour in 0u8..24, day in 1u8..29, month in 1u8..13, weekday in 0u8..8,
    ) {
        let now = at("2026-11-22T02:30:00Z");
        let slot = first_slot(&cron(&format!("{minute} {hour} {day} {month} {weekday}")), Tz::UTC, now).unwrap();
        // Either day suffices.
        let fits = slot.day() == u32::from(day)
            || slot.weekday().num_days_from_sunday() == u32::from(weekday % 7);
        prop_assert!(fits && slot.month() == u32::from(month), "{slot}");
        prop_assert_eq!((slot.hour(), slot.minute()), (u32::from(hour), u32::from(minute)));
    }
}

fn any_zone() -> impl Strategy<Value = Tz> {
    proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec())
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let hours = proptest::sample::select(vec![1u8, 2, 3, 4, 5, 12, 18, 36]).prop_map(every);
    let days = (1u8..=2, 0u32..24, 0u32..60).prop_map(|(d, h, m)| daily(d, &format!("{h:02}:{m:02}")));
    let crons = (0u32..60, 0u32..24).prop_map(|(m, h)| cron(&format!("{m} {h} * * *")));
    prop_oneof![hours, days, crons]
}

prop_compose! {
    fn any_instant()(seconds in 0i64..2_000_000_000, nanos in 0u32..1_000_000_000) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, nanos).unwrap()
    }
}

proptest! {
    #[test]
    fn the_next_slot_is_after_now_and_within_two_intervals(
        schedule in any_schedule(), tz in any_zone(), last in any_instant(), now in any_instant(),
    ) {
        let first = first_slot(&schedule, tz, now).unwrap();
        prop_assert!(first >= now);
        prop_assert!(first - now <= Duration::days(3));
        let next = next_slot(&schedule, tz, last, now).unwrap();
        prop_assert!(next > now);
        // Two intervals of 48 hours at most, and a day for the zone's own jumps.
        prop_assert!(next - now <= Duration::days(5), "{} after {}", next, now);
    }

    #[test]
    fn missed_slots_end_on_the_same_grid_as_slots_taken_on_time(
        schedule in any_schedule(), tz in any_zone(), start in any_instant(), missed in 1usize..40,
    ) {
        let first = first_slot(&schedule, tz, start).unwrap();
        let mut slot = first;
        for _ in 0..missed {
            slot = next_slot(&schedule, tz, slot, slot).unwrap();
        }
        let late = slot + Duration::seconds(1);
        prop_assert_eq!(
            next_slot(&schedule, tz, first, late),
            next_slot(&schedule, tz, slot, late),
            "{} slots after {} in {}", missed, first, tz
        );
    }

    #[test]
    fn a_daily_slot_is_at_its_time_wherever_that_time_exists(
        tz in any_zone(), hour in 0u32..24, minute in 0u32..60, start in any_instant(),
    ) {
        let slot = first_slot(&daily(1, &format!("{hour:02}:{minute:02}")), tz, start).unwrap();
        let local = slot.with_timezone(&tz).naive_local();
        let time = chrono::NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        let date: NaiveDate = local.date();
        if local.time() == time {
            prop_assert_eq!(tz.from_local_datetime(&local).earliest().unwrap(), slot);
        } else {
            let exists = |d: NaiveDate| tz.from_local_datetime(&d.and_time(time)).earliest().is_some();
            prop_assert!(!exists(date) || !exists(date.pred_opt().unwrap()));
            prop_assert_eq!(slot.nanosecond(), 0);
        }
    }
}
