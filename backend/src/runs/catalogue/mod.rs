//! The catalogue of copies that exist; it outlives logs and Sets.

mod repo;

#[cfg(test)]
mod repo_tests;

pub use repo::{Copy, add, last_good_bytes, remove};
