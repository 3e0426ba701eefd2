//! Being told: messages about backups that failed, are missed, or work again; by e-mail, by a webhook, by a ping for each Set, in the inbox.
//!
//! A message is put into an outbox by the transaction that makes it true (the end of a pass, a Set marked as missed), one row for each channel
//! that is on. A loop beside the scheduler sends what is due (`delivery`); no pass ever waits for a mail server. Pings are not kept: they say
//! that something happens now.

mod address;
mod convert;
mod delivery;
mod error;
mod handlers;
mod mail;
mod ping;
mod problem;
mod repo;
mod reseal;
mod routes;
mod service;
mod telling;
mod vault;
mod webhook;
mod words;

#[cfg(test)]
mod repo_tests;

pub use delivery::Delivered;
pub use error::Error;
pub use reseal::{Resealed, reseal};
pub use routes::routes;
pub use service::{AlertsService, Parts};
pub use telling::{Ended, Missed, Told};
pub use vault::{PURPOSE, Vault};
