//! Errors on the wire: RFC 9457 problem documents with stable codes.

use serde::{Deserialize, Serialize};

macro_rules! problem_codes {
    ($($variant:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// Every error the API answers with: its stable code, its status and its title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        pub enum ProblemCode { $(#[serde(rename = $code)] $variant),* }

        impl ProblemCode {
            pub const ALL: &'static [ProblemCode] = &[$(ProblemCode::$variant),*];
            pub const fn code(self) -> &'static str { match self { $(ProblemCode::$variant => $code),* } }
            pub const fn status(self) -> u16 { match self { $(ProblemCode::$variant => $status),* } }
            pub const fn title(self) -> &'static str { match self { $(ProblemCode::$variant => $title),* } }
        }
    };
}

problem_codes! {
    Unreadable = "unreadable", 400, "The request could not be read";
    NotSignedIn = "not_signed_in", 401, "Sign in first";
    WrongCredentials = "wrong_credentials", 401, "Wrong user name or password";
    SessionEnded = "session_ended", 401, "The session has ended";
    MissingResource = "missing_resource", 403, "Not allowed";
    NotFromHere = "not_from_here", 403, "Not from here";
    WrongSetupToken = "wrong_setup_token", 403, "Wrong set-up token";
    NotFound = "not_found", 404, "Not found";
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed";
    Taken = "taken", 409, "Already taken";
    InUse = "in_use", 409, "Still in use";
    AlreadyRunning = "already_running", 409, "Already running";
    OtherAccount = "other_account", 409, "Another account";
    SwitchedOff = "switched_off", 409, "Backups are switched off";
    NotRunning = "not_running", 409, "Not running";
    NothingToRetry = "nothing_to_retry", 409, "Nothing to try again";
    NoSource = "no_source", 409, "No Magento root is configured";
    AlreadySetUp = "already_set_up", 409, "Already set up";
    LastAdministrator = "last_administrator", 409, "The last administrator stays";
    BuiltIn = "built_in", 409, "Built-in roles stay as they are";
    ArchiveGone = "archive_gone", 410, "The archive is no longer there";
    Changed = "changed", 412, "Changed meanwhile";
    TooLarge = "too_large", 413, "The request is too large";
    UnsupportedMediaType = "unsupported_media_type", 415, "Unsupported media type";
    Invalid = "invalid", 422, "Check the fields";
    TooManyAttempts = "too_many_attempts", 429, "Too many attempts";
    Internal = "internal", 500, "Something went wrong on the server";
    Unavailable = "unavailable", 503, "Not available right now";
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The field's path in the request: `title`, `storages[1].keep_copies`.
    pub field: String,
    /// Stable: `required`, `length`, `range`, `format`, `unknown`, `taken`, …
    pub code: String,
    /// Says what is wrong and what to do about it.
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        FieldError { field: field.into(), code: code.into(), message: message.into() }
    }
}

/// The body of every error response, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A URI reference that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    #[cfg_attr(feature = "schema", schema(minimum = 400, maximum = 599))]
    pub status: u16,
    pub detail: String,
    pub code: ProblemCode,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// With `missing_resource`: the resource that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// With `already_running`: the log of the pass that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_id: Option<i64>,
    /// Finds the cause in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Problem {
            kind: format!("urn:storekeep:problem:{}", code.code()),
            title: code.title().into(),
            status: code.status(),
            detail: detail.into(),
            code,
            errors: Vec::new(),
            resource: None,
            log_id: None,
            request_id: None,
        }
    }

    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.message.clone(),
            many => format!("{} fields need attention.", many.len()),
        };
        Problem { errors, ..Problem::new(ProblemCode::Invalid, detail) }
    }

    pub fn taken(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Problem {
            errors: vec![FieldError::new(field, "taken", message.clone())],
            ..Problem::new(ProblemCode::Taken, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_statuses_are_errors() {
        let mut seen = std::collections::BTreeSet::new();
        for c in ProblemCode::ALL {
            assert!(seen.insert(c.code()), "{} twice", c.code());
            assert!((400..600).contains(&c.status()));
            assert_eq!(serde_json::to_value(c).unwrap(), serde_json::json!(c.code()));
        }
    }
}
