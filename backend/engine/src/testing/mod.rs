//! Test support: the conformance suite every storage driver passes, the fault-injecting storage, a time that passes at once, the ground
//! on which fakes of providers stand, waiting with a bound, a private S3 server, servers that end with their test, an account at each kind
//! of cloud, sums of a database's rows.

pub mod clouds;
pub mod conformance;
pub mod fake;
pub mod fakes;
pub mod fault;
pub mod garage;
mod patience;
pub mod rows;
mod supervised;
mod time;

pub use patience::{until, until_told};
pub use supervised::{Supervised, cache};
pub use time::VirtualTime;
