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
