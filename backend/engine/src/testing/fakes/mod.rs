//! Fakes of the three OAuth providers, as strict as the providers are.

pub mod dropbox;
pub mod google_drive;
pub mod one_drive;
