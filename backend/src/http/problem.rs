//! Errors of the API as problem documents (RFC 9457).
//!
//! A resource has one error enum without HTTP in it, and beside its handlers an exhaustive `From<Error> for ApiError`. The status
//! comes from the code's table. Of a 5xx the client learns a constant; the cause goes to the log, once, with the
//! request id (see `finish`).

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use contract::{FieldError, Problem, ProblemCode, Resource};
use std::fmt;

pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not done.
#[derive(Debug)]
pub struct ApiError {
    problem: Box<Problem>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<anyhow::Error>,
    request_id: Option<String>,
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        ApiError { problem: Box::new(problem), headers: Vec::new(), cause: None, request_id: None }
    }
}

impl ApiError {
    /// `detail` says what happened, to which thing, and what to do next.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    /// 422 with every field that is wrong.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Problem::invalid(errors).into()
    }

    /// 422 about one field.
    pub fn invalid_field(field: &str, code: &str, message: impl Into<String>) -> Self {
        ApiError::invalid(vec![FieldError::new(field, code, message)])
    }

    /// 409: a value that has to be unique is in use.
    pub fn taken(field: &str, message: impl Into<String>) -> Self {
        Problem::taken(field, message).into()
    }

    /// 404: `thing` as people call it (`Backup Set`).
    pub fn not_found(thing: &str, id: impl fmt::Display) -> Self {
        ApiError::new(ProblemCode::NotFound, format!("{thing} {id} does not exist (any more)."))
    }

    /// 404: nothing is at this path.
    pub fn no_such_route() -> Self {
        ApiError::new(ProblemCode::NotFound, "There is nothing at this address.")
    }

    /// 409: the pass that runs already.
    pub fn already_running(log_id: i64, detail: impl Into<String>) -> Self {
        Problem { log_id: Some(log_id), ..Problem::new(ProblemCode::AlreadyRunning, detail) }.into()
    }

    /// 403: names the resource that is missing.
    pub fn missing(resource: Resource) -> Self {
        let detail = format!("This needs the resource `{resource}`, which your role or token does not hold.");
        Problem {
            resource: Some(resource.name().into()),
            ..Problem::new(ProblemCode::MissingResource, detail)
        }
        .into()
    }

    /// 412: somebody else saved the row first.
    pub fn changed() -> Self {
        ApiError::new(
            ProblemCode::Changed,
            "Somebody else has changed this meanwhile. Load it again and repeat your change.",
        )
    }

    /// 500: the cause is logged, never shown.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        let detail =
            "The request could not be completed. The cause is in the server's log, under the request id.";
        ApiError { cause: Some(cause.into()), ..ApiError::new(ProblemCode::Internal, detail) }
    }

    /// 503: what is missing is logged, never shown.
    pub fn unavailable(detail: impl Into<String>, cause: impl Into<anyhow::Error>) -> Self {
        ApiError { cause: Some(cause.into()), ..ApiError::new(ProblemCode::Unavailable, detail) }
    }

    /// 429, with `Retry-After`.
    pub fn too_many_attempts(detail: impl Into<String>, retry_after_sec: u64) -> Self {
        ApiError::new(ProblemCode::TooManyAttempts, detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from(retry_after_sec))
    }

    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn with_request_id(mut self, id: &str) -> Self {
        self.request_id = Some(id.into());
        self
    }

    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    pub(super) fn cause(&self) -> Option<&anyhow::Error> {
        self.cause.as_ref()
    }

    /// The response, with the request id where it helps to find the cause.
    pub(super) fn response(&self, request_id: Option<&str>) -> HttpResponse {
        let mut problem = (*self.problem).clone();
        if problem.status >= 500 {
            problem.request_id = request_id.map(Into::into);
        }
        let mut response = HttpResponse::build(self.status_code());
        for (name, value) in &self.headers {
            response.append_header((name.clone(), value.clone()));
        }
        if problem.status == 401 {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let body = serde_json::to_string(&problem).unwrap_or_default();
        response.content_type(PROBLEM_JSON).body(body)
    }

    /// An error that actix found itself, as a problem of ours.
    pub(super) fn from_status(status: StatusCode, cause: anyhow::Error) -> Self {
        match status.as_u16() {
            404 => ApiError::no_such_route(),
            405 => ApiError::new(ProblemCode::MethodNotAllowed, "This address does not take that method."),
            413 => ApiError::new(ProblemCode::TooLarge, "The request is larger than the server takes."),
            415 => ApiError::new(ProblemCode::UnsupportedMediaType, "Send `Content-Type: application/json`."),
            400..=499 => ApiError::new(ProblemCode::Unreadable, "The request could not be read."),
            _ => ApiError::internal(cause),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.problem.title, self.problem.detail)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.response(self.request_id.as_deref())
    }
}
