//! Keys, hashes and random tokens.

mod install;
mod keys;
mod next_key;
mod password;
mod seal;
mod token;

pub use install::install_providers;
pub use keys::{KEY_FILE, KeyError, MasterKey};
pub use next_key::{Left, NextKey};
pub use password::Passwords;
pub use seal::{SealError, Sealer, Spot};
pub use token::{OpaqueToken, hash_token, same_text};
