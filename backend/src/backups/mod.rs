//! Backup Sets: what to back up, when, where to, how many copies to keep.

mod convert;
mod error;
mod handlers;
mod problem;
mod query;
mod repo;
mod routes;
mod service;

#[cfg(test)]
mod repo_tests;

pub use error::Error;
pub use routes::routes;
pub use service::BackupsService;
