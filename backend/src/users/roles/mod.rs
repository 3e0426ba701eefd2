//! Roles: named sets of resources. A user has one.

mod handlers;
pub(super) mod repo;
mod routes;
mod service;

pub use routes::routes;
pub use service::RolesService;
pub(super) use service::within;
