//! Storage Sets: the destinations that Backup Sets share.

mod repo;
mod service;

pub use service::{Destination, StoragesService};
