//! Backup Logs: the record of every pass, and its queue.
//!
//! `active_key` is the id of the Set while its pass is queued or running and null afterwards: unique, so that a Set never runs
//! twice at once. A queued pass has no `owner`; whoever runs it holds it until `lease_until`, and `attempt` counts who took it.
//! `search_key` is what `?q=` looks into: title and label, lower-cased. `files`, `storages` and `warnings` are JSON lists.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "logs")
                .col(id())
                .col(big_integer("backup_id").null())
                .col(string("backup_title", 120).not_null())
                .col(string("trigger", 16).not_null())
                .col(string("label", 200).null())
                .col(long_text(m, "search_key").not_null())
                .col(string("overall_status", 16).not_null())
                .col(big_integer("active_key").null())
                .col(string("idempotency_key", 191).null())
                .col(string("owner", 64).null())
                .col(instant(m, "lease_until").null())
                .col(integer("attempt").not_null().default(0))
                .col(instant(m, "started_at").not_null())
                .col(instant(m, "finished_at").null())
                .col(double("duration_sec").null())
                .col(long_text(m, "files").not_null())
                .col(long_text(m, "storages").not_null())
                .col(long_text(m, "warnings").not_null())
                .col(long_text(m, "error_message").null())
                .col(string("copy_path", 160).null())
                .foreign_key(&mut reference(
                    "fk_logs_backup",
                    ("logs", "backup_id"),
                    "backups",
                    ForeignKeyAction::SetNull,
                ))
                .to_owned(),
        )
        .await?;
        unique(m, "logs", "ux_logs_active", &["active_key"]).await?;
        unique(m, "logs", "ux_logs_idempotency", &["backup_id", "idempotency_key"]).await?;
        index(m, "logs", "ix_logs_started", &["started_at"]).await?;
        index(m, "logs", "ix_logs_status", &["overall_status", "started_at"]).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("logs").to_owned()).await
    }
}
