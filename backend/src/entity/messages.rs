//! The outbox: messages that are still to be sent, one row for each channel.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub channel: String,
    pub event: String,
    /// JSON.
    pub body: String,
    /// How often it was taken to be sent.
    pub attempts: i32,
    /// When it is sent (again). Whoever sends it moves it on first.
    pub next_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
