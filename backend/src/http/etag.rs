//! Revisions of rows as entity tags, so that nobody overwrites what somebody else saved meanwhile.

use super::ApiError;
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use contract::{Alerts, BackupSet, ProblemCode, Role, Settings, StorageSet, User};
use std::future::{Ready, ready};

/// A row whose `revision` changes with every save.
pub trait Revision {
    fn revision(&self) -> i64;
}

macro_rules! revision {
    ($($t:ty),*) => {$(
        impl Revision for $t {
            fn revision(&self) -> i64 {
                self.revision
            }
        }
    )*};
}
revision!(Alerts, BackupSet, Settings, StorageSet, User, Role);

/// The entity tag of a revision.
pub(super) fn etag(revision: i64) -> Option<(header::HeaderName, HeaderValue)> {
    HeaderValue::from_str(&format!("\"{revision}\"")).ok().map(|v| (header::ETAG, v))
}

/// The revision that the client saw last, from `If-Match`. `None` when the header is left out or `*`: save in any case.
///
/// A tag that never was a revision matches nothing, so that the save is refused with 412.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<i64>);

/// The header of [`IfMatch`], for the OpenAPI document.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only described")]
pub struct IfMatchHeader {
    /// The `ETag` of the row as it was loaded: the save is refused when somebody else has saved since.
    #[param(rename = "If-Match", max_length = 100)]
    if_match: Option<String>,
}

impl IfMatch {
    fn parse(value: &str) -> Result<Self, ApiError> {
        let value = value.trim();
        if value == "*" {
            return Ok(IfMatch(None));
        }
        // Proxies that compress mark a tag as weak; it still names the same revision.
        let tag = value.strip_prefix("W/").unwrap_or(value);
        match tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
            Some(tag) if !tag.contains('"') => Ok(IfMatch(Some(tag.parse().unwrap_or(-1)))),
            _ => Err(ApiError::new(
                ProblemCode::Unreadable,
                "Send one entity tag in `If-Match`, as the server gave it in `ETag`.",
            )),
        }
    }
}

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.headers().get(header::IF_MATCH) {
            None => Ok(IfMatch(None)),
            Some(value) => IfMatch::parse(value.to_str().unwrap_or_default()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("*", Some(None))]
    #[case("\"7\"", Some(Some(7)))]
    #[case("W/\"7\"", Some(Some(7)))]
    #[case("\"abc\"", Some(Some(-1)))]
    #[case("7", None)]
    #[case("\"7\", \"8\"", None)]
    fn if_match_names_one_revision(#[case] value: &str, #[case] expected: Option<Option<i64>>) {
        assert_eq!(IfMatch::parse(value).ok().map(|m| m.0), expected);
    }
}
