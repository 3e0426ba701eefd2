//! A demo store to try the product on, and the private MariaDB server it lives in.

pub mod content;
mod rows;
pub mod server;
mod store;
mod tree;

pub use store::{DemoError, DemoStore};
