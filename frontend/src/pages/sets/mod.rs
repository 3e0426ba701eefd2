//! Backup Sets.

mod after;
mod destination;
mod destinations;
mod excludes;
mod files;
mod form;
mod grid;
mod preview;
mod run;
mod schedule;
mod tables;

pub use form::{EditSet, NewSet};
pub use grid::SetList;
pub use run::{RunButton, RunDialog};
