//! From serde's errors to problems that name the field.
//!
//! serde's messages quote the value that did not fit; a value may be a password, so the texts here are made from the expectation alone.

use super::ApiError;
use contract::{FieldError, ProblemCode};
use serde::de::DeserializeOwned;

/// Parses a JSON body. 400 when it is not JSON, 422 with the field's path when it is another JSON than the type wants.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let path = e.path().to_string();
        let inner = e.into_inner();
        if inner.is_data() {
            ApiError::invalid(vec![field_error(&path, &inner.to_string())])
        } else {
            broken(&inner)
        }
    })?;
    json.end().map_err(|e| broken(&e))?;
    // serde would take the fields of a structure in a list, too, by their order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::invalid(vec![FieldError::new("body", "type", "Expected an object.")]));
    }
    Ok(value)
}

fn broken(e: &serde_json::Error) -> ApiError {
    let place = format!(
        "The body is not JSON: it breaks off or goes wrong at line {}, column {}.",
        e.line(),
        e.column()
    );
    ApiError::new(ProblemCode::Unreadable, place)
}

/// Parses a query string. 422 with the parameter's name.
pub(super) fn query<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|e| {
        let path = e.path().to_string();
        ApiError::invalid(vec![field_error(&path, &e.into_inner().to_string())])
    })
}

fn field_error(path: &str, text: &str) -> FieldError {
    let path = if path == "." { "" } else { path };
    let inside = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if let Some(name) = quoted_after(text, "unknown field `") {
        return FieldError::new(
            named(path, &inside, name),
            "unknown",
            "There is no such field. Check its spelling.",
        );
    }
    if let Some(name) = quoted_after(text, "missing field `") {
        return FieldError::new(named(path, &inside, name), "required", "This field is required.");
    }
    if let Some(name) = quoted_after(text, "duplicate field `") {
        return FieldError::new(named(path, &inside, name), "duplicate", "Give this field once.");
    }
    let field = if path.is_empty() { "body" } else { path };
    match text.rsplit_once(", expected ").map(|(_, e)| e.split(" at line ").next().unwrap_or(e)) {
        Some(expected) => FieldError::new(field, "type", format!("Expected {}.", friendly(expected))),
        None => FieldError::new(field, "type", "This value is not of the right type."),
    }
}

/// serde tells the path of an unknown or missing field sometimes with the field in it, sometimes without.
fn named(path: &str, inside: &dyn Fn(&str) -> String, name: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or(path);
    if last == name { path.to_owned() } else { inside(name) }
}

fn quoted_after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(prefix)?;
    rest.split('`').next().filter(|n| n.len() <= 100)
}

fn friendly(expected: &str) -> String {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" | "isize" => {
            "a whole number in range".into()
        }
        "f32" | "f64" => "a number".into(),
        "a string" | "a borrowed string" => "text".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a list".into(),
        other if other.starts_with("struct ") || other.starts_with("a map") => "an object".into(),
        other if other.starts_with("unit") => "no value".into(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Outer {
        name: String,
        #[serde(default)]
        rows: Vec<Row>,
        #[serde(default)]
        kind: Option<Kind>,
    }
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Row {
        keep: i32,
    }
    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Files,
        Database,
    }

    fn problem(body: &str) -> (u16, Vec<(String, String)>) {
        let error = json::<Outer>(body.as_bytes()).unwrap_err();
        let problem = error.problem();
        (problem.status, problem.errors.iter().map(|e| (e.field.clone(), e.code.clone())).collect())
    }

    #[rstest]
    #[case(r#"{"name":"x","nmae":1}"#, "nmae", "unknown")]
    #[case(r#"{"name":"x","rows":[{"keep":1},{"keep":1,"kep":2}]}"#, "rows[1].kep", "unknown")]
    #[case(r#"{}"#, "name", "required")]
    #[case(r#"{"name":"x","rows":[{}]}"#, "rows[0].keep", "required")]
    #[case(r#"{"name":"x","name":"y"}"#, "name", "duplicate")]
    #[case(r#"{"name":5}"#, "name", "type")]
    #[case(r#"{"name":"x","rows":[{"keep":"3"}]}"#, "rows[0].keep", "type")]
    #[case(r#"{"name":"x","rows":[{"keep":99999999999}]}"#, "rows[0].keep", "type")]
    #[case(r#"{"name":"x","kind":"tapes"}"#, "kind", "type")]
    #[case(r#"[]"#, "body", "type")]
    #[case(r#"["x"]"#, "body", "type")]
    #[case(r#" ["x", [], null]"#, "body", "type")]
    #[case(r#"7"#, "body", "type")]
    fn what_does_not_fit_names_its_field(#[case] body: &str, #[case] field: &str, #[case] code: &str) {
        assert_eq!(problem(body), (422, vec![(field.to_owned(), code.to_owned())]));
    }

    #[rstest]
    #[case("")]
    #[case("{")]
    #[case(r#"{"name":"x"} trailing"#)]
    #[case("{'name':1}")]
    fn what_is_not_json_is_unreadable(#[case] body: &str) {
        assert_eq!(problem(body), (400, vec![]));
    }

    #[test]
    fn a_wrong_value_is_never_quoted() {
        for body in [r#"{"name":"x","rows":"hunter2"}"#, r#"{"name":"x","kind":"hunter2"}"#] {
            let error = json::<Outer>(body.as_bytes()).unwrap_err();
            assert!(!serde_json::to_string(error.problem()).unwrap().contains("hunter2"));
        }
    }

    #[rstest]
    #[case("keep=abc", "keep", "type")]
    #[case("keep=1&x=2", "x", "unknown")]
    #[case("", "keep", "required")]
    fn queries_follow_the_same_rules(#[case] text: &str, #[case] field: &str, #[case] code: &str) {
        let error = query::<Row>(text).unwrap_err();
        assert_eq!(error.problem().errors[0].field, field);
        assert_eq!(error.problem().errors[0].code, code);
    }
}
