//! Signing in and out, sessions, and the first administrator.
//!
//! A sign-in opens a session (a family of refresh tokens, of which only the newest counts) and gives an access token: a JWT of
//! 15 minutes that names the session. Each request looks up the user and the session again, so that signing out,
//! disabling, a new password and another role bite at once.

mod error;
mod gate;
mod handlers;
mod jwt;
mod problem;
mod repo;
mod routes;
mod service;
#[cfg(test)]
mod service_tests;
mod setup;
mod throttle;

pub use error::Error;
pub use gate::Gate;
pub use handlers::RefreshCookie;
pub use jwt::{ACCESS_TOKEN_SEC, TokenKey};
pub use routes::routes;
pub use service::{AuthService, SESSION_IDLE};
pub use setup::{SetupError, SetupToken};
