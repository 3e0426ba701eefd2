//! A demo store to try the product on, and the private MariaDB server it lives in.

pub mod server;
