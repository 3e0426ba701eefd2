//! Numbers and times as people read them.

use chrono::{DateTime, Duration, Utc};

/// Decimal units, as providers bill them: `0 B`, `512 B`, `1.5 MB`, `231 MB`, `4.3 GB`.
pub fn bytes(n: i64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let n = n.max(0);
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64;
    let mut unit = 0;
    // 999.5 would be shown as "1000".
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(value < 99.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// Sizes that are set in powers of two: `4 GiB`, `512 MiB`; decimal where they are not round.
pub fn binary_bytes(n: i64) -> String {
    for (unit, size) in [("TiB", 1_i64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if n >= size && n % size == 0 {
            return format!("{} {unit}", n / size);
        }
    }
    bytes(n)
}

/// `12.4 MB/s`
pub fn rate(bytes_per_sec: f64) -> String {
    format!("{}/s", bytes(bytes_per_sec.max(0.0) as i64))
}

/// Groups of three digits: `1 234 567`, with narrow no-break spaces.
pub fn count(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    if n < 0 { format!("−{out}") } else { out }
}

/// `1 file`, `1 234 files`
pub fn counted(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// `0.4 s`, `42 s`, `3 min 12 s`, `1 h 04 min`, `2 d 3 h`
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".into();
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let s = seconds.round() as i64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {:02} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

/// What is left, rounded so that it does not flicker: `a few seconds`, `about 40 s`, `about 3 min`, `about 2 h 10 min`.
pub fn remaining(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".into();
    }
    let s = seconds.round() as i64;
    match s {
        0..10 => "a few seconds".into(),
        10..60 => format!("about {} s", (s + 4) / 5 * 5),
        60..3600 => format!("about {} min", (s + 30) / 60),
        _ => {
            let minutes = (s + 300) / 600 * 10;
            match minutes % 60 {
                0 => format!("about {} h", minutes / 60),
                m => format!("about {} h {m:02} min", minutes / 60),
            }
        }
    }
}

/// `just now`, `5 min ago`, `in 3 h`, `yesterday`, `in 2 days`. Beyond a month the date says more: `None`.
pub fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> Option<String> {
    let ahead = at > now;
    let minutes = ((at - now).num_seconds().abs() + 30) / 60;
    let amount = match minutes {
        0 => return Some(if ahead { "in a moment" } else { "just now" }.into()),
        1..60 => format!("{minutes} min"),
        60..1440 => format!("{} h", (minutes + 30) / 60),
        _ => match (minutes + 720) / 1440 {
            1 => return Some(if ahead { "tomorrow" } else { "yesterday" }.into()),
            days @ 2..=31 => format!("{days} days"),
            _ => return None,
        },
    };
    Some(if ahead { format!("in {amount}") } else { format!("{amount} ago") })
}

/// `22 Nov 2026, 23:07` in the zone that is `offset_min` minutes ahead of UTC at that instant.
pub fn absolute(at: DateTime<Utc>, offset_min: i32) -> String {
    (at + Duration::minutes(offset_min.into())).format("%-d %b %Y, %H:%M").to_string()
}

/// The first and last characters of a digest.
pub fn short_digest(digest: &str) -> String {
    match (digest.get(..8), digest.get(digest.len().saturating_sub(6)..)) {
        (Some(head), Some(tail)) if digest.len() > 20 => format!("{head}…{tail}"),
        _ => digest.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn bytes_take_the_unit_that_reads_best() {
        for (n, text) in [
            (-5, "0 B"),
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (99_949, "99.9 kB"),
            (99_960, "100 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (4_294_967_296, "4.3 GB"),
            (i64::MAX, "9223 PB"),
        ] {
            assert_eq!(bytes(n), text, "{n}");
        }
        assert_eq!(
            [binary_bytes(1 << 32), binary_bytes(1 << 20), binary_bytes(5_000_000)],
            ["4 GiB", "1 MiB", "5.0 MB"]
        );
        assert_eq!(rate(12_400_000.0), "12.4 MB/s");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(-1000), "−1\u{202f}000");
        assert_eq!(counted(1, "file", "files"), "1 file");
        assert_eq!(counted(2, "file", "files"), "2 files");
    }

    #[test]
    fn durations_name_two_units_at_most() {
        for (s, text) in [
            (0.0, "0.0 s"),
            (9.94, "9.9 s"),
            (9.96, "10 s"),
            (59.4, "59 s"),
            (59.6, "1 min 00 s"),
            (192.0, "3 min 12 s"),
            (3840.0, "1 h 04 min"),
            (183_600.0, "2 d 3 h"),
            (-1.0, "–"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(duration(s), text, "{s}");
        }
    }

    #[test]
    fn what_is_left_is_rounded() {
        for (s, text) in [
            (3.0, "a few seconds"),
            (37.0, "about 40 s"),
            (58.0, "about 60 s"),
            (95.0, "about 2 min"),
            (3600.0, "about 1 h"),
            (7750.0, "about 2 h 10 min"),
        ] {
            assert_eq!(remaining(s), text, "{s}");
        }
    }

    #[test]
    fn times_are_relative_for_a_month() {
        let now = Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap();
        for (seconds, text) in [
            (0, Some("just now")),
            (20, Some("in a moment")),
            (-40, Some("1 min ago")),
            (-3 * 3600, Some("3 h ago")),
            (-26 * 3600, Some("yesterday")),
            (26 * 3600, Some("tomorrow")),
            (48 * 3600, Some("in 2 days")),
            (-40 * 86_400, None),
        ] {
            assert_eq!(relative(now + Duration::seconds(seconds), now).as_deref(), text, "{seconds}");
        }
    }

    #[test]
    fn absolute_times_are_shifted_to_the_readers_zone() {
        let at = Utc.with_ymd_and_hms(2026, 11, 22, 23, 7, 59).unwrap();
        assert_eq!(absolute(at, 0), "22 Nov 2026, 23:07");
        assert_eq!(absolute(at, 60), "23 Nov 2026, 00:07");
        assert_eq!(absolute(at, -300), "22 Nov 2026, 18:07");
    }

    #[test]
    fn digests_are_shortened_in_the_middle() {
        assert_eq!(short_digest(&"ab".repeat(32)), "abababab…ababab");
        assert_eq!(short_digest("abc"), "abc");
    }
}
