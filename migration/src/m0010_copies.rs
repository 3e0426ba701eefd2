//! The catalogue of copies that exist, one row per copy and destination. It outlives logs and Sets.
//!
//! `destination` is `local` or the id of the Storage Set, `root` the folder of the row there (empty for local), `copy_path` is
//! `<folder_name>/<timestamp>` below it. `staging` marks a local copy that no enabled local row asked for. `files` is JSON.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "copies")
                .col(id())
                .col(big_integer("backup_id").null())
                .col(big_integer("log_id").null())
                .col(string("backup_title", 120).not_null())
                .col(string("destination", 32).not_null())
                .col(string("root", 500).not_null())
                .col(string("copy_path", 160).not_null())
                .col(boolean("complete").not_null())
                .col(boolean("staging").not_null())
                .col(big_integer("size_bytes").not_null())
                .col(long_text(m, "files").not_null())
                .col(instant(m, "created_at").not_null())
                .foreign_key(&mut reference(
                    "fk_copies_backup",
                    ("copies", "backup_id"),
                    "backups",
                    ForeignKeyAction::SetNull,
                ))
                .foreign_key(&mut reference(
                    "fk_copies_log",
                    ("copies", "log_id"),
                    "logs",
                    ForeignKeyAction::SetNull,
                ))
                .to_owned(),
        )
        .await?;
        unique(m, "copies", "ux_copies_place", &["destination", "root", "copy_path"]).await?;
        index(m, "copies", "ix_copies_backup", &["backup_id", "created_at"]).await?;
        index(m, "copies", "ix_copies_log", &["log_id"]).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("copies").to_owned()).await
    }
}
