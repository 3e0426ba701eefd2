//! The settings an administrator changes while the server runs: exactly one row, `id` 1.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "settings")
                .col(big_integer("id").not_null().primary_key())
                .col(boolean("enabled").not_null())
                .col(string("time_zone", 64).not_null())
                .col(integer("log_retention_days").not_null())
                .col(integer("max_parallel_passes").not_null())
                .col(revision())
                .to_owned(),
        )
        .await?;
        seed(
            m,
            "settings",
            ["id", "enabled", "time_zone", "log_retention_days", "max_parallel_passes", "revision"],
            [1.into(), true.into(), "UTC".into(), 10.into(), 1.into(), 1.into()],
        )
        .await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("settings").to_owned()).await
    }
}
