//! What Dropbox refuses with, and what it means. Errors of routes are trees of tags; `error_summary` ends in random characters and
//! `user_message` in any language, so neither is read.

use crate::storage::http::Answer;
use crate::storage::{Error, ErrorKind};
use serde_json::Value;

/// A 409: the error of the route itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The tags from the outside in, with `/` between: `lookup_failed/incorrect_offset`.
    pub tags: String,
    /// How much of a session Dropbox has.
    pub correct_offset: Option<u64>,
}

impl Fault {
    /// `None` when the body is none of Dropbox's errors.
    pub fn read(body: &[u8]) -> Option<Fault> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let mut error = body.get("error")?;
        let mut tags = Vec::new();
        let mut correct_offset = None;
        loop {
            correct_offset = correct_offset.or_else(|| error.get("correct_offset")?.as_u64());
            let Some(tag) = error.get(".tag").or(Some(error)).and_then(Value::as_str) else { break };
            tags.push(word(tag));
            if tag == "malformed_path" {
                // Has a text for people under it.
                break;
            }
            // A union inside of a union lies under its tag; that of `files/upload` and the like under `reason`.
            let Some(inner) = error.get(tag).or_else(|| error.get("reason")) else { break };
            error = inner;
        }
        (!tags.is_empty()).then(|| Fault { tags: tags.join("/"), correct_offset })
    }

    /// What Dropbox would say.
    pub fn tagged(tags: &str) -> Fault {
        Fault { tags: tags.into(), correct_offset: None }
    }

    /// Whether the tags begin with these.
    pub fn is(&self, tags: &str) -> bool {
        self.tags.strip_prefix(tags).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether a tag is among them, at any depth.
    pub fn has(&self, tag: &str) -> bool {
        self.tags.split('/').any(|t| t == tag)
    }

    /// The session is not there any more, or is used up.
    pub fn is_session_gone(&self) -> bool {
        let tags = self.tags.strip_prefix("lookup_failed/").unwrap_or(&self.tags);
        matches!(tags, "not_found" | "closed")
    }

    /// As an error of a call that was about `what`.
    pub fn into_error(self, what: &str) -> Error {
        let (kind, text) = self.meaning(what);
        Error::new(kind, text)
    }

    fn meaning(&self, what: &str) -> (ErrorKind, String) {
        use ErrorKind::{InvalidConfig, NotFound, PermissionDenied, QuotaExceeded, Unavailable};
        let tags = &self.tags;
        if self.has("too_many_write_operations") || self.has("too_many_requests") {
            let text = "Dropbox is busy with other changes of this account.".into();
            return (ErrorKind::RateLimited { retry_after: None }, text);
        }
        let last = tags.rsplit('/').next().unwrap_or_default();
        match last {
            "insufficient_space" => (
                QuotaExceeded,
                format!(
                    "The Dropbox account has no room for {what}. Free some space there, or keep fewer copies."
                ),
            ),
            "no_write_permission"
            | "team_folder"
            | "operation_suppressed"
            | "restricted_content"
            | "no_permission" => (
                PermissionDenied,
                format!(
                    "Dropbox does not let this account change {what} ({tags}). Check the rights of the folder."
                ),
            ),
            "disallowed_name" | "malformed_path" => (
                InvalidConfig,
                format!("Dropbox does not accept the name of {what} ({tags}). Choose another folder name."),
            ),
            "folder" if self.has("conflict") => (
                InvalidConfig,
                format!("There is a folder in the place of {what} in Dropbox. Rename or remove it."),
            ),
            "file_ancestor" => (
                InvalidConfig,
                format!(
                    "There is a file in the place of a folder above {what} in Dropbox. Rename or remove it."
                ),
            ),
            "file" | "conflict" if self.has("conflict") => {
                (Unavailable, format!("Somebody changed {what} in Dropbox just now."))
            }
            "not_found" | "not_file" | "not_folder" => (NotFound, format!("There is no {what} in Dropbox.")),
            "too_large" => {
                (InvalidConfig, format!("{what} is larger than Dropbox takes. Choose a smaller part size."))
            }
            "content_hash_mismatch" => {
                (Unavailable, format!("A piece of {what} was damaged on its way to Dropbox."))
            }
            _ => (Unavailable, format!("Dropbox refused {what} for an unexpected reason ({tags}).")),
        }
    }
}

/// Dropbox's words are plain; whatever else stands in their place is not repeated.
fn word(tag: &str) -> &str {
    let plain =
        tag.len() <= 64 && tag.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain { tag } else { "other" }
}

/// A 401: `None` for a token that has run out or is not valid any more. Those are refreshed; a refresh tells if the grant is gone.
pub(super) fn unauthorized(answer: &Answer) -> Option<Error> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let error = body.get("error")?;
    let tag = error.get(".tag").and_then(Value::as_str)?;
    let (kind, text) = match tag {
        "missing_scope" => {
            let scope = error.get("required_scope").and_then(Value::as_str).unwrap_or_default();
            let known = !scope.is_empty()
                && scope.len() <= 64
                && scope.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'_'));
            let scope = if known { scope } else { "that is needed" };
            let text = format!(
                "The permission {scope} was not granted. Enable it for the app in the Dropbox App Console (Permissions), then \
                 link the account again."
            );
            (ErrorKind::NeedsRelink, text)
        }
        "user_suspended" => (
            ErrorKind::PermissionDenied,
            "The Dropbox account is suspended. Ask the administrator of the Dropbox team.".into(),
        ),
        "route_access_denied" => (
            ErrorKind::PermissionDenied,
            "Dropbox does not let this app use what it needs. Check the app in the Dropbox App Console."
                .into(),
        ),
        _ => return None,
    };
    Some(Error::new(kind, text))
}

/// Any other answer that is no success.
pub(super) fn refused(answer: &Answer, retry_after: Option<std::time::Duration>) -> Error {
    let status = answer.status;
    match status {
        429 => Error::new(ErrorKind::RateLimited { retry_after }, limited(retry_after)),
        // Dropbox says what is malformed in plain text, and whom it denies what in JSON.
        400 | 403 if answer.is_page() || (status == 403 && !is_json(answer)) => {
            let text = format!(
                "Something before Dropbox refuses the request (status {status}). Check this server's proxy."
            );
            Error::new(ErrorKind::Unavailable, text)
        }
        400 => {
            // The text may repeat what was sent, the token included.
            let text =
                format!("Dropbox refused a request as malformed{}. Please report this.", request_id(answer));
            Error::new(ErrorKind::Other, text)
        }
        403 => {
            let text = format!(
                "Dropbox denies this account the access{}. Check the kind of the account and the rules of its team.",
                request_id(answer)
            );
            Error::new(ErrorKind::PermissionDenied, text)
        }
        503 | 509 if retry_after.is_some() => {
            Error::new(ErrorKind::RateLimited { retry_after }, limited(retry_after))
        }
        _ => Error::new(ErrorKind::Unavailable, format!("Dropbox answered with status {status}.")),
    }
}

fn is_json(answer: &Answer) -> bool {
    answer.json::<serde_json::Map<String, Value>>().is_ok()
}

fn limited(retry_after: Option<std::time::Duration>) -> String {
    match retry_after {
        Some(wait) => format!("Dropbox limits the requests and asks to wait {} s.", wait.as_secs()),
        None => "Dropbox limits the requests.".into(),
    }
}

fn request_id(answer: &Answer) -> String {
    let id = answer.header("x-dropbox-request-id").unwrap_or_default();
    let plain =
        !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if plain { format!(" (request {id})") } else { String::new() }
}

/// How long a 429 asks to wait in its body: not every one has a header. Dropbox's default is one second, except for too many writes at
/// once, where nothing is said.
pub(super) fn wait_in_body(answer: &Answer) -> Option<std::time::Duration> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let error = body.get("error")?;
    if let Some(seconds) = error.get("retry_after").and_then(Value::as_u64) {
        return Some(std::time::Duration::from_secs(seconds));
    }
    let reason = error.get("reason")?.get(".tag")?.as_str()?;
    (reason == "too_many_requests").then_some(std::time::Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use reqwest::header::HeaderMap;
    use rstest::rstest;
    use serde_json::json;
    use std::time::Duration;

    fn read(error: Value) -> Option<Fault> {
        Fault::read(json!({ "error_summary": "x/..", "error": error }).to_string().as_bytes())
    }

    fn answer(status: u16, body: &Value) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: Bytes::from(body.to_string()) }
    }

    #[rstest]
    #[case(json!({".tag": "reset"}), "reset", None)]
    #[case(json!({".tag": "path", "path": {".tag": "not_found"}}), "path/not_found", None)]
    #[case(json!({".tag": "path", "path": {".tag": "conflict", "conflict": {".tag": "file"}}}), "path/conflict/file", None)]
    #[case(json!({".tag": "path", "path": {".tag": "conflict", "conflict": "file_ancestor"}}), "path/conflict/file_ancestor", None)]
    #[case(json!({".tag": "path", "reason": {".tag": "insufficient_space"}, "upload_session_id": "s"}), "path/insufficient_space", None)]
    #[case(json!({".tag": "path", "path": {".tag": "malformed_path", "malformed_path": "a secret?"}}), "path/malformed_path", None)]
    #[case(json!({".tag": "incorrect_offset", "correct_offset": 7}), "incorrect_offset", Some(7))]
    #[case(json!({".tag": "lookup_failed", "lookup_failed": {".tag": "incorrect_offset", "correct_offset": 5_000_000_000_u64}}),
        "lookup_failed/incorrect_offset", Some(5_000_000_000))]
    #[case(json!({".tag": "<script>"}), "other", None)]
    fn tags_are_read_from_the_outside_in(
        #[case] error: Value,
        #[case] tags: &str,
        #[case] correct: Option<u64>,
    ) {
        assert_eq!(read(error), Some(Fault { tags: tags.into(), correct_offset: correct }));
    }

    #[rstest]
    #[case(b"<html>502</html>".as_slice())]
    #[case(b"{}")]
    #[case(b"{\"error\": 7}")]
    #[case(b"")]
    fn what_is_no_error_of_dropbox_is_not_read(#[case] body: &[u8]) {
        assert_eq!(Fault::read(body), None);
    }

    #[rstest]
    #[case("not_found", true)]
    #[case("closed", true)]
    #[case("lookup_failed/not_found", true)]
    #[case("lookup_failed/closed", true)]
    #[case("lookup_failed/not_closed", false)]
    #[case("path/not_found", false)]
    fn a_session_is_gone_when_dropbox_does_not_know_it_or_takes_no_more(
        #[case] tags: &str,
        #[case] gone: bool,
    ) {
        assert_eq!(Fault::tagged(tags).is_session_gone(), gone);
    }

    #[rstest]
    #[case("path/insufficient_space", ErrorKind::QuotaExceeded)]
    #[case("path/no_write_permission", ErrorKind::PermissionDenied)]
    #[case("path/team_folder", ErrorKind::PermissionDenied)]
    #[case("path/operation_suppressed", ErrorKind::PermissionDenied)]
    #[case("path/disallowed_name", ErrorKind::InvalidConfig)]
    #[case("path/malformed_path", ErrorKind::InvalidConfig)]
    #[case("path/conflict/folder", ErrorKind::InvalidConfig)]
    #[case("path/conflict/file_ancestor", ErrorKind::InvalidConfig)]
    #[case("path/conflict/file", ErrorKind::Unavailable)]
    #[case("path_write/conflict/file", ErrorKind::Unavailable)]
    #[case("path/too_many_write_operations", ErrorKind::RateLimited { retry_after: None })]
    #[case("too_many_write_operations", ErrorKind::RateLimited { retry_after: None })]
    #[case("path/not_found", ErrorKind::NotFound)]
    #[case("path/not_file", ErrorKind::NotFound)]
    #[case("too_large", ErrorKind::InvalidConfig)]
    #[case("content_hash_mismatch", ErrorKind::Unavailable)]
    #[case("other", ErrorKind::Unavailable)]
    #[case("path/something_new", ErrorKind::Unavailable)]
    fn refusals_have_a_meaning(#[case] tags: &str, #[case] kind: ErrorKind) {
        let error = Fault::tagged(tags).into_error("`a/b`");
        assert_eq!(error.kind, kind);
        assert!(error.message.ends_with('.'), "{error}");
    }

    #[rstest]
    #[case(json!({".tag": "expired_access_token"}), None)]
    #[case(json!({".tag": "invalid_access_token"}), None)]
    #[case(json!({".tag": "something_new"}), None)]
    #[case(json!({".tag": "missing_scope", "required_scope": "files.content.write"}), Some(ErrorKind::NeedsRelink))]
    #[case(json!({".tag": "user_suspended"}), Some(ErrorKind::PermissionDenied))]
    #[case(json!({".tag": "route_access_denied"}), Some(ErrorKind::PermissionDenied))]
    fn refused_tokens_are_told_apart(#[case] error: Value, #[case] kind: Option<ErrorKind>) {
        let found = unauthorized(&answer(401, &json!({ "error": error })));
        assert_eq!(found.map(|error| error.kind), kind);
    }

    #[test]
    fn a_scope_is_named_only_if_it_looks_like_one() {
        let said = |scope: &str| {
            let error = json!({"error": {".tag": "missing_scope", "required_scope": scope}});
            unauthorized(&answer(401, &error)).unwrap().message
        };
        assert!(said("files.content.write").contains("The permission files.content.write was"));
        assert!(said("<b>Bearer x</b>").contains("The permission that is needed was"));
        assert!(
            unauthorized(&Answer { body: Bytes::from_static(b"<html>"), ..answer(401, &json!(null)) })
                .is_none()
        );
    }

    #[rstest]
    #[case(json!({"reason": {".tag": "too_many_requests"}, "retry_after": 300}), Some(300))]
    #[case(json!({"reason": {".tag": "too_many_requests"}}), Some(1))]
    #[case(json!({"reason": {".tag": "too_many_write_operations"}}), None)]
    #[case(json!({"reason": {".tag": "too_many_write_operations"}, "retry_after": 4}), Some(4))]
    #[case(json!("?"), None)]
    fn a_limit_may_name_its_wait_in_the_body(#[case] error: Value, #[case] seconds: Option<u64>) {
        assert_eq!(
            wait_in_body(&answer(429, &json!({ "error": error }))).map(|wait| wait.as_secs()),
            seconds
        );
    }

    #[rstest]
    #[case(429, Some(9), ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(9)) })]
    #[case(429, None, ErrorKind::RateLimited { retry_after: None })]
    #[case(503, Some(9), ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(9)) })]
    #[case(503, None, ErrorKind::Unavailable)]
    #[case(500, None, ErrorKind::Unavailable)]
    #[case(502, None, ErrorKind::Unavailable)]
    #[case(504, None, ErrorKind::Unavailable)]
    #[case(408, None, ErrorKind::Unavailable)]
    #[case(307, None, ErrorKind::Unavailable)]
    #[case(404, None, ErrorKind::Unavailable)]
    #[case(400, None, ErrorKind::Other)]
    #[case(403, None, ErrorKind::PermissionDenied)]
    fn statuses_have_a_meaning(#[case] status: u16, #[case] wait: Option<u64>, #[case] kind: ErrorKind) {
        let answer = answer(status, &json!({ "error": { ".tag": "other" } }));
        assert_eq!(refused(&answer, wait.map(Duration::from_secs)).kind, kind);
    }

    #[rstest]
    #[case(400, "Error in call to API function: request body", ErrorKind::Other)]
    #[case(400, "<html>Bad Request</html>", ErrorKind::Unavailable)]
    #[case(403, "<html>Blocked</html>", ErrorKind::Unavailable)]
    #[case(403, "Blocked by policy", ErrorKind::Unavailable)]
    #[case(403, "", ErrorKind::Unavailable)]
    fn the_refusal_of_a_proxy_is_not_dropbox_s(
        #[case] status: u16,
        #[case] body: &str,
        #[case] kind: ErrorKind,
    ) {
        let answer = Answer { body: body.to_owned().into(), ..answer(status, &json!(null)) };
        assert_eq!(refused(&answer, None).kind, kind);
    }
}
