//! Being told: where messages go (`channels`), and those that are still to be sent (`messages`, an outbox).
//!
//! A message is put into the outbox by the transaction that makes it true, so a crash loses none. `backups.trouble` is what was told of a Set
//! and is not over yet: without it, nobody could say which good pass is a recovery.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "channels")
                .col(id())
                .col(string("kind", 16).not_null())
                .col(boolean("enabled").not_null().default(false))
                .col(long_text(m, "config").not_null())
                .col(long_text(m, "secret_enc").null())
                .col(revision())
                .to_owned(),
        )
        .await?;
        unique(m, "channels", "ux_channels_kind", &["kind"]).await?;
        for kind in ["email", "webhook"] {
            seed(m, "channels", ["kind", "enabled", "config"], [kind.into(), false.into(), "{}".into()])
                .await?;
        }
        m.create_table(
            table(m, "messages")
                .col(id())
                .col(string("channel", 16).not_null())
                .col(string("event", 16).not_null())
                .col(long_text(m, "body").not_null())
                .col(integer("attempts").not_null().default(0))
                .col(instant(m, "next_at").not_null())
                .col(instant(m, "created_at").not_null())
                .to_owned(),
        )
        .await?;
        index(m, "messages", "ix_messages_next", &["next_at"]).await?;
        add_column(m, "backups", string("trouble", 16).null().take()).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.alter_table(Table::alter().table("backups").drop_column("trouble").to_owned()).await?;
        m.drop_table(Table::drop().table("messages").to_owned()).await?;
        m.drop_table(Table::drop().table("channels").to_owned()).await
    }
}
