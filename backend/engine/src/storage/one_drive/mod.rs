//! Microsoft OneDrive.
