//! Copies that exist, one row per copy and destination.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "copies")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub backup_id: Option<i64>,
    pub log_id: Option<i64>,
    pub backup_title: String,
    /// `local`, or the id of the Storage Set.
    pub destination: String,
    /// The row's folder at the destination; empty for local.
    pub root: String,
    /// `<folder_name>/<timestamp>`.
    pub copy_path: String,
    pub complete: bool,
    /// A local copy that no enabled local row asked for.
    pub staging: bool,
    pub size_bytes: i64,
    pub files: String,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
