//! Makes archives of a Magento store and keeps copies of them.
//!
//! Knows no HTTP server, no metadata database and no wire types: the server's `runs` module gives it a [`pipeline::Job`] and
//! listens to its [`event::Event`]s. Bytes stream: memory stays constant whatever the store's size.

pub mod archive;
pub mod demo;
pub mod event;
pub mod pipeline;
pub mod policy;
pub mod source;
pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;
