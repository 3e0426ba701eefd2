//! Who makes a request.

use super::ApiError;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use contract::{Grants, ProblemCode};
use std::future::{Ready, ready};

/// How somebody proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// A sign-in, by the name of its session.
    Session(String),
    /// An API token, by its id.
    Token(i64),
}

/// The user behind a request, as the database had it when the request came in.
///
/// Put into the request by the access middleware, so that it exists on every route that is not public.
#[derive(Debug, Clone)]
pub struct Principal {
    pub user_id: i64,
    pub username: String,
    pub role: String,
    /// What this request may do: of the role, or the part of it that a token carries.
    pub grants: Grants,
    pub via: Via,
}

impl FromRequest for Principal {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<Principal>().cloned();
        ready(found.ok_or_else(|| ApiError::new(ProblemCode::NotSignedIn, "Sign in to use this.")))
    }
}
