//! Replies in Dropbox's shapes.

use crate::testing::fake::Reply;
use serde_json::{Map, Value, json};

/// A 409 of a route; the tags from the outside in.
pub(super) fn fault(tags: &[&str]) -> Reply {
    fault_with(tags, Map::new())
}

/// The same, with fields beside the innermost tag.
pub(super) fn fault_with(tags: &[&str], mut fields: Map<String, Value>) -> Reply {
    let mut tags_left = tags.iter().rev();
    let innermost = tags_left.next().copied().unwrap_or("other");
    fields.insert(".tag".into(), json!(innermost));
    let error = tags_left.fold(Value::Object(fields), |inner, tag| json!({ ".tag": tag, *tag: inner }));
    let summary = format!("{}/..", tags.join("/"));
    Reply::json(409, &json!({ "error_summary": summary, "error": error }))
}

pub(super) fn incorrect_offset(outer: &[&str], correct: u64) -> Reply {
    let fields = Map::from_iter([("correct_offset".to_owned(), json!(correct))]);
    fault_with(&[outer, &["incorrect_offset"]].concat(), fields)
}

pub(super) fn unauthorized(tag: &str) -> Reply {
    Reply::json(401, &json!({ "error_summary": format!("{tag}/.."), "error": { ".tag": tag } }))
}

pub(super) fn missing_scope(scope: &str) -> Reply {
    let error = json!({ ".tag": "missing_scope", "required_scope": scope });
    Reply::json(401, &json!({ "error_summary": "missing_scope/..", "error": error }))
}

/// Dropbox tells what a client did wrong in plain text.
pub(super) fn bad(text: &str) -> Reply {
    Reply::text(400, text).with("x-dropbox-request-id", "0123456789abcdef0123456789abcdef")
}

/// A 429; `in_body` seconds are told in the body, `in_header` in the header.
pub(super) fn limited(reason: &str, in_body: Option<u64>, in_header: Option<u64>) -> Reply {
    let mut error = json!({ "reason": { ".tag": reason } });
    if let Some(seconds) = in_body {
        error["retry_after"] = json!(seconds);
    }
    let reply = Reply::json(429, &json!({ "error_summary": format!("{reason}/.."), "error": error }));
    match in_header {
        Some(seconds) => reply.with("retry-after", seconds.to_string()),
        None => reply,
    }
}
