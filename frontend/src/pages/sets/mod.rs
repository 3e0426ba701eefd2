//! Backup Sets.

mod destination;
mod destinations;
mod excludes;
mod files;
mod form;
mod grid;
mod run;
mod schedule;
mod tables;

pub use form::{EditSet, NewSet};
pub use grid::SetList;
pub use run::{RunButton, RunDialog};
