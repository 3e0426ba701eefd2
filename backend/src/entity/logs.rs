//! Passes: their record and their queue. Lists are JSON.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "logs")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub backup_id: Option<i64>,
    pub backup_title: String,
    pub trigger: String,
    pub label: Option<String>,
    /// Title and label, lower-cased.
    pub search_key: String,
    pub overall_status: String,
    /// The Set's id while the pass is queued or running.
    pub active_key: Option<i64>,
    pub idempotency_key: Option<String>,
    /// Who runs the pass; null while it is queued.
    pub owner: Option<String>,
    pub lease_until: Option<DateTimeUtc>,
    pub attempt: i32,
    pub started_at: DateTimeUtc,
    pub finished_at: Option<DateTimeUtc>,
    pub duration_sec: Option<f64>,
    pub files: String,
    pub storages: String,
    pub warnings: String,
    pub error_message: Option<String>,
    pub copy_path: Option<String>,
    pub cancel_requested_at: Option<DateTimeUtc>,
    /// Who asked for its end.
    pub cancelled_by: Option<String>,
    /// Since when it waits for its turn.
    pub queued_at: Option<DateTimeUtc>,
    /// When it is tried again by itself.
    pub retry_at: Option<DateTimeUtc>,
    /// How often it was tried again, with the passes that it repeats.
    pub retries: i32,
    /// The log that it repeats.
    pub retry_of: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
