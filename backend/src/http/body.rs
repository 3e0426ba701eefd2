//! Request bodies that are checked before a handler sees them.

use super::{ApiError, parse};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use contract::{Check, ProblemCode};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

/// The largest JSON body that is read, in bytes.
pub const MAX_BODY: usize = 1 << 20;

/// A JSON body that passed its own checks. 415 for another content type, 413 when too large, 400 when it is not JSON, 422
/// with every field that is wrong.
#[derive(Debug)]
pub struct Valid<T>(pub T);

impl<T: DeserializeOwned + Check + 'static> FromRequest for Valid<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let typed = content_type(request);
        let body = read(request, payload.take());
        Box::pin(async move {
            typed?;
            checked(&body.await?).map(Valid)
        })
    }
}

/// As [`Valid`], for routes whose body may be left out: nothing at all means the default.
#[derive(Debug)]
pub struct ValidOrDefault<T>(pub T);

impl<T: DeserializeOwned + Check + Default + 'static> FromRequest for ValidOrDefault<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let typed = content_type(request);
        let body = read(request, payload.take());
        Box::pin(async move {
            let body = body.await?;
            if body.is_empty() {
                return Ok(ValidOrDefault(T::default()));
            }
            typed?;
            checked(&body).map(ValidOrDefault)
        })
    }
}

fn checked<T: DeserializeOwned + Check>(body: &[u8]) -> Result<T, ApiError> {
    let value: T = parse::json(body)?;
    let errors = value.check();
    if errors.is_empty() { Ok(value) } else { Err(ApiError::invalid(errors)) }
}

fn content_type(request: &HttpRequest) -> Result<(), ApiError> {
    let kind = request.content_type().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "Send the body as JSON, with `Content-Type: application/json`.";
    Err(ApiError::new(ProblemCode::UnsupportedMediaType, detail))
}

fn read(request: &HttpRequest, mut payload: Payload) -> LocalBoxFuture<'static, Result<Vec<u8>, ApiError>> {
    let too_large =
        || ApiError::new(ProblemCode::TooLarge, format!("The body is larger than {} KiB.", MAX_BODY / 1024));
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<usize>().ok());
    Box::pin(async move {
        if announced.is_some_and(|n| n > MAX_BODY) {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(announced.unwrap_or(0));
        while let Some(chunk) = payload.next().await {
            let unreadable = |_| ApiError::new(ProblemCode::Unreadable, "The body broke off.");
            let chunk = chunk.map_err(unreadable)?;
            if body.len() + chunk.len() > MAX_BODY {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    })
}
