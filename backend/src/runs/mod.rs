//! One pass of one Set: open its log, call the engine, close it. The API, the scheduler and the shell come here.

mod again;
mod catalogue;
mod chores;
mod error;
mod executor;
mod handlers;
mod heart;
mod instance;
mod job;
mod missed;
mod outcome;
mod pass;
mod problem;
mod recovery;
mod repo;
mod routes;
mod service;
mod shell;
mod slots;

#[cfg(test)]
mod outcome_tests;
#[cfg(test)]
mod repo_tests;

pub use error::Error;
pub use instance::{Instance, is_served};
pub use job::Place;
pub use repo::is_busy;
pub use routes::routes;
pub use service::{Request, Rooms, RunsService};
pub use shell::Where;
