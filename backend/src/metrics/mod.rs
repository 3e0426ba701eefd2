//! Metrics for Prometheus: what passes of this process came to, and how the whole installation stands, as the database says.
//!
//! Counters begin at zero with the process, as Prometheus expects. Gauges are read at each scrape, so every server on a database tells the same.

mod handlers;
mod passes;
mod repo;
mod routes;
mod service;

#[cfg(test)]
mod repo_tests;

pub use passes::Passes;
pub use routes::routes;
pub use service::MetricsService;
