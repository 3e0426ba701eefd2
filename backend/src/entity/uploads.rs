//! Uploads under way. `…_enc` is ciphertext.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "uploads")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub storage_id: i64,
    /// The row's folder at the destination.
    pub root: String,
    pub object_key: String,
    /// Of the three above, which are unique together.
    pub place_hash: String,
    pub log_id: Option<i64>,
    pub state_enc: Option<String>,
    /// The SHA-256 of the whole object, once it has arrived.
    pub arrived_sha256: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
