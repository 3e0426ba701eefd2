//! Whether a Set's passes may copy what is unchanged, and how often one makes everything anew all the same.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        add_column(m, "backups", string("verify", 16).not_null().default("copied").take()).await?;
        add_column(m, "settings", integer("full_pass_every").not_null().default(30).take()).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.alter_table(Table::alter().table("settings").drop_column("full_pass_every").to_owned()).await?;
        m.alter_table(Table::alter().table("backups").drop_column("verify").to_owned()).await
    }
}
