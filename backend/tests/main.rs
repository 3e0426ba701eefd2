//! The tests of the server from outside: one program, so that it links once.
//!
//! `api` mirrors the URLs: `api/<resource>/<verb>.rs`.

mod api;
mod support;
