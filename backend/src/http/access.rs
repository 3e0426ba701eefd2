//! Deny by default: a request gets through only by a mounted row, and only when the row's access allows it.

use super::mount::{Api, Pattern};
use super::{ApiError, Gateway, Permit, Principal, openapi};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use async_trait::async_trait;
use contract::{Access, ProblemCode};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Finds out who holds a bearer token.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// Looks the token's user up each time, so that disabling a user or changing a role bites at once. 401 when the token
    /// means nobody (any more).
    async fn authenticate(&self, bearer: &str) -> Result<Principal, ApiError>;

    /// The same in the course of a request that was admitted with this token: that it has run out meanwhile is no reason to
    /// break the request off.
    async fn authenticate_again(&self, bearer: &str) -> Result<Principal, ApiError>;
}

/// The mounted rows, in the order in which the router tries them.
#[derive(Clone)]
pub(super) struct Rules {
    patterns: Arc<Vec<Pattern>>,
    authenticate: Arc<dyn Authenticate>,
    stopping: CancellationToken,
}

enum Verdict {
    Row(Access),
    /// Not a row: the documentation, or a file of the console. Both are public and read-only.
    File,
    Refused(ApiError),
}

impl Rules {
    pub(super) fn new(api: &Api, gateway: &Gateway) -> Self {
        let (authenticate, stopping) = (gateway.authenticate.clone(), gateway.stopping.clone());
        Rules { patterns: Arc::new(api.patterns()), authenticate, stopping }
    }

    /// `path` is the one that the router matches: percent-decoded where it decodes.
    fn verdict(&self, method: &Method, path: &str, request: &ServiceRequest) -> Verdict {
        let here = || self.patterns.iter().filter(|p| p.is_match(path));
        if let Some(pattern) = here().find(|p| p.row.method.as_str() == method.as_str()) {
            return Verdict::Row(pattern.row.access);
        }
        let mut allowed: Vec<&str> = here().map(|p| p.row.method.as_str()).collect();
        let reads = *method == Method::GET;
        if allowed.is_empty() {
            let pattern = request.resource_map().match_pattern(path);
            let file = match pattern.as_deref() {
                Some(p) => p == openapi::DOCS_PATTERN,
                None => !is_api(path),
            };
            match (file, reads) {
                (true, true) => return Verdict::File,
                (true, false) => allowed.push("GET"),
                (false, _) => return Verdict::Refused(ApiError::no_such_route()),
            }
        }
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        allowed.sort_unstable();
        allowed.dedup();
        let allowed = allowed.join(", ");
        let error =
            ApiError::new(ProblemCode::MethodNotAllowed, format!("This address takes {allowed} only."));
        Verdict::Refused(match header::HeaderValue::from_str(&allowed) {
            Ok(value) => error.with_header(header::ALLOW, value),
            Err(_) => error,
        })
    }
}

/// Everything below these never answers with the console's page.
fn is_api(path: &str) -> bool {
    ["api", "oauth", "metrics", "healthz", "readyz"].iter().any(|p| {
        path.strip_prefix('/')
            .and_then(|r| r.strip_prefix(p))
            .is_some_and(|r| r.is_empty() || r.starts_with('/'))
    }) && path != openapi::DOCS_PATH
}

/// The middleware: finds the row, authenticates, checks the row's access.
pub(super) async fn admit(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(rules) = request.app_data::<Rules>().cloned() else {
        return Ok(refuse(
            request,
            ApiError::internal(anyhow::anyhow!("the access rules are not installed")),
        ));
    };
    // A HEAD is a GET whose body is not sent; the connection leaves the body out by itself.
    if *request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let path = request.match_info().as_str().to_owned();
    match rules.verdict(request.method(), &path, &request) {
        Verdict::Refused(error) => return Ok(refuse(request, error)),
        Verdict::File | Verdict::Row(Access::Public) => {}
        Verdict::Row(access) => match principal(&rules, &request, access).await {
            Ok((principal, permit)) => {
                request.extensions_mut().insert(principal);
                request.extensions_mut().insert(permit);
            }
            Err(error) => return Ok(refuse(request, error)),
        },
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

async fn principal(
    rules: &Rules,
    request: &ServiceRequest,
    access: Access,
) -> Result<(Principal, Permit), ApiError> {
    let token = bearer(request).ok_or_else(|| {
        ApiError::new(ProblemCode::NotSignedIn, "Sign in, or send a token as `Authorization: Bearer …`.")
    })?;
    let principal = rules.authenticate.authenticate(token).await?;
    match access.missing(&principal.grants) {
        Some(resource) => Err(ApiError::missing(resource)),
        None => {
            let (authenticate, stopping) = (rules.authenticate.clone(), rules.stopping.clone());
            Ok((principal, Permit { authenticate, bearer: token.to_owned(), access, stopping }))
        }
    }
}

fn bearer(request: &ServiceRequest) -> Option<&str> {
    bearer_token(request.headers())
}

/// The token of `Authorization: Bearer …`.
pub fn bearer_token(headers: &header::HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|t| !t.is_empty())
}

fn refuse(request: ServiceRequest, error: ApiError) -> ServiceResponse<BoxBody> {
    request.error_response(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("/api", true)]
    #[case("/api/v1/nothing", true)]
    #[case("/healthz/x", true)]
    #[case("/apiary", false)]
    #[case("/", false)]
    #[case("/backups/7", false)]
    fn api_paths_never_fall_through_to_the_console(#[case] path: &str, #[case] expected: bool) {
        assert_eq!(is_api(path), expected);
    }
}
