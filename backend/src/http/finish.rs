//! The outermost middleware: request ids, security headers, and the last word on errors.

use super::problem::PROBLEM_JSON;
use super::{ApiError, TrustedProxies, openapi};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Once};
use std::time::Instant;
use tracing::Instrument;

/// Names one request in the log and, as `X-Request-Id`, in its response.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

impl RequestId {
    fn random() -> Self {
        RequestId(hex::encode(rand::random::<[u8; 8]>()))
    }
}

#[derive(Debug, Clone)]
pub(super) struct Transport {
    pub https: bool,
    pub told: Arc<Once>,
}

impl Transport {
    /// Warns once when browsers come by https although the public URL says otherwise.
    fn look_at(&self, request: &ServiceRequest) {
        if self.https || self.told.is_completed() {
            return;
        }
        let peer = request.peer_addr().map(|a| a.ip());
        let trusted = request.app_data::<TrustedProxies>();
        if trusted.is_some_and(|trusted| trusted.say_https(peer, request.headers())) {
            self.told.call_once(|| {
                tracing::warn!(
                    "browsers reach this server by https, but its public URL is plain http: set STOREKEEP_PUBLIC_URL to the \
                     https address, so that cookies are marked as Secure and providers send people back to it"
                );
            });
        }
    }
}

pub(super) async fn finish(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::random();
    request.extensions_mut().insert(id.clone());
    let transport = request.app_data::<Transport>();
    let https = transport.is_some_and(|t| t.https);
    if let Some(transport) = transport {
        transport.look_at(&request);
    }
    let method = request.method().clone();
    let path = request.path().to_owned();
    let began = Instant::now();
    let span = tracing::info_span!("request", id = %id.0);

    let answered = AssertUnwindSafe(next.call(request)).catch_unwind().instrument(span.clone()).await;
    let _in_span = span.enter();
    let mut response = match answered {
        Ok(Ok(response)) => last_word(response.map_into_boxed_body(), &id),
        Ok(Err(error)) => return Err(bare(wrapped(&error), &id, https)),
        Err(panic) => return Err(bare(ApiError::internal(panic_message(panic.as_ref())), &id, https)),
    };
    set_headers(response.headers_mut(), &id, https, openapi::policy(&path));
    tracing::debug!(
        http.method = %method,
        http.path = %path,
        http.status = response.status().as_u16(),
        duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "request"
    );
    Ok(response)
}

/// Every error leaves as a problem document; the cause of a 5xx is logged here and nowhere else.
fn last_word(response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let replacement = match response.response().error() {
        Some(error) => match error.as_error::<ApiError>() {
            Some(own) if !status.is_server_error() => {
                tracing::debug!(problem = own.problem().code.code(), detail = %own.problem().detail, "refused");
                return response;
            }
            Some(own) => {
                log_cause(own);
                own.response(Some(&id.0))
            }
            None => answer(&wrapped(error), id),
        },
        // What a range request cannot have is told by headers; a problem document would lose them.
        None if status == StatusCode::RANGE_NOT_SATISFIABLE || is_problem(response.headers()) => {
            return response;
        }
        None => answer(
            &ApiError::from_status(status, anyhow::anyhow!("a handler answered {status} without a problem")),
            id,
        ),
    };
    response.into_response(replacement)
}

fn answer(error: &ApiError, id: &RequestId) -> actix_web::HttpResponse {
    if error.problem().status >= 500 {
        log_cause(error);
    }
    error.response(Some(&id.0))
}

fn wrapped(error: &Error) -> ApiError {
    let status = error.as_response_error().status_code();
    match error.as_error::<ApiError>() {
        Some(own) => ApiError::from_status(status, anyhow::anyhow!("{own}")),
        None => ApiError::from_status(status, anyhow::anyhow!("{error}")),
    }
}

/// An error that left no request to answer: it takes the headers along by itself.
fn bare(error: ApiError, id: &RequestId, https: bool) -> Error {
    log_cause(&error);
    let mut headers = HeaderMap::new();
    set_headers(&mut headers, id, https, openapi::policy(""));
    headers
        .into_iter()
        .fold(error, |error, (name, value)| error.with_header(name, value))
        .with_request_id(&id.0)
        .into()
}

fn log_cause(error: &ApiError) {
    let code = error.problem().code.code();
    match error.cause() {
        Some(cause) => tracing::error!(problem = code, "{cause:#}"),
        None => tracing::error!(problem = code, "{}", error.problem().detail),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> anyhow::Error {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    anyhow::anyhow!("a handler panicked: {text}")
}

fn is_problem(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(PROBLEM_JSON.as_bytes()))
}

fn set_headers(headers: &mut HeaderMap, id: &RequestId, https: bool, policy: &'static str) {
    let mut default = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::X_FRAME_OPTIONS, "DENY");
    default(header::REFERRER_POLICY, "same-origin");
    default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    default(header::CONTENT_SECURITY_POLICY, policy);
    default(header::CACHE_CONTROL, "no-store");
    if https {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
}
