//! What PHP's operators and casts make of values.

use super::value::Value;

/// PHP's `.`: the texts of both, one behind the other.
pub fn join(left: Value, right: Value) -> Value {
    match (left.to_text(), right.to_text()) {
        (Some(mut text), Some(more)) => {
            text.extend(more);
            Value::Text(text)
        }
        // Whichever is not known makes the whole unknown.
        (None, _) => unknown_or(left),
        _ => unknown_or(right),
    }
}

fn unknown_or(value: Value) -> Value {
    match value {
        Value::Unset { .. } | Value::Dynamic(_) => value,
        other => Value::Dynamic(format!("{} joined to text", other.kind())),
    }
}

/// PHP's `===`, and `==` between values of one kind; none where only PHP could tell.
pub fn identical(left: &Value, right: &Value, strict: bool) -> Option<bool> {
    let plain = |value: &Value| match value {
        Value::Unset { null: true, .. } => Value::Null,
        Value::Unset { null: false, .. } => Value::Bool(false),
        other => other.clone(),
    };
    let (left, right) = (plain(left), plain(right));
    match (&left, &right) {
        (Value::Dynamic(_), _) | (_, Value::Dynamic(_)) | (Value::Array(_), Value::Array(_)) => None,
        _ if std::mem::discriminant(&left) == std::mem::discriminant(&right) => Some(left == right),
        _ if strict => Some(false),
        (Value::Bool(_) | Value::Null, _) | (_, Value::Bool(_) | Value::Null) => {
            Some(left.truth()? == right.truth()?)
        }
        _ => None,
    }
}

pub fn convert(value: Value, kind: &str) -> Value {
    let dynamic = || Value::Dynamic(format!("a conversion to {kind}"));
    match kind {
        "bool" | "boolean" => value.truth().map_or_else(dynamic, Value::Bool),
        _ if !value.is_known() => value,
        "string" | "binary" => value.to_text().map_or_else(dynamic, Value::Text),
        "int" | "integer" => match value {
            #[expect(clippy::cast_possible_truncation, reason = "PHP truncates too")]
            Value::Float(n) => Value::Int(n as i64),
            other => other.to_text().map_or_else(dynamic, |text| Value::Int(leading_int(&text))),
        },
        "float" | "double" | "real" => value
            .to_text()
            .and_then(|text| String::from_utf8(text).ok()?.trim().parse().ok())
            .map_or_else(dynamic, Value::Float),
        "array" if matches!(value, Value::Array(_)) => value,
        _ => dynamic(),
    }
}

/// The number that a text begins with, 0 without one.
fn leading_int(text: &[u8]) -> i64 {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_start();
    let sign = usize::from(text.starts_with(['-', '+']));
    let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
    text[..sign + digits].parse().unwrap_or(0)
}
