//! Test support: the conformance suite every storage driver passes, the fault-injecting storage, a time that passes at once, the ground
//! on which fakes of providers stand, a private S3 server, an account at each kind of cloud, sums of a database's rows.

pub mod clouds;
pub mod conformance;
pub mod fake;
pub mod fakes;
pub mod fault;
pub mod garage;
pub mod rows;
mod time;

pub use time::VirtualTime;
