//! Fakes of the three OAuth providers, as strict as the providers are.

pub mod dropbox;
pub mod google_drive;
pub mod one_drive;

use super::fake::{Action, Reply};

/// A proxy, or the sign-in page of a network, answers in the provider's place: HTML, with whatever status.
pub fn proxy(status: u16) -> Action {
    let page = "<!DOCTYPE html><html><head><title>Gateway</title></head><body>Please sign in</body></html>";
    let body = bytes::Bytes::from_static(page.as_bytes());
    Action::Answer(
        Reply { status, headers: Vec::new(), body }.with("content-type", "text/html; charset=utf-8"),
    )
}
