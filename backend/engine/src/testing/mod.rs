//! Test support: the conformance suite every storage driver passes, the fault-injecting storage, a time that passes at once, and the
//! ground on which fakes of providers stand.

pub mod conformance;
pub mod fake;
pub mod fakes;
pub mod fault;
mod time;

pub use time::VirtualTime;
