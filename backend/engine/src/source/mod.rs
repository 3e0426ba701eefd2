//! The store: its root, its files, its database.

pub mod database;
pub mod files;
pub mod magento;
pub mod report;
