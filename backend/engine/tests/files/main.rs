//! The file side of a copy, judged by the tools an administrator restores with: `tar`, `gzip`, `cat`.

mod follow;
mod options;
mod races;
mod random;
mod roundtrip;
mod support;
mod unreadable;
