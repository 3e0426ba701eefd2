//! People and their roles.
//!
//! Every change of a user or a role happens under one lock in the database, so that two changes at once cannot leave the
//! installation without an administrator.

mod convert;
mod error;
mod handlers;
mod problem;
mod repo;
mod roles;
mod routes;
mod service;
#[cfg(test)]
mod service_tests;

pub use convert::Account;
pub use error::Error;
pub use roles::RolesService;
pub use routes::routes;
pub use service::UsersService;
