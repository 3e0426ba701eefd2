//! The inbox. `dedupe_key` keeps one matter from being posted twice while it is open; dismissing clears it.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "notifications")
                .col(id())
                .col(string("severity", 16).not_null())
                .col(string("title", 200).not_null())
                .col(long_text(m, "message").not_null())
                .col(string("dedupe_key", 191).null())
                .col(instant(m, "created_at").not_null())
                .col(instant(m, "dismissed_at").null())
                .to_owned(),
        )
        .await?;
        unique(m, "notifications", "ux_notifications_dedupe", &["dedupe_key"]).await?;
        index(m, "notifications", "ix_notifications_open", &["dismissed_at", "created_at"]).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("notifications").to_owned()).await
    }
}
