//! The pages.

pub mod dashboard;
pub mod logs;
pub mod people;
pub mod sets;
pub mod settings;
pub mod shell;
pub mod source;
pub mod welcome;
