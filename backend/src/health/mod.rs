//! How the server is, and what it offers.

mod handlers;
mod routes;
mod service;

pub use routes::routes;
pub use service::HealthService;
