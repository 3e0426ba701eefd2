use super::error::Error;
use super::repo;
use crate::db::Db;
use chrono::TimeDelta;
use chrono_tz::Tz;
use contract::{Settings, SettingsInput};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// What the operator has set for good; shown beside the settings.
#[derive(Debug, Clone)]
pub struct OperatorFacts {
    pub magento_root: Option<String>,
    pub archive_dir: String,
    pub part_size_bytes: i64,
}

/// The settings as passes and the scheduler need them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Current {
    /// The master switch: while it is off, nothing starts.
    pub enabled: bool,
    pub time_zone: Tz,
    pub log_retention_days: u32,
    /// At least 1.
    pub max_parallel_passes: u32,
    /// A pass that takes longer is ended.
    pub pass_time_limit: Duration,
    /// How much later than its schedule says a good copy may come before it counts as missed.
    pub missed_grace: TimeDelta,
    /// Every so many passes of a Set one makes everything anew. At least 1.
    pub full_pass_every: u32,
}

#[derive(Clone)]
pub struct SettingsService {
    db: Db,
    facts: OperatorFacts,
}

impl SettingsService {
    pub fn new(db: Db, facts: OperatorFacts) -> Self {
        SettingsService { db, facts }
    }

    pub async fn get(&self) -> Result<Settings, Error> {
        let row = repo::find(&self.db).await?.ok_or(Error::Missing)?;
        Ok(Settings {
            enabled: row.enabled,
            time_zone: row.time_zone,
            log_retention_days: row.log_retention_days,
            max_parallel_passes: row.max_parallel_passes,
            pass_time_limit_hours: row.pass_time_limit_hours,
            missed_grace_min: row.missed_grace_min,
            full_pass_every: row.full_pass_every,
            magento_root: self.facts.magento_root.clone(),
            archive_dir: self.facts.archive_dir.clone(),
            part_size_bytes: self.facts.part_size_bytes,
            version: env!("CARGO_PKG_VERSION").into(),
            revision: row.revision,
        })
    }

    /// Saves all of them. With `expected`, only when nobody has saved since that revision.
    pub async fn save(&self, input: &SettingsInput, expected: Option<i64>) -> Result<Settings, Error> {
        zone(&input.time_zone)?;
        let change = repo::Change {
            enabled: input.enabled,
            time_zone: &input.time_zone,
            log_retention_days: input.log_retention_days,
            max_parallel_passes: input.max_parallel_passes,
            pass_time_limit_hours: input.pass_time_limit_hours,
            missed_grace_min: input.missed_grace_min,
            full_pass_every: input.full_pass_every,
        };
        if !repo::save(&self.db, expected, change).await? {
            return Err(if expected.is_some() { Error::Changed } else { Error::Missing });
        }
        self.get().await
    }

    /// As of now; read it again for every decision.
    pub async fn current(&self) -> Result<Current, Error> {
        let row = repo::find(&self.db).await?.ok_or(Error::Missing)?;
        Ok(Current {
            enabled: row.enabled,
            time_zone: zone(&row.time_zone)?,
            log_retention_days: u32::try_from(row.log_retention_days).unwrap_or(1).max(1),
            max_parallel_passes: u32::try_from(row.max_parallel_passes).unwrap_or(1).max(1),
            pass_time_limit: HOUR * u32::try_from(row.pass_time_limit_hours).unwrap_or(1),
            missed_grace: TimeDelta::minutes(row.missed_grace_min.max(1).into()),
            full_pass_every: u32::try_from(row.full_pass_every).unwrap_or(1).max(1),
        })
    }
}

fn zone(name: &str) -> Result<Tz, Error> {
    name.parse().map_err(|_| Error::UnknownTimeZone(name.into()))
}
