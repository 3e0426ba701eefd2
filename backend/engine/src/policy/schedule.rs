//! When a Set wants a pass: its slots.
//!
//! A slot is an instant that depends on the schedule, the zone and the slot before it, never on how long a pass takes; so there is no
//! drift. `now` only decides which slots are in the past: missed ones collapse into the next. A clock that was set back by less
//! than one interval repeats no slot; set back further, the slots are found again from `now` on the same grid.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use sha2::{Digest, Sha256};
use std::str::FromStr;

/// The intervals that a Set can have, in hours.
pub const FREQUENCIES: [u8; 10] = [1, 2, 3, 4, 5, 12, 18, 24, 36, 48];

/// The most minutes that a cron schedule may be delayed by chance.
pub const MAX_JITTER_MIN: u32 = 60;

#[derive(Debug, Clone)]
pub struct Schedule {
    kind: Kind,
    jitter: Jitter,
}

/// Delays the slots of a cron expression so that many Sets with the same one do not start in the same second. The delay of a slot is found
/// from the slot and the seed, so that every server and the preview find the same; it never reaches the slot after.
#[derive(Debug, Clone, Default)]
struct Jitter {
    most: Duration,
    seed: String,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Every so many hours of elapsed time.
    Every(Duration),
    /// The same local time every so many calendar days.
    Daily { days: i64, time: NaiveTime },
    /// Any of several expressions.
    Cron(Vec<cron::Schedule>),
}

/// What is wrong with a schedule: the field of the Set, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    pub field: &'static str,
    pub message: String,
}

fn error<T>(field: &'static str, message: impl Into<String>) -> Result<T, ScheduleError> {
    Err(ScheduleError { field, message: message.into() })
}

impl Schedule {
    /// Exactly one of `frequency` (hours, one of [`FREQUENCIES`]) and `cron`; `time_of_day` (`HH:MM`, local) with 24 and 48 hours only.
    ///
    /// `cron` is the usual five fields (minute, hour, day of month, month, day of week: 0 and 7 are Sunday; when both days are given
    /// either suffices), or six or seven with seconds first and years last (day of week: 1 is Sunday), or `@hourly`, `@daily`,
    /// `@weekly`, `@monthly`, `@yearly`.
    pub fn parse(
        frequency: Option<u8>,
        time_of_day: Option<&str>,
        cron: Option<&str>,
    ) -> Result<Schedule, ScheduleError> {
        let hours = match (frequency, cron) {
            (None, None) => return error("frequency", "Choose a frequency or give a cron expression."),
            (Some(_), Some(_)) => {
                return error("cron", "Give either a frequency or a cron expression, not both.");
            }
            (None, Some(expression)) => {
                if time_of_day.is_some() {
                    return error(
                        "time_of_day",
                        "A cron expression carries its own time; leave the time of day out.",
                    );
                }
                return Ok(Kind::Cron(parse_cron(expression)?).into());
            }
            (Some(hours), None) => hours,
        };
        if !FREQUENCIES.contains(&hours) {
            return error("frequency", "Choose one of 1, 2, 3, 4, 5, 12, 18, 24, 36 and 48 hours.");
        }
        let daily = matches!(hours, 24 | 48);
        match time_of_day {
            None if daily => error("time_of_day", "Give the time of day (HH:MM) at which the pass starts."),
            Some(_) if !daily => {
                error("time_of_day", "Only 24 and 48 hours take a time of day; leave it out.")
            }
            None => Ok(Kind::Every(Duration::hours(hours.into())).into()),
            Some(text) => match parse_time(text) {
                Some(time) => Ok(Kind::Daily { days: i64::from(hours) / 24, time }.into()),
                None => error("time_of_day", "Write the time as HH:MM, 00:00 to 23:59."),
            },
        }
    }

    /// Delays each slot of a cron expression by up to `minutes` (at most [`MAX_JITTER_MIN`]); intervals of hours stay as they are. `seed` is
    /// what tells Sets apart: the folder name.
    pub fn with_jitter(self, minutes: u32, seed: &str) -> Schedule {
        let most = Duration::minutes(minutes.min(MAX_JITTER_MIN).into());
        Schedule { jitter: Jitter { most, seed: seed.to_owned() }, ..self }
    }

    /// The first `n` slots of a Set that is saved at `now`, as it would have them while it is never late.
    pub fn preview(&self, zone: Tz, now: DateTime<Utc>, n: usize) -> Vec<DateTime<Utc>> {
        self.slots(zone, first_slot(self, zone, now), n)
    }

    /// The same of a Set whose next slot is `first`.
    pub fn slots(&self, zone: Tz, first: Option<DateTime<Utc>>, n: usize) -> Vec<DateTime<Utc>> {
        std::iter::successors(first, |slot| next_slot(self, zone, *slot, *slot)).take(n).collect()
    }
}

impl From<Kind> for Schedule {
    fn from(kind: Kind) -> Schedule {
        Schedule { kind, jitter: Jitter::default() }
    }
}

/// The first slot of a new Set, or of one whose schedule or zone was changed: `now` for 1 to 18 and 36 hours, else the next local
/// time after `now`. `None` when there is none (a cron expression with years in the past).
pub fn first_slot(schedule: &Schedule, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match &schedule.kind {
        Kind::Every(_) => Some(now),
        Kind::Daily { time, .. } => {
            // The day before: its time can have been moved to today by a gap.
            let day = local(zone, now).date().checked_sub_days(Days::new(1))?;
            (0..4)
                .filter_map(|n| local_slot(zone, day.checked_add_days(Days::new(n))?.and_time(*time)))
                .find(|slot| *slot > now)
        }
        Kind::Cron(expressions) => next_cron(expressions, &schedule.jitter, zone, now),
    }
}

/// The slot that follows `last_slot`: the first one after `now`.
pub fn next_slot(
    schedule: &Schedule,
    zone: Tz,
    last_slot: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    match &schedule.kind {
        Kind::Every(interval) => {
            let after = not_before(last_slot, now, *interval);
            let elapsed = (after - last_slot).num_milliseconds();
            let intervals = elapsed.div_euclid(interval.num_milliseconds()) + 1;
            // Below a millisecond the division above may land on `after` itself.
            [intervals, intervals + 1]
                .into_iter()
                .filter_map(|n| {
                    let n = i32::try_from(n).ok()?;
                    last_slot.checked_add_signed(*interval * n)
                })
                .find(|slot| *slot > after)
        }
        Kind::Daily { days, time } => {
            let after = not_before(last_slot, now, Duration::days(*days));
            let anchor = nominal_day(zone, last_slot, *time)?;
            let elapsed = (local(zone, after).date() - anchor).num_days();
            let first = elapsed.div_euclid(*days) - 1;
            (first..first + 4)
                .filter_map(|n| {
                    let day = anchor.checked_add_signed(Duration::days(n * days))?;
                    local_slot(zone, day.and_time(*time))
                })
                .find(|slot| *slot > after)
        }
        Kind::Cron(expressions) => {
            let next = |after| next_cron(expressions, &schedule.jitter, zone, after);
            let interval = next(last_slot).map_or(Duration::zero(), |next| next - last_slot);
            next(not_before(last_slot, now, interval))
        }
    }
}

/// The instant after which the next slot is looked for: `now`, but never before the last slot unless the clock was set back by more
/// than an interval (then waiting for it to catch up could take years).
fn not_before(last_slot: DateTime<Utc>, now: DateTime<Utc>, interval: Duration) -> DateTime<Utc> {
    if last_slot - now > interval { now } else { now.max(last_slot) }
}

/// The calendar day that a slot belongs to. It is not the slot's own day where a gap pushed the time across midnight.
fn nominal_day(zone: Tz, slot: DateTime<Utc>, time: NaiveTime) -> Option<NaiveDate> {
    let day = local(zone, slot).date();
    let before = day.checked_sub_days(Days::new(1))?;
    let pushed = local(zone, slot).time() != time && local_slot(zone, before.and_time(time)) == Some(slot);
    Some(if pushed { before } else { day })
}

fn local(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// The instant of a local time: of one that exists twice the first, for one that does not exist the first valid instant after it.
fn local_slot(zone: Tz, wanted: NaiveDateTime) -> Option<DateTime<Utc>> {
    if let Some(at) = zone.from_local_datetime(&wanted).earliest() {
        return Some(at.with_timezone(&Utc));
    }
    // In a gap local time jumps over `wanted` at one instant: find it. Zones are within a day of UTC, a gap is a day at most.
    let mut before = wanted.and_utc().checked_sub_signed(Duration::days(2))?.timestamp();
    let mut from = wanted.and_utc().checked_add_signed(Duration::days(2))?.timestamp();
    while from - before > 1 {
        let middle = before + (from - before) / 2;
        if local(zone, DateTime::from_timestamp(middle, 0)?) > wanted {
            from = middle;
        } else {
            before = middle;
        }
    }
    DateTime::from_timestamp(from, 0)
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let (hour, minute) = text.split_once(':')?;
    let number = |s: &str| (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse().ok())?;
    NaiveTime::from_hms_opt(number(hour)?, number(minute)?, 0)
}

/// The first slot after `after`: what the expressions name, delayed by chance.
fn next_cron(
    expressions: &[cron::Schedule],
    jitter: &Jitter,
    zone: Tz,
    after: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    if jitter.most.is_zero() {
        return next_named(expressions, zone, after);
    }
    // Delays are shorter than the way to the next time, so slots come in the order of the times.
    let mut named = next_named(expressions, zone, after - jitter.most - Duration::seconds(1))?;
    loop {
        let following = next_named(expressions, zone, named);
        let slot = named + jitter.delay(named, following);
        if slot > after {
            return Some(slot);
        }
        named = following?;
    }
}

impl Jitter {
    /// Whole seconds, less than up to the `following` time.
    fn delay(&self, named: DateTime<Utc>, following: Option<DateTime<Utc>>) -> Duration {
        let room = following.map_or(self.most, |following| (following - named).min(self.most)).num_seconds();
        if room < 1 {
            return Duration::zero();
        }
        let digest = Sha256::digest(format!("{}\n{}", self.seed, named.timestamp()));
        let number = digest.iter().take(7).fold(0i64, |number, byte| number * 256 + i64::from(*byte));
        Duration::seconds(number.rem_euclid(room))
    }
}

/// The first local time that an expression names, as an instant after `after`.
fn next_named(expressions: &[cron::Schedule], zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    // The expressions run on local time as if it were UTC; the zone is applied to what they name, with the rules above. One second
    // earlier, because `after` may lie within the second that it names.
    let from = (local(zone, after) - Duration::seconds(1)).and_utc();
    expressions
        .iter()
        .filter_map(|expression| {
            expression
                .after(&from)
                .filter_map(|named| local_slot(zone, named.naive_utc()))
                .find(|slot| *slot > after)
        })
        .min()
}

fn parse_cron(expression: &str) -> Result<Vec<cron::Schedule>, ScheduleError> {
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let sources = match *fields.as_slice() {
        [word] if word.starts_with('@') => vec![word.to_ascii_lowercase()],
        [minute, hour, day, month, weekday] => {
            let Some(weekday) = weekdays(weekday) else {
                return error("cron", format!("`{weekday}` is no day of the week (0-7 or sun-sat)."));
            };
            let with = |day: &str, weekday: &str| format!("0 {minute} {hour} {day} {month} {weekday}");
            if day.starts_with(['*', '?']) || weekday.starts_with('*') {
                vec![with(day, &weekday)]
            } else {
                vec![with(day, "*"), with("*", &weekday)]
            }
        }
        [_, _, _, _, _, _] | [_, _, _, _, _, _, _] => vec![fields.join(" ")],
        _ => {
            return error(
                "cron",
                "Write five fields: minute, hour, day of month, month, day of week, as in `30 2 * * *`.",
            );
        }
    };
    let mut expressions = Vec::with_capacity(sources.len());
    for source in &sources {
        match cron::Schedule::from_str(source) {
            Ok(schedule) => expressions.push(schedule),
            Err(_) => {
                return error(
                    "cron",
                    format!(
                        "`{expression}` is no cron expression. Write minute, hour, day of month, month and day of \
                             week, as in `30 2 * * *`."
                    ),
                );
            }
        }
    }
    let ever = expressions.iter().any(|e| e.after(&DateTime::UNIX_EPOCH).next().is_some());
    if !ever {
        return error("cron", format!("`{expression}` names a date that never comes."));
    }
    Ok(expressions)
}

/// The day-of-week field of the five-field form (0 or 7 is Sunday) in the numbers of the six-field form (1 is Sunday).
fn weekdays(field: &str) -> Option<String> {
    const NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    if matches!(field, "*" | "?") {
        return Some("*".into());
    }
    let day = |text: &str| match text.parse::<u8>() {
        Ok(n) if n <= 7 && text.len() == 1 => Some(n),
        Ok(_) => None,
        Err(_) => NAMES.iter().position(|n| text.eq_ignore_ascii_case(n)).and_then(|n| u8::try_from(n).ok()),
    };
    let mut days = std::collections::BTreeSet::new();
    for item in field.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|s| *s > 0)?),
            None => (item, 1),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (day(from)?, day(to)?),
            None if range == "*" => (0, 6),
            None => (day(range)?, if item.contains('/') { 6 } else { day(range)? }),
        };
        // `fri-sun` ends on the Sunday after.
        let to = if to == 0 && from > 0 { 7 } else { to };
        if from > to {
            return None;
        }
        days.extend((from..=to).step_by(step).map(|d| d % 7 + 1));
    }
    let list = days.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    // A step over every day is still "any day" for the rule that either day suffices.
    Some(if field.starts_with('*') && days.len() == 7 { "*".into() } else { list })
}
