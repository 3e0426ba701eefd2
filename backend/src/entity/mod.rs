//! The rows of the metadata database. Imported by `repo` files alone.

pub mod backup_storages;
pub mod backups;
pub mod channels;
pub mod chores;
pub mod copies;
pub mod encryption_key;
pub mod logs;
pub mod messages;
pub mod notifications;
pub mod roles;
pub mod sessions;
pub mod settings;
pub mod storages;
pub mod tokens;
pub mod uploads;
pub mod users;
