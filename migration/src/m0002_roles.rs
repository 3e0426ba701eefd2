//! Roles: named sets of resources. `resources` is a list of their names, separated by spaces.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            table(m, "roles")
                .col(id())
                .col(string("name", 64).not_null())
                .col(string("name_key", 200).not_null())
                .col(string("resources", 1000).not_null())
                .col(boolean("built_in").not_null())
                .col(revision())
                .to_owned(),
        )
        .await?;
        unique(m, "roles", "ux_roles_name", &["name_key"]).await?;
        for (name, resources) in BUILT_IN {
            let key = name.to_lowercase();
            seed(
                m,
                "roles",
                ["name_key", "name", "resources", "built_in", "revision"],
                [key.into(), (*name).into(), (*resources).into(), true.into(), 1.into()],
            )
            .await?;
        }
        Ok(())
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("roles").to_owned()).await
    }
}

/// The roles that every installation begins with.
const BUILT_IN: &[(&str, &str)] = &[
    (
        "Administrator",
        "config backups backups_save backups_delete backups_run storages storages_save storages_delete logs archives \
         users",
    ),
    ("Operator", "backups backups_save backups_run storages logs archives"),
    ("Viewer", "backups storages logs"),
    ("CI", "backups backups_run logs"),
];
