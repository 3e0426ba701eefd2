//! stub
pub mod db;
pub mod entity;
#[cfg(test)]
mod testing;
