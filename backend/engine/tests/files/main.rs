//! The file side of a copy, judged by the tools an administrator restores with: `tar`, `gzip`, `cat`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod damage;
mod follow;
mod histories;
mod options;
mod races;
mod random;
mod readers;
mod roundtrip;
mod support;
mod unreadable;
