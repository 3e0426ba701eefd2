//! Which key the secrets of this database are encrypted under: one row, `id` 1, once a server has started. `key_id` is derived from the key
//! and tells nothing about it. It is what a rotation of the key that was cut short is judged by.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "encryption_key")
                .col(big_integer("id").not_null().primary_key())
                .col(string("key_id", 64).not_null())
                .col(instant(m, "since").not_null())
                .to_owned(),
        )
        .await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("encryption_key").to_owned()).await
    }
}
