//! The wire: what the server, the console and every other client agree on.
//!
//! A leaf crate: it depends on nothing else of this workspace, builds for the browser, and has no logic beyond
//! parsing and validating. `endpoints` is the permission table of the product.

pub mod acl;
pub mod check;
pub mod endpoint;
pub mod endpoints;
pub mod page;
pub mod problem;

mod alerts;
mod auth;
mod backups;
mod destination;
mod logs;
mod notifications;
mod settings;
mod source;
mod storage_actions;
mod storages;
mod users;

pub use acl::{Grants, Resource};
pub use alerts::*;
pub use auth::*;
pub use backups::*;
pub use check::Check;
pub use destination::*;
pub use endpoint::{Access, Endpoint, Method, Row};
pub use logs::*;
pub use notifications::*;
pub use page::{PageArgs, check_search, parse_sort};
pub use problem::{FieldError, Problem, ProblemCode};
pub use settings::*;
pub use source::*;
pub use storage_actions::*;
pub use storages::*;
pub use users::*;
