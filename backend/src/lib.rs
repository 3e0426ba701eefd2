//! Storekeep: who backs up what, when, and the record of it. The work itself is done by `engine`.

pub mod alerts;
pub mod app;
pub mod auth;
pub mod backups;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod db;
pub mod demo;
pub mod entity;
pub mod health;
pub mod http;
pub mod keyring;
pub mod logs;
pub mod metrics;
pub mod notifications;
pub mod redact;
pub mod runs;
pub mod scheduler;
pub mod serve;
pub mod settings;
pub mod source;
pub mod storages;
#[cfg(test)]
mod testing;
pub mod users;
pub mod wire;
