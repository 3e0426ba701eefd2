//! The destinations of Backup Sets, in the order of `position`. A null `storage_id` is the local row.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "backup_storages")
                .col(id())
                .col(big_integer("backup_id").not_null())
                .col(integer("position").not_null())
                .col(big_integer("storage_id").null())
                .col(boolean("enabled").not_null())
                .col(integer("keep_copies").not_null())
                .col(string("path", 500).not_null())
                .foreign_key(&mut reference(
                    "fk_backup_storages_backup",
                    ("backup_storages", "backup_id"),
                    "backups",
                    ForeignKeyAction::Cascade,
                ))
                .foreign_key(&mut reference(
                    "fk_backup_storages_storage",
                    ("backup_storages", "storage_id"),
                    "storages",
                    ForeignKeyAction::Restrict,
                ))
                .to_owned(),
        )
        .await?;
        unique(m, "backup_storages", "ux_backup_storages_position", &["backup_id", "position"]).await?;
        index(m, "backup_storages", "ix_backup_storages_storage", &["storage_id"]).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("backup_storages").to_owned()).await
    }
}
