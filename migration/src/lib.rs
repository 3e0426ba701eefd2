//! The metadata schema: one file per table or change, the same for SQLite, PostgreSQL and MySQL or MariaDB.
//!
//! Migrations are applied in order and recorded; a published one does the same for ever. Each is one transaction, its record
//! included. On MySQL data definitions commit by themselves, so there a migration that broke off is done again: its steps bear
//! that they were done before.

pub use sea_orm_migration::{DbErr, MigratorTrait};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

mod columns;
mod m0001_settings;
mod m0002_roles;
mod m0003_users;
mod m0004_sessions;
mod m0005_tokens;
mod m0006_storages;
mod m0007_backups;
mod m0008_backup_storages;
mod m0009_logs;
mod m0010_copies;
mod m0011_notifications;
mod m0020_storage_details;
mod m0021_uploads;
mod m0022_encryption_key;
mod m0023_time_and_life;
mod m0024_alerts;
mod m0025_reuse;
mod m0026_incremental;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let all: Vec<Box<dyn MigrationTrait>> = vec![
            Box::new(m0001_settings::Migration),
            Box::new(m0002_roles::Migration),
            Box::new(m0003_users::Migration),
            Box::new(m0004_sessions::Migration),
            Box::new(m0005_tokens::Migration),
            Box::new(m0006_storages::Migration),
            Box::new(m0007_backups::Migration),
            Box::new(m0008_backup_storages::Migration),
            Box::new(m0009_logs::Migration),
            Box::new(m0010_copies::Migration),
            Box::new(m0011_notifications::Migration),
            Box::new(m0020_storage_details::Migration),
            Box::new(m0021_uploads::Migration),
            Box::new(m0022_encryption_key::Migration),
            Box::new(m0023_time_and_life::Migration),
            Box::new(m0024_alerts::Migration),
            Box::new(m0025_reuse::Migration),
            Box::new(m0026_incremental::Migration),
        ];
        all.into_iter().map(|migration| Box::new(Whole(migration)) as Box<dyn MigrationTrait>).collect()
    }
}

/// A migration in a transaction, which only PostgreSQL would get by default.
struct Whole(Box<dyn MigrationTrait>);

impl MigrationName for Whole {
    fn name(&self) -> &str {
        self.0.name()
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Whole {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        self.0.up(m).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        self.0.down(m).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
