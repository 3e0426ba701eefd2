//! The settings as their form holds them: what was typed, before it is a request.

use contract::{Check, FieldError, Settings, SettingsInput};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsForm {
    pub enabled: bool,
    pub time_zone: String,
    pub log_days: String,
    pub parallel: String,
    pub limit_hours: String,
    pub grace_min: String,
    pub full_every: String,
}

impl SettingsForm {
    pub fn of(settings: &Settings) -> Self {
        SettingsForm {
            enabled: settings.enabled,
            time_zone: settings.time_zone.clone(),
            log_days: settings.log_retention_days.to_string(),
            parallel: settings.max_parallel_passes.to_string(),
            limit_hours: settings.pass_time_limit_hours.to_string(),
            grace_min: settings.missed_grace_min.to_string(),
            full_every: settings.full_pass_every.to_string(),
        }
    }

    /// The request. What is no number becomes 0, which the rules refuse with their own message.
    pub fn input(&self) -> SettingsInput {
        let number = |text: &str| text.trim().parse().unwrap_or(0);
        SettingsInput {
            enabled: self.enabled,
            time_zone: self.time_zone.trim().into(),
            log_retention_days: number(&self.log_days),
            max_parallel_passes: number(&self.parallel),
            pass_time_limit_hours: Some(number(&self.limit_hours)),
            missed_grace_min: Some(number(&self.grace_min)),
            full_pass_every: Some(number(&self.full_every)),
        }
    }

    pub fn mistakes(&self) -> Vec<FieldError> {
        self.input().check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed() -> SettingsForm {
        SettingsForm {
            enabled: true,
            time_zone: " UTC ".into(),
            log_days: "10".into(),
            parallel: "1".into(),
            limit_hours: " 24 ".into(),
            grace_min: "60".into(),
            full_every: "30".into(),
        }
    }

    #[test]
    fn every_number_is_sent_and_refused_at_its_own_field() {
        let input = typed().input();
        assert_eq!((input.pass_time_limit_hours, input.missed_grace_min), (Some(24), Some(60)));
        assert_eq!(input.full_pass_every, Some(30));
        assert_eq!(typed().mistakes(), vec![]);
        let wrong = SettingsForm {
            limit_hours: "a day".into(),
            grace_min: String::new(),
            full_every: "0".into(),
            ..typed()
        };
        let fields: Vec<String> = wrong.mistakes().into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["full_pass_every", "missed_grace_min", "pass_time_limit_hours"]);
    }
}
