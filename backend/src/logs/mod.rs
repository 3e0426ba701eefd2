//! Backup Logs: the record of every pass, its progress while it runs, and the way to its archives.

mod convert;
mod download;
mod error;
mod handlers;
mod problem;
pub mod progress;
mod query;
mod repo;
mod routes;
mod service;
mod stream;
mod tracker;

#[cfg(test)]
mod repo_tests;
#[cfg(test)]
mod tracker_tests;

pub use error::Error;
pub use progress::Hub;
pub use query::WaitQuery;
pub use routes::routes;
pub use service::LogsService;
pub use tracker::Plan;
