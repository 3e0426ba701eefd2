//! Backup Sets. `backup_types` and both `exclude_…` columns are JSON lists of strings; `next_run_at` is the next slot, null while
//! the Set is switched off; `slot_zone` is the zone it was computed in; `last_slot_at` is the slot that was claimed last.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "backups")
                .col(id())
                .col(boolean("enabled").not_null())
                .col(string("title", 120).not_null())
                .col(string("title_key", 400).not_null())
                .col(string("folder_name", 100).not_null())
                .col(string("folder_key", 100).not_null())
                .col(string("backup_types", 100).not_null())
                .col(integer("frequency").null())
                .col(string("cron", 200).null())
                .col(string("time_of_day", 5).null())
                .col(long_text(m, "exclude_directories").not_null())
                .col(long_text(m, "exclude_tables").not_null())
                .col(string("symlinks", 16).not_null())
                .col(instant(m, "last_time").null())
                .col(instant(m, "last_slot_at").null())
                .col(instant(m, "next_run_at").null())
                .col(string("slot_zone", 64).null())
                .col(string("last_status", 16).null())
                .col(instant(m, "created_at").not_null())
                .col(instant(m, "updated_at").not_null())
                .col(revision())
                .to_owned(),
        )
        .await?;
        unique(m, "backups", "ux_backups_title", &["title_key"]).await?;
        unique(m, "backups", "ux_backups_folder", &["folder_key"]).await?;
        index(m, "backups", "ix_backups_next_run", &["next_run_at"]).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("backups").to_owned()).await
    }
}
