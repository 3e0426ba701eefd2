//! What Storage Sets came to need when their drivers arrived.
//!
//! `account_id` is what the provider calls the linked account, whatever its name. `link_generation` counts the times an account was linked,
//! so that a token of an older link never replaces one of a newer. `link_…` besides is a linking under way: who asked (`link_user_version`:
//! what was issued to them up to now), where the provider sends the browser, whether another account was agreed to.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

fn columns(m: &SchemaManager) -> Vec<ColumnDef> {
    vec![
        string("tenant", 255).null().take(),
        string("storage_class", 64).null().take(),
        string("encryption", 16).not_null().default("none").take(),
        string("kms_key_id", 512).null().take(),
        big_integer("max_bytes_per_sec").null().take(),
        string("account_id", 320).null().take(),
        instant(m, "linked_at").null().take(),
        big_integer("link_generation").not_null().default(0).take(),
        big_integer("link_user_id").null().take(),
        big_integer("link_user_version").null().take(),
        string("link_redirect_uri", 500).null().take(),
        boolean("link_confirmed").not_null().default(false).take(),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for column in columns(m) {
            add_column(m, "storages", column).await?;
        }
        Ok(())
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for column in columns(m) {
            let name = column.get_column_name();
            m.alter_table(Table::alter().table("storages").drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}
