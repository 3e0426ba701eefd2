//! The inbox: what administrators have to know although nobody asked.

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
pub use service::{Notice, NotificationsService};
