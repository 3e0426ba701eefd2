//! Where messages go: one row for each kind of channel.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "channels")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `email` or `webhook`.
    pub kind: String,
    pub enabled: bool,
    /// JSON; what is in it depends on the kind.
    pub config: String,
    pub secret_enc: Option<String>,
    pub revision: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
