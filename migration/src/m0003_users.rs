//! People. `token_version` is part of every token: raising it ends what was issued before.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "users")
                .col(id())
                .col(string("username", 64).not_null())
                .col(string("username_key", 200).not_null())
                .col(string("password_hash", 255).not_null())
                .col(boolean("enabled").not_null())
                .col(big_integer("role_id").not_null())
                .col(big_integer("token_version").not_null().default(1))
                .col(instant(m, "last_sign_in_at").null())
                .col(instant(m, "created_at").not_null())
                .col(instant(m, "updated_at").not_null())
                .col(revision())
                .foreign_key(&mut reference(
                    "fk_users_role",
                    ("users", "role_id"),
                    "roles",
                    ForeignKeyAction::Restrict,
                ))
                .to_owned(),
        )
        .await?;
        unique(m, "users", "ux_users_username", &["username_key"]).await?;
        index(m, "users", "ix_users_role", &["role_id"]).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("users").to_owned()).await
    }
}
