//! Schedules in words, and the folder name that a title suggests.

use contract::{BackupSet, DAILY_FREQUENCIES, MAX_FOLDER_NAME};

/// `Every hour`, `Every 2 hours`, `Every day`, `Every 2 days`
pub fn frequency_label(hours: u8) -> String {
    match hours {
        1 => "Every hour".into(),
        24 => "Every day".into(),
        48 => "Every 2 days".into(),
        n => format!("Every {n} hours"),
    }
}

pub fn is_daily(hours: u8) -> bool {
    DAILY_FREQUENCIES.contains(&hours)
}

/// The schedule of a Set in words: `Every day at 02:30`, `Every 4 hours`, `Cron: 0 4 1 * *`.
pub fn describe(set: &BackupSet) -> String {
    match (set.frequency, &set.time_of_day, &set.cron) {
        (Some(hours), Some(time), _) => format!("{} at {time}", frequency_label(hours)),
        (Some(hours), None, _) => frequency_label(hours),
        (None, _, Some(cron)) => describe_cron(cron).unwrap_or_else(|| format!("Cron: {cron}")),
        (None, _, None) => "No schedule".into(),
    }
}

/// The common shapes of a five-field cron expression in words; `None` for the rest.
pub fn describe_cron(cron: &str) -> Option<String> {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else { return None };
    if *month != "*" {
        return None;
    }
    if *hour == "*" && *day == "*" && *weekday == "*" {
        return match minute.strip_prefix("*/") {
            Some(step) => number(step, 1, 59).map(|n| match n {
                1 => "Every minute".into(),
                n => format!("Every {n} minutes"),
            }),
            None => number(minute, 0, 59).map(|m| format!("Every hour at minute {m}")),
        };
    }
    let minute = number(minute, 0, 59)?;
    if let Some(step) = hour.strip_prefix("*/") {
        let n = number(step, 1, 23)?;
        return (*day == "*" && *weekday == "*").then(|| format!("Every {n} hours at minute {minute}"));
    }
    let at = format!("{:02}:{minute:02}", number(hour, 0, 23)?);
    match (*day, *weekday) {
        ("*", "*") => Some(format!("Every day at {at}")),
        ("*", days) => Some(format!("Every {} at {at}", weekdays(days)?)),
        (day, "*") => number(day, 1, 31).map(|d| format!("Day {d} of every month at {at}")),
        _ => None,
    }
}

fn number(text: &str, min: u32, max: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && (min..=max).contains(n))
}

/// Names only, because numbers mean different days to different crons.
fn weekdays(text: &str) -> Option<String> {
    let name = |day: &str| {
        Some(match day.to_ascii_lowercase().as_str() {
            "mon" => "Monday",
            "tue" => "Tuesday",
            "wed" => "Wednesday",
            "thu" => "Thursday",
            "fri" => "Friday",
            "sat" => "Saturday",
            "sun" => "Sunday",
            _ => return None,
        })
    };
    if text.eq_ignore_ascii_case("mon-fri") {
        return Some("weekday".into());
    }
    let names = text.split(',').map(name).collect::<Option<Vec<_>>>()?;
    Some(names.join(", "))
}

/// A folder name made of a title: lower case, umlauts and accents spelled out, dashes for the rest.
pub fn folder_name_from(title: &str) -> String {
    let mut name = String::new();
    for c in title.trim().to_lowercase().chars() {
        let spelled = match c {
            'ä' => "ae",
            'ö' => "oe",
            'ü' => "ue",
            'ß' => "ss",
            'à' | 'á' | 'â' | 'ã' | 'å' => "a",
            'è' | 'é' | 'ê' | 'ë' => "e",
            'ì' | 'í' | 'î' | 'ï' => "i",
            'ò' | 'ó' | 'ô' | 'õ' | 'ø' => "o",
            'ù' | 'ú' | 'û' => "u",
            'ç' => "c",
            'ñ' => "n",
            _ => "",
        };
        if !spelled.is_empty() {
            name.push_str(spelled);
        } else if c.is_ascii_alphanumeric() || c == '_' {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    name.truncate(MAX_FOLDER_NAME);
    name.trim_end_matches('-').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_read_as_words() {
        assert_eq!(frequency_label(1), "Every hour");
        assert_eq!(frequency_label(36), "Every 36 hours");
        assert_eq!(frequency_label(48), "Every 2 days");
        assert!(is_daily(24) && is_daily(48) && !is_daily(36));
    }

    #[test]
    fn common_cron_expressions_read_as_words() {
        for (cron, words) in [
            ("*/15 * * * *", Some("Every 15 minutes")),
            ("*/1 * * * *", Some("Every minute")),
            ("5 * * * *", Some("Every hour at minute 5")),
            ("0 */6 * * *", Some("Every 6 hours at minute 0")),
            ("30 2 * * *", Some("Every day at 02:30")),
            ("30 2 * * sun", Some("Every Sunday at 02:30")),
            ("0 3 * * mon-fri", Some("Every weekday at 03:00")),
            ("0 3 * * Mon,Thu", Some("Every Monday, Thursday at 03:00")),
            ("0 4 1 * *", Some("Day 1 of every month at 04:00")),
            ("0 4 * * 1", None),
            ("0 4 1 1 *", None),
            ("0 4 1 * mon", None),
            ("61 4 * * *", None),
            ("+1 4 * * *", None),
            ("not cron", None),
        ] {
            assert_eq!(describe_cron(cron).as_deref(), words, "{cron}");
        }
    }

    #[test]
    fn a_title_suggests_a_folder_name_that_the_rules_take() {
        for (title, name) in [
            ("Nightly", "nightly"),
            ("  Möbel & Söhne: Nächtlich! ", "moebel-soehne-naechtlich"),
            ("Full backup (prod) v2.0", "full-backup-prod-v2-0"),
            ("snake_case", "snake_case"),
            ("***", ""),
            ("日本", ""),
        ] {
            assert_eq!(folder_name_from(title), name, "{title}");
        }
        assert_eq!(folder_name_from(&"x ".repeat(300)).len(), MAX_FOLDER_NAME - 1);
    }
}
