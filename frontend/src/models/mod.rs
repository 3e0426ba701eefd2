//! What the pages show, worked out without a DOM, so that it is tested natively.

pub mod access;
pub mod excludes;
pub mod format;
pub mod list;
pub mod password;
pub mod progress;
pub mod restore;
pub mod schedule;
pub mod set_form;
pub mod sse;
pub mod words;
