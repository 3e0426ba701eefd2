//! What an answer that is no success means, and what to do about it.

use super::NAME;
use crate::storage::http::Answer;
use crate::storage::{Error, ErrorKind};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::time::Duration;

/// What a full account is told by; the figures are added where they can be had.
pub(super) const FULL: &str =
    "The Google Drive is full. Free some space, empty its trash, or keep fewer copies there.";
/// Limits of a day end with it: nobody waits for them within a pass.
const A_DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Default, Deserialize)]
struct Body {
    error: Said,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    message: String,
    errors: Vec<Reason>,
    details: Vec<Reason>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    reason: String,
}

/// Google's own reason: `None` when the answer is not Google's JSON, which then is a proxy's.
fn said(answer: &Answer) -> Option<Said> {
    serde_json::from_slice::<Body>(&answer.body).ok().map(|body| body.error)
}

/// Whether Google says it itself, in JSON or as its upload server does. Proxies answer with every status too.
pub(super) fn is_googles(answer: &Answer) -> bool {
    answer.header("x-guploader-uploadid").is_some() || said(answer).is_some()
}

/// The reason of a refusal, as Google calls it; empty where it gives none.
pub(super) fn reason(answer: &Answer) -> String {
    said(answer).map(|said| said.reason()).unwrap_or_default()
}

impl Said {
    fn reason(&self) -> String {
        let mut reasons = self.details.iter().chain(&self.errors).map(|r| r.reason.as_str());
        // The details are the newer form, and the more precise one.
        reasons.find(|reason| !reason.is_empty()).unwrap_or_default().to_owned()
    }

    /// The number of the Cloud project, which Google names in the text alone.
    fn project(&self) -> String {
        let after = self.message.split("project ").nth(1).unwrap_or_default();
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        if digits.is_empty() { String::new() } else { format!(" {digits}") }
    }
}

/// The error for an answer. Nothing that Google says is repeated but its reason: texts may hold names, addresses and ids.
pub(super) fn fault(answer: &Answer, now: DateTime<Utc>) -> Error {
    let retry_after = answer.retry_after(now);
    let limited = |text: &str| Error::new(ErrorKind::RateLimited { retry_after }, text);
    let status = answer.status;
    let Some(said) = said(answer) else {
        if status == 429 {
            return limited("Google Drive limits the requests of this account.");
        }
        return unavailable(status, retry_after);
    };
    let reason = said.reason();
    match reason.as_str() {
        "userRateLimitExceeded"
        | "rateLimitExceeded"
        | "sharingRateLimitExceeded"
        | "RATE_LIMIT_EXCEEDED" => {
            return limited(
                "Google Drive limits the requests of this account. If that lasts for hours, the 750 GB that Google takes in a day are \
                 used up; a later pass goes on.",
            );
        }
        "dailyLimitExceeded" | "downloadQuotaExceeded" => {
            let text = format!("{NAME} has reached a limit of the day ({reason}). A later pass goes on.");
            return Error::new(ErrorKind::RateLimited { retry_after: Some(A_DAY) }, text);
        }
        "storageQuotaExceeded" | "quotaExceeded" => return Error::new(ErrorKind::QuotaExceeded, FULL),
        "teamDriveFileLimitExceeded"
        | "numChildrenInNonRootLimitExceeded"
        | "activeItemCreationLimitExceeded" => {
            let text = format!(
                "The account has reached the number of files and folders that {NAME} allows ({reason}). Remove some, or keep fewer \
                 copies there."
            );
            return Error::new(ErrorKind::QuotaExceeded, text);
        }
        "accessNotConfigured" | "SERVICE_DISABLED" => {
            let text = format!(
                "The Google Drive API is not enabled. Enable it for the Cloud project{} that the client id belongs to.",
                said.project()
            );
            return Error::new(ErrorKind::InvalidConfig, text);
        }
        "insufficientPermissions" | "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => {
            let text = "The permission drive.file was not granted to Storekeep. Link the Google Drive account again and tick every box.";
            return Error::new(ErrorKind::NeedsRelink, text);
        }
        "cannotDownloadAbusiveFile" => {
            let text = "Google has flagged this file as harmful and does not give it out. Download it in Google Drive itself.";
            return Error::new(ErrorKind::PermissionDenied, text);
        }
        _ => {}
    }
    match status {
        401 => {
            Error::new(ErrorKind::NeedsRelink, format!("{NAME} rejects the link. Link the account again."))
        }
        403 => {
            let text = format!(
                "{NAME} denies access by policy ({}). The account may need a right, or its administrator's consent.",
                plain(&reason)
            );
            Error::new(ErrorKind::PermissionDenied, text)
        }
        404 => Error::new(ErrorKind::NotFound, format!("{NAME} does not find it.")),
        429 => limited("Google Drive limits the requests of this account."),
        // A stray 405 passes with time.
        405 | 408 | 500.. => unavailable(status, retry_after),
        _ => {
            let text = format!(
                "{NAME} refused a request ({status}, {}). This is a fault of the program.",
                plain(&reason)
            );
            Error::new(ErrorKind::Other, text)
        }
    }
}

fn unavailable(status: u16, retry_after: Option<Duration>) -> Error {
    let kind = match retry_after {
        Some(_) => ErrorKind::RateLimited { retry_after },
        None => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("{NAME} cannot answer right now (status {status})."))
}

/// A reason as it may be shown.
fn plain(reason: &str) -> &str {
    let known = !reason.is_empty()
        && reason.len() <= 64
        && reason.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if known { reason } else { "without a reason" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorKind::{
        InvalidConfig, NeedsRelink, NotFound, Other, PermissionDenied, QuotaExceeded, Unavailable,
    };
    use reqwest::header::{HeaderMap, HeaderValue};
    use rstest::rstest;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: body.to_owned().into() }
    }

    fn google(status: u16, reason: &str) -> Answer {
        let body = serde_json::json!({"error": {
            "code": status,
            "message": "hunter2 in a text, project 123456789012 and more",
            "errors": [{"domain": "usageLimits", "reason": reason, "message": "hunter2"}],
        }});
        answer(status, &body.to_string())
    }

    const LIMITED: ErrorKind = ErrorKind::RateLimited { retry_after: None };
    const TOMORROW: ErrorKind = ErrorKind::RateLimited { retry_after: Some(A_DAY) };

    #[rstest]
    #[case(403, "userRateLimitExceeded", LIMITED, "750 GB")]
    #[case(403, "rateLimitExceeded", LIMITED, "limits")]
    #[case(403, "sharingRateLimitExceeded", LIMITED, "limits")]
    #[case(429, "rateLimitExceeded", LIMITED, "limits")]
    #[case(429, "", LIMITED, "limits")]
    #[case(403, "dailyLimitExceeded", TOMORROW, "dailyLimitExceeded")]
    #[case(403, "downloadQuotaExceeded", TOMORROW, "later pass")]
    #[case(403, "storageQuotaExceeded", QuotaExceeded, "empty its trash")]
    #[case(403, "quotaExceeded", QuotaExceeded, "is full")]
    #[case(403, "numChildrenInNonRootLimitExceeded", QuotaExceeded, "number of files")]
    #[case(403, "activeItemCreationLimitExceeded", QuotaExceeded, "number of files")]
    #[case(403, "teamDriveFileLimitExceeded", QuotaExceeded, "number of files")]
    #[case(403, "accessNotConfigured", InvalidConfig, "Cloud project 123456789012")]
    #[case(403, "insufficientPermissions", NeedsRelink, "tick every box")]
    #[case(403, "insufficientFilePermissions", PermissionDenied, "insufficientFilePermissions")]
    #[case(403, "domainPolicy", PermissionDenied, "domainPolicy")]
    #[case(403, "cannotModifyInheritedTeamDrivePermission", PermissionDenied, "policy")]
    #[case(403, "cannotDownloadAbusiveFile", PermissionDenied, "flagged")]
    #[case(403, "odd reason: hunter2", PermissionDenied, "without a reason")]
    #[case(401, "authError", NeedsRelink, "Link the account again")]
    #[case(404, "notFound", NotFound, "does not find")]
    #[case(400, "badRequest", Other, "badRequest")]
    #[case(409, "fileIdInUse", Other, "409")]
    #[case(405, "", Unavailable, "405")]
    #[case(408, "", Unavailable, "408")]
    #[case(500, "internalError", Unavailable, "500")]
    #[case(502, "backendError", Unavailable, "502")]
    #[case(503, "backendError", Unavailable, "503")]
    fn every_reason_has_its_meaning(
        #[case] status: u16,
        #[case] reason: &str,
        #[case] kind: ErrorKind,
        #[case] says: &str,
    ) {
        let error = fault(&google(status, reason), DateTime::UNIX_EPOCH);
        assert_eq!(error.kind, kind);
        assert!(error.message.contains(says), "{error}");
        assert!(!error.message.contains("hunter2"), "{error}");
    }

    #[test]
    fn the_newer_form_of_a_reason_is_read_too() {
        let body = r#"{"error":{"code":403,"message":"x","errors":[{"reason":"insufficientPermissions"}],"status":"PERMISSION_DENIED",
            "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"},{"locale":"en"}]}}"#;
        assert_eq!(reason(&answer(403, body)), "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
        assert_eq!(fault(&answer(403, body), DateTime::UNIX_EPOCH).kind, NeedsRelink);
        let body = r#"{"error":{"code":403,"message":"Drive API has not been used","details":[{"reason":"SERVICE_DISABLED"}]}}"#;
        let error = fault(&answer(403, body), DateTime::UNIX_EPOCH);
        assert_eq!(error.kind, InvalidConfig);
        assert!(error.message.contains("the Cloud project that"), "{error}");
    }

    /// A 404 of a proxy must not pass for "it is gone already".
    #[rstest]
    #[case(200)]
    #[case(302)]
    #[case(403)]
    #[case(404)]
    #[case(407)]
    #[case(502)]
    fn what_is_not_google_s_answer_is_worth_another_try(#[case] status: u16) {
        let error = fault(&answer(status, "<html>nginx</html>"), DateTime::UNIX_EPOCH);
        assert_eq!(error.kind, Unavailable);
        assert_eq!(reason(&answer(status, "<html>")), "");
        assert!(!is_googles(&answer(status, "<html>")) && is_googles(&google(status, "")));
        // The upload server tells of its sessions without JSON.
        let mut of_a_session = answer(status, "Not Found");
        of_a_session.headers.insert("x-guploader-uploadid", HeaderValue::from_static("AFake"));
        assert!(is_googles(&of_a_session));
    }

    #[rstest]
    #[case(429)]
    #[case(503)]
    fn a_wait_that_is_asked_for_is_told(#[case] status: u16) {
        for body in ["", r#"{"error":{"code":503,"errors":[{"reason":"backendError"}]}}"#] {
            let mut answer = answer(status, body);
            answer.headers.insert("retry-after", HeaderValue::from_static("300"));
            let retry_after = Some(Duration::from_secs(300));
            assert_eq!(fault(&answer, DateTime::UNIX_EPOCH).kind, ErrorKind::RateLimited { retry_after });
        }
    }
}
