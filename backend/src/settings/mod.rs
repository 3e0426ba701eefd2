//! The settings an administrator changes while the server runs.

mod error;
mod handlers;
mod problem;
mod repo;
mod routes;
mod service;

pub use error::Error;
pub use routes::routes;
pub use service::{Current, OperatorFacts, SettingsService};
