//! A Backup Set as its form holds it: what was typed, before it is a request.

use super::set_rows::{self, StorageFormRow};
use super::{excludes, schedule};
use contract::{
    BackupSet, BackupSetInput, BackupType, Check, FieldError, Symlinks, Verify, parse_time_of_day,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetForm {
    pub enabled: bool,
    pub title: String,
    pub folder_name: String,
    /// The folder name follows the title until somebody types one.
    pub folder_follows: bool,
    pub database: bool,
    pub files: bool,
    pub by_cron: bool,
    pub frequency: u8,
    pub time_of_day: String,
    pub cron: String,
    pub exclude_directories: Vec<String>,
    pub exclude_tables: Vec<String>,
    /// Typed for the list of directories, not added yet. It counts as a change, and saving adds it.
    pub pending_directory: String,
    /// The same for the list of tables.
    pub pending_table: String,
    pub symlinks: Symlinks,
    pub verify: Verify,
    /// As typed; numbers.
    pub retry_attempts: String,
    pub retry_delay_min: String,
    pub jitter_min: String,
    pub ping_url: String,
    pub storages: Vec<StorageFormRow>,
}

impl SetForm {
    /// A new Set: both types, every night, the usual noise left out, seven copies here.
    pub fn new() -> Self {
        SetForm {
            enabled: true,
            title: String::new(),
            folder_name: String::new(),
            folder_follows: true,
            database: true,
            files: true,
            by_cron: false,
            frequency: 24,
            time_of_day: "02:30".into(),
            cron: String::new(),
            exclude_directories: Vec::new(),
            exclude_tables: Vec::new(),
            pending_directory: String::new(),
            pending_table: String::new(),
            symlinks: Symlinks::default(),
            verify: Verify::default(),
            retry_attempts: "2".into(),
            retry_delay_min: "10".into(),
            jitter_min: "0".into(),
            ping_url: String::new(),
            storages: set_rows::usual(),
        }
    }

    pub fn of(set: &BackupSet) -> Self {
        let usual = SetForm::new();
        SetForm {
            enabled: set.enabled,
            title: set.title.clone(),
            folder_name: set.folder_name.clone(),
            folder_follows: false,
            database: set.backup_types.contains(&BackupType::Database),
            files: set.backup_types.contains(&BackupType::Files),
            by_cron: set.frequency.is_none() && set.cron.is_some(),
            frequency: set.frequency.unwrap_or(usual.frequency),
            time_of_day: set.time_of_day.clone().unwrap_or(usual.time_of_day),
            cron: set.cron.clone().unwrap_or_default(),
            exclude_directories: set.exclude_directories.clone(),
            exclude_tables: set.exclude_tables.clone(),
            pending_directory: String::new(),
            pending_table: String::new(),
            symlinks: set.symlinks,
            verify: set.verify,
            retry_attempts: set.retry_attempts.to_string(),
            retry_delay_min: set.retry_delay_min.to_string(),
            jitter_min: set.jitter_min.to_string(),
            ping_url: set.ping_url.clone().unwrap_or_default(),
            storages: set_rows::of(&set.storages),
        }
    }

    pub fn set_title(&mut self, title: String) {
        if self.folder_follows {
            self.folder_name = schedule::folder_name_from(&title);
        }
        self.title = title;
    }

    /// Emptying the field lets it follow the title again.
    pub fn set_folder_name(&mut self, name: String) {
        self.folder_follows = name.is_empty();
        self.folder_name = name;
    }

    /// Adds what is typed for the lists to them.
    pub fn add_pending(&mut self) {
        let directory = excludes::tidy_path(&std::mem::take(&mut self.pending_directory));
        let table = std::mem::take(&mut self.pending_table).trim().to_string();
        for (lines, line) in [(&mut self.exclude_directories, directory), (&mut self.exclude_tables, table)] {
            if !line.is_empty() {
                toggle(lines, &line, true);
            }
        }
    }

    /// The request. What is not a number becomes 0, which the rules refuse with their own message.
    pub fn input(&self) -> BackupSetInput {
        let mut backup_types = Vec::new();
        if self.database {
            backup_types.push(BackupType::Database);
        }
        if self.files {
            backup_types.push(BackupType::Files);
        }
        let daily = !self.by_cron && schedule::is_daily(self.frequency);
        BackupSetInput {
            enabled: self.enabled,
            title: self.title.trim().into(),
            folder_name: self.folder_name.trim().into(),
            backup_types,
            frequency: (!self.by_cron).then_some(self.frequency),
            cron: self.by_cron.then(|| self.cron.trim().into()),
            time_of_day: daily.then(|| self.time_of_day.clone()),
            exclude_directories: self.exclude_directories.clone(),
            exclude_tables: self.exclude_tables.clone(),
            symlinks: self.symlinks,
            verify: self.verify,
            retry_attempts: number(&self.retry_attempts),
            retry_delay_min: number(&self.retry_delay_min),
            // Only a cron expression can be delayed: what was typed before it was given up does not count.
            jitter_min: if self.by_cron { number(&self.jitter_min) } else { 0 },
            ping_url: Some(self.ping_url.trim().to_owned()).filter(|url| !url.is_empty()),
            storages: self.storages.iter().map(StorageFormRow::input).collect(),
        }
    }

    /// The wire's rules, with words of its own for what is no number at all.
    pub fn mistakes(&self) -> Vec<FieldError> {
        let mut errors = self.input().check();
        for (field, typed, message) in [
            ("retry_attempts", &self.retry_attempts, "Enter a whole number, or 0 for never."),
            ("retry_delay_min", &self.retry_delay_min, "Enter a whole number of minutes."),
            ("jitter_min", &self.jitter_min, "Enter a whole number of minutes, or 0 for none."),
        ] {
            let wrong = errors.iter_mut().find(|e| e.field == field && number(typed) < 0);
            if let Some(error) = wrong {
                error.message = message.into();
            }
        }
        errors
    }

    /// What to ask for to see when this schedule would run; `id` is that of a Set that is there, whose slots go on while its schedule
    /// stays. `None` while something is missing.
    pub fn schedule_query(&self, id: Option<i64>) -> Option<Vec<(&'static str, String)>> {
        let mut query = Vec::new();
        if self.by_cron {
            let (cron, jitter) = (self.cron.trim(), number(&self.jitter_min));
            if cron.is_empty() || !(0..=60).contains(&jitter) {
                return None;
            }
            query.push(("cron", cron.to_owned()));
            // The folder's name is of no account without delays, and is not to ask anew while it is typed.
            if jitter > 0 {
                query.push(("jitter_min", jitter.to_string()));
                query.push(("folder_name", self.folder_name.trim().to_owned()));
            }
        } else {
            query.push(("frequency", self.frequency.to_string()));
            if schedule::is_daily(self.frequency) {
                parse_time_of_day(&self.time_of_day)?;
                query.push(("time_of_day", self.time_of_day.clone()));
            }
        }
        query.extend(id.filter(|_| self.enabled).map(|id| ("backup_id", id.to_string())));
        Some(query)
    }
}

/// What is no number is one that every rule refuses.
fn number(text: &str) -> i32 {
    text.trim().parse().unwrap_or(-1)
}

/// Adds a line once, or takes it away.
pub fn toggle(lines: &mut Vec<String>, line: &str, on: bool) {
    lines.retain(|l| l != line);
    if on {
        lines.push(line.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Check;

    fn filled() -> SetForm {
        let mut form = SetForm::new();
        form.set_title(" Nightly Full ".into());
        form
    }

    #[test]
    fn a_new_set_needs_no_more_than_a_title() {
        let input = filled().input();
        assert_eq!(input.check(), vec![]);
        assert_eq!((input.title.as_str(), input.folder_name.as_str()), ("Nightly Full", "nightly-full"));
    }

    #[test]
    fn the_folder_follows_the_title_until_one_is_typed() {
        let mut form = filled();
        form.set_folder_name("mine".into());
        form.set_title("Other".into());
        assert_eq!(form.folder_name, "mine");
        form.set_folder_name(String::new());
        form.set_title("Third".into());
        assert_eq!(form.folder_name, "third");
    }

    #[test]
    fn only_daily_frequencies_send_a_time_and_cron_excludes_both() {
        let hourly = SetForm { frequency: 4, ..filled() }.input();
        assert_eq!((hourly.frequency, hourly.time_of_day, hourly.cron), (Some(4), None, None));
        let daily = filled().input();
        assert_eq!(daily.time_of_day.as_deref(), Some("02:30"));
        let cron = SetForm { by_cron: true, cron: " 0 4 * * * ".into(), ..filled() }.input();
        assert_eq!((cron.frequency, cron.time_of_day, cron.cron.as_deref()), (None, None, Some("0 4 * * *")));
        assert_eq!(SetForm { by_cron: true, ..filled() }.input().check()[0].field, "cron");
    }

    #[test]
    fn what_is_not_a_number_is_refused_at_its_field() {
        let mut form = filled();
        form.storages[0].keep_copies = "many".into();
        assert_eq!(form.input().check()[0].field, "storages[0].keep_copies");
    }

    #[test]
    fn retries_and_delays_are_refused_in_words_that_fit() {
        let form = SetForm { retry_attempts: "often".into(), retry_delay_min: "0".into(), ..filled() };
        let told: Vec<_> = form.mistakes().into_iter().map(|e| (e.field, e.message)).collect();
        assert_eq!(told[0], ("retry_attempts".into(), "Enter a whole number, or 0 for never.".into()));
        assert_eq!(told[1], ("retry_delay_min".into(), "Wait 1 to 1440 minutes.".into()));
        let odd = SetForm { jitter_min: "x".into(), ..filled() };
        assert_eq!(odd.mistakes(), vec![], "without a cron expression there is no delay");
        let odd = SetForm { by_cron: true, cron: "0 4 * * *".into(), ..odd };
        assert_eq!(odd.mistakes()[0].field, "jitter_min");
        let pinged = SetForm { ping_url: " https://ping.example/abc ".into(), ..filled() };
        assert_eq!(pinged.input().ping_url.as_deref(), Some("https://ping.example/abc"));
        assert_eq!(SetForm { ping_url: "ping".into(), ..filled() }.mistakes()[0].field, "ping_url");
    }

    #[test]
    fn the_preview_asks_for_what_the_schedule_consists_of_alone() {
        let asked = |form: &SetForm, id| {
            form.schedule_query(id)
                .map(|q| q.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&"))
        };
        assert_eq!(asked(&filled(), None).unwrap(), "frequency=24&time_of_day=02:30");
        assert_eq!(asked(&SetForm { frequency: 4, ..filled() }, Some(7)).unwrap(), "frequency=4&backup_id=7");
        assert_eq!(asked(&SetForm { time_of_day: "2:3".into(), ..filled() }, None), None);
        let cron = SetForm { by_cron: true, cron: " 0 4 * * * ".into(), enabled: false, ..filled() };
        assert_eq!(asked(&cron, Some(7)).unwrap(), "cron=0 4 * * *", "one that rests begins anew");
        let delayed = SetForm { jitter_min: "15".into(), ..cron.clone() };
        assert_eq!(asked(&delayed, None).unwrap(), "cron=0 4 * * *&jitter_min=15&folder_name=nightly-full");
        assert_eq!(asked(&SetForm { jitter_min: "61".into(), ..cron.clone() }, None), None);
        assert_eq!(asked(&SetForm { cron: " ".into(), ..cron }, None), None);
    }

    #[test]
    fn a_line_that_was_typed_but_not_added_is_a_change_and_is_saved() {
        let saved = filled();
        let mut form = saved.clone();
        form.pending_directory = " /pub/media/tmp/ ".into();
        form.pending_table = " report_* ".into();
        assert_ne!(form, saved);
        form.add_pending();
        let input = form.input();
        assert_eq!(
            (input.exclude_directories, input.exclude_tables),
            (vec!["pub/media/tmp".into()], vec!["report_*".into()])
        );
        assert_eq!((form.pending_directory.as_str(), form.pending_table.as_str()), ("", ""));
        form.pending_directory = " / ".into();
        form.add_pending();
        assert_eq!(form.exclude_directories, ["pub/media/tmp"], "nothing is nothing");
    }

    #[test]
    fn lines_are_there_once() {
        let mut lines = vec!["var".to_string()];
        toggle(&mut lines, "var", true);
        assert_eq!(lines, ["var"]);
        toggle(&mut lines, "var", false);
        assert!(lines.is_empty());
    }
}
