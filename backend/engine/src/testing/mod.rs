//! Test support: the conformance suite every storage driver passes, the fault-injecting storage, sums of a database's rows.

pub mod conformance;
pub mod fault;
pub mod rows;
