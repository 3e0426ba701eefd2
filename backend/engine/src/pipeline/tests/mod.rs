//! Whole passes over small real stores.

mod cancel;
mod database;
mod dead;
mod local;
mod remote;
mod resume;
mod retention;
mod reuse;
mod support;
mod troubles;
mod unchanged;
