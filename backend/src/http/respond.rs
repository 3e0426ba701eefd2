//! What handlers answer with. Each is typed, so that a handler cannot answer with something else than it declares.

use super::etag::{Revision, etag};
use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

fn json<T: Serialize>(status: StatusCode, body: &T, revision: Option<i64>) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    if let Some(tag) = revision.and_then(etag) {
        response.insert_header(tag);
    }
    response.json(body)
}

/// 200 with the row and its revision as `ETag`.
#[derive(Debug)]
pub struct Tagged<T>(pub T);

impl<T: Serialize + Revision> Responder for Tagged<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        json(StatusCode::OK, &self.0, Some(self.0.revision()))
    }
}

/// 201 with the new row, its `ETag` and its `Location`: the path of the request with the id behind it.
#[derive(Debug)]
pub struct Created<T> {
    pub id: i64,
    pub body: T,
}

impl<T: Serialize + Revision> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = json(StatusCode::CREATED, &self.body, Some(self.body.revision()));
        let location = format!("{}/{}", request.path().trim_end_matches('/'), self.id);
        if let Ok(value) = header::HeaderValue::from_str(&location) {
            response.headers_mut().insert(header::LOCATION, value);
        }
        response
    }
}

/// 202: what was asked for goes on; `location` is where to watch it.
#[derive(Debug)]
pub struct Accepted<T> {
    pub location: String,
    pub body: T,
}

impl<T: Serialize> Responder for Accepted<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = json(StatusCode::ACCEPTED, &self.body, None);
        if let Ok(value) = header::HeaderValue::from_str(&self.location) {
            response.headers_mut().insert(header::LOCATION, value);
        }
        response
    }
}

/// 204.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}
