//! Uploads of passes to Storage Sets that are under way, or that were broken off and wait to be cleared up: one row per object, by its
//! `object_key` below `root` (the row's folder at the destination). `place_hash` makes the three unique together, which are too long for an
//! index of MySQL's. `state_enc` is what the driver remembers of the upload, encrypted: the URL of an upload session is a capability.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        if !m.has_table("uploads").await? {
            m.create_table(
                table(m, "uploads")
                    .col(id())
                    .col(big_integer("storage_id").not_null())
                    .col(string("root", 500).not_null())
                    .col(string("object_key", 1024).not_null())
                    .col(string("place_hash", 64).not_null().unique_key())
                    .col(big_integer("log_id").null())
                    .col(long_text(m, "state_enc").null())
                    .col(instant(m, "created_at").not_null())
                    .col(instant(m, "updated_at").not_null())
                    .foreign_key(&mut reference(
                        "fk_uploads_storage",
                        ("uploads", "storage_id"),
                        "storages",
                        ForeignKeyAction::Cascade,
                    ))
                    .foreign_key(&mut reference(
                        "fk_uploads_log",
                        ("uploads", "log_id"),
                        "logs",
                        ForeignKeyAction::SetNull,
                    ))
                    .to_owned(),
            )
            .await?;
        }
        for (name, column) in [("ix_uploads_storage", "storage_id"), ("ix_uploads_log", "log_id")] {
            if !m.has_index("uploads", name).await? {
                index(m, "uploads", name, &[column]).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("uploads").to_owned()).await
    }
}
