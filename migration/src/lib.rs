//! The metadata schema: one file per table or change, the same for SQLite, PostgreSQL and MySQL or MariaDB.
//!
//! Migrations are applied in order and recorded; a published one is never edited. On MySQL data definitions commit by
//! themselves, so every migration makes one table only, or looks what is there already: one that failed can be run again.

use sea_orm_migration::MigrationTrait;
pub use sea_orm_migration::{DbErr, MigratorTrait};

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

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
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
        ]
    }
}
