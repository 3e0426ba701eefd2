//! The real binary, from outside: started as an operator starts it, spoken to over HTTP, killed, and its archives restored
//! with nothing but `tar`, `gunzip` and `mariadb`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod api;
mod archives;
mod databases;
mod destinations;
mod fleet;
mod kill;
mod lifecycle;
mod restore;
mod secrets;
mod server;
mod store;
mod tree;
mod trouble;

pub use api::Api;
pub use server::Server;
