//! Test support: the conformance suite every storage driver passes, the fault-injecting storage.

pub mod conformance;
pub mod fault;
