//! One row, `id` 1.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "settings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub enabled: bool,
    pub time_zone: String,
    pub log_retention_days: i32,
    pub max_parallel_passes: i32,
    pub pass_time_limit_hours: i32,
    pub missed_grace_min: i32,
    pub full_pass_every: i32,
    pub revision: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
