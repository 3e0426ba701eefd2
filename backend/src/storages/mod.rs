//! Storage Sets: the credentials of cloud destinations, and the destinations that Backup Sets make of them.
//!
//! Secrets are encrypted for their rows (`vault`). One account object serves a Storage Set in a whole process (`accounts`), so that no two
//! refresh a token at once. Passes get destinations that note what they put (`uploads`), and what a crash left half-made is removed by
//! these notes (`tidy`).

mod accounts;
pub mod clouds;
mod convert;
mod error;
mod grants;
mod handlers;
mod link;
mod page;
mod problem;
mod query;
mod repo;
mod reseal;
mod routes;
mod service;
mod targets;
mod tidy;
mod trial;
mod uploads;
mod vault;

#[cfg(test)]
mod repo_tests;

pub use clouds::{BaseUrls, Clouds, Drivers};
pub use error::Error;
pub use reseal::{Resealed, reseal};
pub use routes::routes;
pub use service::{Parts, PublicUrl, StoragesService};
pub use targets::Destination;
pub use tidy::{Pauses, Tidied};
pub use vault::{PURPOSE, Vault};
