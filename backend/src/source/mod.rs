//! The Magento root as the server sees it.

mod convert;
mod handlers;
mod routes;
mod service;

pub use routes::routes;
pub use service::SourceService;
