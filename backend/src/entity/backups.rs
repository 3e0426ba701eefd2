//! Backup Sets. Lists are JSON.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "backups")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub enabled: bool,
    pub title: String,
    pub title_key: String,
    pub folder_name: String,
    pub folder_key: String,
    pub backup_types: String,
    pub frequency: Option<i32>,
    pub cron: Option<String>,
    pub time_of_day: Option<String>,
    pub exclude_directories: String,
    pub exclude_tables: String,
    pub symlinks: String,
    pub verify: String,
    pub last_time: Option<DateTimeUtc>,
    /// The slot that was claimed last.
    pub last_slot_at: Option<DateTimeUtc>,
    pub next_run_at: Option<DateTimeUtc>,
    /// The zone in which `next_run_at` was computed.
    pub slot_zone: Option<String>,
    /// What the last finished pass came to.
    pub last_status: Option<String>,
    pub retry_attempts: i32,
    pub retry_delay_min: i32,
    pub jitter_min: i32,
    pub ping_url: Option<String>,
    /// When the pass started that made the newest good copy.
    pub last_good_at: Option<DateTimeUtc>,
    /// Since when a good copy is waited for, as long as there is none: it was made, switched on, or given another schedule.
    pub watched_since: Option<DateTimeUtc>,
    /// When it was told that its copy is missed; null again with the next good one.
    pub missed_at: Option<DateTimeUtc>,
    /// What was told of it and is not over: `failed`, `partial` or `missed`.
    pub trouble: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub revision: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
