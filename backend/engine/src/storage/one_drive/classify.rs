//! What an answer that is no success means, and what to do about it.

use super::NAME;
use crate::storage::http::Answer;
use crate::storage::{Error, ErrorKind};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// What is read of an error's body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    /// The error's code and those of the errors inside of it, outermost first.
    codes: Vec<String>,
    /// What Microsoft's support asks for.
    request_id: Option<String>,
}

impl Fault {
    /// Any body will do: proxies answer in HTML.
    pub fn of(answer: &Answer) -> Fault {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let mut fault = Fault::default();
        let mut error = &body["error"];
        for _ in 0..8 {
            if let Some(code) = error["code"].as_str().filter(|c| is_plain(c)) {
                fault.codes.push(code.to_owned());
            }
            if let Some(id) = error["request-id"].as_str().filter(|id| is_plain(id)) {
                fault.request_id = Some(id.to_owned());
            }
            // Old hosts write it in lower case.
            error = match &error["innerError"] {
                Value::Null => &error["innererror"],
                inner => inner,
            };
        }
        let header = answer.header("request-id").filter(|id| is_plain(id)).map(str::to_owned);
        fault.request_id = fault.request_id.or(header);
        fault
    }

    /// Whether it is an error of Microsoft's: each of those has a code.
    pub fn is_coded(&self) -> bool {
        !self.codes.is_empty()
    }

    pub fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|c| c.eq_ignore_ascii_case(code))
    }

    fn has_any(&self, codes: &[&str]) -> bool {
        codes.iter().any(|code| self.has(code))
    }

    /// ` (status 400, invalidRequest, request 5c1e…)`
    fn reference(&self, status: u16) -> String {
        let mut text = format!(" (status {status}");
        if let Some(code) = self.codes.last() {
            text.push_str(&format!(", {code}"));
        }
        if let Some(id) = &self.request_id {
            text.push_str(&format!(", request {id}"));
        }
        text.push(')');
        text
    }
}

/// Nothing that was sent comes back into a message through a code.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// OneDrive says that there is no such item. Any other 404 (a proxy's, an account without a drive) proves no absence.
pub(super) fn is_absent(answer: &Answer) -> bool {
    answer.status == 404 && Fault::of(answer).has("itemNotFound")
}

/// The error for an answer that `doing` (as in "Uploading x") does not know what else to do with.
pub(super) fn error(answer: &Answer, doing: &str, now: DateTime<Utc>) -> Error {
    let fault = Fault::of(answer);
    let (kind, what) = meaning(answer, &fault, now);
    Error::new(kind, format!("{doing} failed: {what}{}.", fault.reference(answer.status)))
}

fn meaning(answer: &Answer, fault: &Fault, now: DateTime<Utc>) -> (ErrorKind, String) {
    let limited = || {
        let text = format!("{NAME} limits the requests of this account");
        (ErrorKind::RateLimited { retry_after: answer.retry_after(now) }, text)
    };
    let denied = |text: &str| (ErrorKind::PermissionDenied, text.to_owned());
    let unavailable = |text: String| (ErrorKind::Unavailable, text);
    match answer.status {
        507 => full(),
        _ if fault.has_any(&["quotaLimitReached", "insufficientStorage"]) => full(),
        429 | 509 => limited(),
        503 if answer.header("retry-after").is_some() => limited(),
        403 | 404 if fault.has("malwareDetected") => {
            denied("OneDrive has flagged the file as malware and does not give it out")
        }
        403 if fault.has_any(&["serviceReadOnly", "notAllowed"]) => denied(
            "the account is read-only. Look at it in the browser: it may be over its quota or suspended",
        ),
        // Graph gives a code with every refusal: without one it is a proxy that refuses, or the host is away.
        400 | 403 | 405 | 410 if !fault.is_coded() => {
            unavailable(format!("something before {NAME} refuses the request. Check this server's proxy"))
        }
        // The API's own refusals of a token never come here: the account deals with them.
        401 => unavailable(format!("{NAME} no longer takes the address that it gave out")),
        403 => denied(
            "access is denied by a policy, a retention label or the licence of the account. Storekeep needs the permission \
             Files.ReadWrite",
        ),
        404 if fault.has_any(&["resourceNotFound", "mysiteNotFound"]) => (
            ErrorKind::InvalidConfig,
            format!("the account has no {NAME}. Open it once in the browser, or link another account"),
        ),
        404 if fault.has("itemNotFound") => (ErrorKind::NotFound, "it is not there".into()),
        409 if fault.has("nameAlreadyExists") => {
            (ErrorKind::InvalidConfig, "something else has that name. Remove or rename it".into())
        }
        423 => unavailable("the file is locked by somebody who edits it".into()),
        404 | 408 | 409 | 412 | 500.. => unavailable(format!("{NAME} cannot do it right now")),
        status if status < 400 => {
            unavailable(format!("{NAME}, or a proxy before it, gave an answer that does not fit"))
        }
        _ => (ErrorKind::Other, format!("{NAME} refused the request. Please report this")),
    }
}

fn full() -> (ErrorKind, String) {
    let text = "the account is full. Free space, empty the recycle bin, or keep fewer copies";
    (ErrorKind::QuotaExceeded, text.into())
}

/// Part of the API's state that some hosts answer while their sign-in service is away: the token is good.
pub(super) fn unauthorized(answer: &Answer) -> Option<Error> {
    let body = String::from_utf8_lossy(&answer.body);
    body.contains("Unable to initialize RPS").then(|| {
        let text = format!("{NAME} cannot check the link right now (status 401).");
        Error::new(ErrorKind::Unavailable, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::time::Duration;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: Default::default(), body: body.to_owned().into() }
    }

    fn coded(status: u16, code: &str) -> Answer {
        answer(status, &format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#))
    }

    const LIMITED: ErrorKind = ErrorKind::RateLimited { retry_after: None };

    #[rstest]
    #[case(302, "", ErrorKind::Unavailable)]
    #[case(400, "invalidRequest", ErrorKind::Other)]
    #[case(401, "unauthenticated", ErrorKind::Unavailable)]
    #[case(403, "accessDenied", ErrorKind::PermissionDenied)]
    #[case(403, "quotaLimitReached", ErrorKind::QuotaExceeded)]
    #[case(403, "serviceReadOnly", ErrorKind::PermissionDenied)]
    #[case(403, "malwareDetected", ErrorKind::PermissionDenied)]
    #[case(404, "itemNotFound", ErrorKind::NotFound)]
    #[case(404, "resourceNotFound", ErrorKind::InvalidConfig)]
    #[case(404, "", ErrorKind::Unavailable)]
    #[case(408, "", ErrorKind::Unavailable)]
    #[case(409, "nameAlreadyExists", ErrorKind::InvalidConfig)]
    #[case(409, "resourceModified", ErrorKind::Unavailable)]
    #[case(412, "resourceModified", ErrorKind::Unavailable)]
    #[case(400, "", ErrorKind::Unavailable)]
    #[case(403, "", ErrorKind::Unavailable)]
    #[case(405, "", ErrorKind::Unavailable)]
    #[case(410, "", ErrorKind::Unavailable)]
    #[case(413, "", ErrorKind::Other)]
    #[case(423, "resourceLocked", ErrorKind::Unavailable)]
    #[case(429, "activityLimitReached", LIMITED)]
    #[case(500, "generalException", ErrorKind::Unavailable)]
    #[case(502, "", ErrorKind::Unavailable)]
    #[case(503, "serviceNotAvailable", ErrorKind::Unavailable)]
    #[case(504, "", ErrorKind::Unavailable)]
    #[case(507, "insufficientStorage", ErrorKind::QuotaExceeded)]
    #[case(507, "", ErrorKind::QuotaExceeded)]
    #[case(509, "", LIMITED)]
    fn statuses_and_codes_have_a_kind(#[case] status: u16, #[case] code: &str, #[case] kind: ErrorKind) {
        let error = error(&coded(status, code), "Trying", DateTime::UNIX_EPOCH);
        assert_eq!(error.kind, kind);
        assert!(error.message.starts_with("Trying failed: "), "{error}");
        assert!(error.message.contains(&format!("(status {status}")), "{error}");
    }

    #[rstest]
    #[case("innerError")]
    #[case("innererror")]
    fn inner_errors_are_read_however_they_are_written(#[case] key: &str) {
        let body = format!(
            r#"{{"error":{{"code":"accessDenied","message":"m","{key}":{{"code":"quotaLimitReached","request-id":"5c1e-77"}}}}}}"#
        );
        let error = error(&answer(403, &body), "Trying", DateTime::UNIX_EPOCH);
        assert_eq!(error.kind, ErrorKind::QuotaExceeded);
        assert!(error.message.ends_with("(status 403, quotaLimitReached, request 5c1e-77)."), "{error}");
    }

    #[test]
    fn a_wait_that_is_asked_for_is_told() {
        for status in [429, 503, 509] {
            let mut limited = answer(status, "<html>");
            limited.headers.insert("retry-after", reqwest::header::HeaderValue::from_static("41"));
            let kind = ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(41)) };
            assert_eq!(error(&limited, "Trying", DateTime::UNIX_EPOCH).kind, kind, "{status}");
        }
    }

    #[rstest]
    #[case(coded(404, "itemNotFound"), true)]
    #[case(answer(404, "<html>Not Found</html>"), false)]
    #[case(coded(404, "resourceNotFound"), false)]
    #[case(coded(400, "itemNotFound"), false)]
    fn only_the_right_404_proves_an_absence(#[case] answer: Answer, #[case] absent: bool) {
        assert_eq!(is_absent(&answer), absent);
    }

    #[test]
    fn what_was_sent_does_not_come_back_in_a_message() {
        let body =
            r#"{"error":{"code":"Bearer eyJ0 hunter2","innerError":{"request-id":"https://x/?t=hunter2"}}}"#;
        let error = error(&answer(400, body), "Trying", DateTime::UNIX_EPOCH);
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn a_sign_in_service_that_is_away_is_no_lost_link() {
        let away = answer(401, r#"{"error":{"code":"x","message":"Unable to initialize RPS"}}"#);
        assert_eq!(unauthorized(&away).unwrap().kind, ErrorKind::Unavailable);
        assert!(unauthorized(&coded(401, "InvalidAuthenticationToken")).is_none());
    }
}
