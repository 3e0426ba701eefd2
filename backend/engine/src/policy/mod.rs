//! The rules, as pure functions: no clock, no disk, no network.

pub mod layout;
pub mod retention;
pub mod schedule;

#[cfg(test)]
mod retention_tests;
#[cfg(test)]
mod schedule_tests;
#[cfg(test)]
mod year_tests;
