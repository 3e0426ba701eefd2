//! What schedules and passes came to need beyond a slot and a lease.
//!
//! Of a Set: how it is tried again, when its newest good copy was made, since when one is waited for, whether it was told as missed. Of a log:
//! who wants it cancelled, when it is tried again, what it repeats, since when it waits. Of an upload: what has arrived. `chores` are what the servers on one database do
//! together once in a while: whoever moves `next_at` on does it.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

fn columns(m: &SchemaManager) -> Vec<(&'static str, ColumnDef)> {
    vec![
        ("backups", integer("retry_attempts").not_null().default(0).take()),
        ("backups", integer("retry_delay_min").not_null().default(10).take()),
        ("backups", integer("jitter_min").not_null().default(0).take()),
        ("backups", string("ping_url", 500).null().take()),
        ("backups", instant(m, "last_good_at").null().take()),
        ("backups", instant(m, "watched_since").null().take()),
        ("backups", instant(m, "missed_at").null().take()),
        ("logs", instant(m, "cancel_requested_at").null().take()),
        ("logs", string("cancelled_by", 120).null().take()),
        ("logs", instant(m, "queued_at").null().take()),
        ("logs", instant(m, "retry_at").null().take()),
        ("logs", integer("retries").not_null().default(0).take()),
        ("logs", big_integer("retry_of").null().take()),
        ("uploads", string("arrived_sha256", 64).null().take()),
        ("settings", integer("pass_time_limit_hours").not_null().default(48).take()),
        ("settings", integer("missed_grace_min").not_null().default(60).take()),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in columns(m) {
            add_column(m, table, column).await?;
        }
        index(m, "logs", "ix_logs_retry", &["retry_at"]).await?;
        index(m, "logs", "ix_logs_finished", &["finished_at"]).await?;
        m.create_table(
            table(m, "chores")
                .col(id())
                .col(string("name", 40).not_null())
                .col(instant(m, "next_at").not_null())
                .to_owned(),
        )
        .await?;
        unique(m, "chores", "ux_chores_name", &["name"]).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("chores").to_owned()).await?;
        m.drop_index(Index::drop().name("ix_logs_finished").table("logs").to_owned()).await?;
        m.drop_index(Index::drop().name("ix_logs_retry").table("logs").to_owned()).await?;
        for (table, column) in columns(m) {
            let name = column.get_column_name();
            m.alter_table(Table::alter().table(table).drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}
