//! API tokens. The token itself is not kept: its `jti` finds the row, `revoked_at` ends it.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "tokens")
                .col(id())
                .col(big_integer("user_id").not_null())
                .col(string("jti", 36).not_null())
                .col(string("title", 120).not_null())
                .col(string("resources", 1000).not_null())
                .col(instant(m, "created_at").not_null())
                .col(instant(m, "expires_at").not_null())
                .col(instant(m, "last_used_at").null())
                .col(instant(m, "revoked_at").null())
                .foreign_key(&mut reference(
                    "fk_tokens_user",
                    ("tokens", "user_id"),
                    "users",
                    ForeignKeyAction::Cascade,
                ))
                .to_owned(),
        )
        .await?;
        unique(m, "tokens", "ux_tokens_jti", &["jti"]).await?;
        index(m, "tokens", "ix_tokens_user", &["user_id"]).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("tokens").to_owned()).await
    }
}
