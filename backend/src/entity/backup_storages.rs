//! The destinations of a Set, by `position`. A null `storage_id` is the local row.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "backup_storages")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub backup_id: i64,
    pub position: i32,
    pub storage_id: Option<i64>,
    pub enabled: bool,
    pub keep_copies: i32,
    pub path: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
