//! The pages.

pub mod alerts;
pub mod bell;
pub mod dashboard;
pub mod logs;
pub mod people;
pub mod sets;
pub mod settings;
pub mod shell;
pub mod source;
pub mod storages;
pub mod welcome;
