//! Backup Logs.

mod detail;
mod grid;
mod progress;
mod result;
mod warnings;

pub use detail::LogPage;
pub use grid::LogList;
