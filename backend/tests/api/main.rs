//! The tests of the server from outside: one program, so that it links once.
//!
//! The folders mirror the URLs: `<resource>/<verb>.rs`. Beside them stand the tests that walk the whole table.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod access;
mod architecture;
mod databases;
mod openapi;
mod problems;
mod secrets;
mod support;
mod texts;

mod alerts;
mod auth;
mod backups;
mod config;
mod logs;
mod metrics;
mod notifications;
mod oauth;
mod roles;
mod runs;
mod server;
mod setup;
mod source;
mod storages;
mod users;
