//! Validation that server and forms share: every problem of a request at once, each with its field.

use crate::problem::FieldError;
use validator::{ValidationErrors, ValidationErrorsKind};

/// A request body that can say what is wrong with it. An empty list means it is valid by itself; what needs the
/// database (taken titles, unknown ids) the server checks afterwards.
pub trait Check {
    fn check(&self) -> Vec<FieldError>;
}

impl Check for () {
    fn check(&self) -> Vec<FieldError> {
        Vec::new()
    }
}

/// Flattens the nested errors of `validator` into field paths.
pub fn flatten(errors: &ValidationErrors) -> Vec<FieldError> {
    let mut out = Vec::new();
    collect("", errors, &mut out);
    out.sort_by(|a, b| a.field.cmp(&b.field));
    out
}

fn collect(prefix: &str, errors: &ValidationErrors, out: &mut Vec<FieldError>) {
    for (name, kind) in errors.errors() {
        let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
        match kind {
            ValidationErrorsKind::Field(list) => out.extend(list.iter().map(|e| {
                let message = e.message.as_ref().map_or_else(|| default_message(e), |m| m.to_string());
                FieldError::new(path.clone(), &e.code, message)
            })),
            ValidationErrorsKind::Struct(inner) => collect(&path, inner, out),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(&format!("{path}[{index}]"), inner, out);
                }
            }
        }
    }
}

fn default_message(e: &validator::ValidationError) -> String {
    let number = |name: &str| e.params.get(name).map(ToString::to_string);
    match (e.code.as_ref(), number("min"), number("max")) {
        ("length", Some(min), Some(max)) => format!("Use {min} to {max} characters."),
        ("length", Some(min), None) => format!("Use at least {min} characters."),
        ("length", None, Some(max)) => format!("Use at most {max} characters."),
        ("range", Some(min), Some(max)) => format!("Use a number from {min} to {max}."),
        ("range", Some(min), None) => format!("Use a number of at least {min}."),
        (code, _, _) => format!("Not valid ({code})."),
    }
}

/// An address that the server calls: `http` or `https`, a host, no name or password in it.
pub(crate) fn web_address(text: &str) -> Result<(), validator::ValidationError> {
    if text.len() > 500 {
        return Err(error("length", "Use at most 500 characters."));
    }
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Err(error("format", "Write the whole address, beginning with https://."));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.starts_with(':') || text.contains(char::is_whitespace) {
        return Err(error("format", "Write the whole address, beginning with https://."));
    }
    if authority.contains('@') {
        return Err(error("format", "Leave the name and the password out of the address."));
    }
    one_line(text)
}

/// Text of one line: no database, log or screen has trouble with it.
pub(crate) fn one_line(text: &str) -> Result<(), validator::ValidationError> {
    if text.chars().any(char::is_control) {
        return Err(error("format", "Leave out line breaks and control characters."));
    }
    Ok(())
}

/// A `ValidationError` with a message, for the custom rules of this crate.
pub(crate) fn error(code: &'static str, message: impl Into<String>) -> validator::ValidationError {
    validator::ValidationError::new(code).with_message(message.into().into())
}
