//! Storekeep: who backs up what, when, and the record of it. The work itself is done by `engine`.

pub mod clock;
pub mod config;
pub mod crypto;
pub mod db;
pub mod entity;
pub mod http;
#[cfg(test)]
mod testing;
