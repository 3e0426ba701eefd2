//! Refresh tokens, one row each, hashed. Those that came of one sign-in share their `family`; `used_at` marks the ones that
//! were exchanged, `ended_at` the families that are over.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "sessions")
                .col(id())
                .col(big_integer("user_id").not_null())
                .col(string("family", 36).not_null())
                .col(string("token_hash", 64).not_null())
                .col(instant(m, "created_at").not_null())
                .col(instant(m, "expires_at").not_null())
                .col(instant(m, "used_at").null())
                .col(instant(m, "ended_at").null())
                .foreign_key(&mut reference(
                    "fk_sessions_user",
                    ("sessions", "user_id"),
                    "users",
                    ForeignKeyAction::Cascade,
                ))
                .to_owned(),
        )
        .await?;
        unique(m, "sessions", "ux_sessions_token", &["token_hash"]).await?;
        index(m, "sessions", "ix_sessions_user", &["user_id"]).await?;
        index(m, "sessions", "ix_sessions_family", &["family"]).await?;
        index(m, "sessions", "ix_sessions_expires", &["expires_at"]).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("sessions").to_owned()).await
    }
}
