//! What the pages show, worked out without a DOM, so that it is tested natively.

pub mod access;
pub mod again;
pub mod alerts_form;
pub mod excludes;
pub mod form;
pub mod format;
pub mod inbox;
pub mod known;
pub mod leave;
pub mod link;
pub mod list;
pub mod password;
pub mod progress;
pub mod restore;
pub mod schedule;
pub mod session;
pub mod set_form;
pub mod set_rows;
pub mod settings_form;
pub mod source;
pub mod sse;
pub mod storage_form;
pub mod storage_guide;
pub mod storage_words;
pub mod turns;
pub mod words;
