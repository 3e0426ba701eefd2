//! Storage Sets: the credentials of destinations. Columns that end in `_enc` hold what an AEAD made of a secret, bound to the
//! row; nothing else here is secret. `link_…` is a linking under way.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "storages")
                .col(id())
                .col(boolean("enabled").not_null())
                .col(string("title", 120).not_null())
                .col(string("title_key", 400).not_null())
                .col(string("type", 16).not_null())
                .col(string("client_id", 500).not_null())
                .col(long_text(m, "client_secret_enc").null())
                .col(long_text(m, "access_token_enc").null())
                .col(instant(m, "access_token_expires_at").null())
                .col(long_text(m, "refresh_token_enc").null())
                .col(string("region", 64).null())
                .col(string("endpoint", 500).null())
                .col(boolean("path_style").not_null())
                .col(string("account", 320).null())
                .col(boolean("linked").not_null())
                .col(long_text(m, "oauth_error_notify_mess").null())
                .col(string("link_state_hash", 64).null())
                .col(long_text(m, "link_verifier_enc").null())
                .col(instant(m, "link_expires_at").null())
                .col(instant(m, "created_at").not_null())
                .col(instant(m, "updated_at").not_null())
                .col(revision())
                .to_owned(),
        )
        .await?;
        unique(m, "storages", "ux_storages_title", &["title_key"]).await?;
        unique(m, "storages", "ux_storages_link_state", &["link_state_hash"]).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("storages").to_owned()).await
    }
}
