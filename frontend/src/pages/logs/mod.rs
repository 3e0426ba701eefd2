//! Backup Logs.

mod detail;
mod end;
mod grid;
mod progress;
mod result;
mod warnings;

pub use detail::LogPage;
pub use end::{CancelButton, CancelDialog, Ending};
pub use grid::LogList;
