//! `GET /oauth/callback`.

mod callback;
