//! Backup Sets.

mod excludes;
mod files;
mod form;
mod grid;
mod parts;
mod run;
mod tables;

pub use form::{EditSet, NewSet};
pub use grid::SetList;
pub use run::{RunButton, RunDialog};
