//! The OpenAPI document: committed, complete, and the same as what the server serves.

use crate::support::TestApp;
use contract::{Access, endpoints as ep};
use serde_json::Value;
use std::collections::BTreeSet;

fn document() -> Value {
    serde_json::from_str(storekeep::app::document().unwrap().json()).unwrap()
}

#[test]
fn the_committed_document_is_the_one_of_this_code() {
    let committed = include_str!("../../../openapi/openapi.json");
    let now = storekeep::app::document().unwrap().pretty().unwrap();
    let first_difference = committed.lines().zip(now.lines()).find(|(a, b)| a != b);
    assert!(
        committed == now,
        "openapi/openapi.json is out of date: run `make openapi` and commit it. First difference: {first_difference:?}"
    );
}

#[actix_web::test]
async fn the_server_serves_it() {
    let app = TestApp::start().await;
    assert_eq!(app.call(&ep::GET_OPENAPI, &[]).send().await.ok(), document());
}

#[test]
fn every_row_is_an_operation_with_its_security() {
    let document = document();
    let mut tags = BTreeSet::new();
    for row in ep::ALL {
        let operation = &document["paths"][row.path][row.method.as_str().to_lowercase()];
        assert_eq!(operation["operationId"], row.id);
        tags.insert(operation["tags"][0].as_str().unwrap().to_owned());
        let security = operation["security"].as_array().unwrap();
        assert_eq!(security.is_empty(), row.access == Access::Public, "{}", row.id);
        let acl = &operation["x-acl"];
        match row.access {
            Access::Public => assert_eq!(acl["access"], "public"),
            Access::SignedIn => assert_eq!(acl["access"], "signed_in"),
            Access::Require(resource) => {
                assert_eq!(acl["resources"].as_array().unwrap().last().unwrap(), resource.name());
            }
            Access::AnyOf(any) => assert_eq!(acl["resources"].as_array().unwrap().len(), any.len()),
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            let text = response["description"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{} {status} has no description", row.id);
            if status == "default" || status.starts_with(['4', '5']) {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{} {status}", row.id);
            }
        }
        let responses = operation["responses"].as_object().unwrap();
        assert_eq!(
            responses.contains_key("401"),
            row.access != Access::Public || row.id == "login" || row.id == "refresh",
            "{}",
            row.id
        );
        assert_eq!(responses.contains_key("404"), row.path.contains('{'), "{}", row.id);
    }
    let operations: usize =
        document["paths"].as_object().unwrap().values().map(|p| p.as_object().unwrap().len()).sum();
    assert_eq!(operations, ep::ALL.len());
    assert_eq!(document["info"]["license"]["identifier"], "MIT OR Apache-2.0");
}

#[test]
fn every_reference_leads_somewhere_and_request_types_are_closed() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    for reference in &references {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.contains_key(name), "{reference} leads nowhere");
    }
    for name in schemas.keys() {
        assert!(references.contains(&format!("#/components/schemas/{name}")), "{name} is not used");
        if name.ends_with("Input") {
            assert_eq!(schemas[name]["additionalProperties"], false, "{name} takes unknown fields");
        }
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                references.insert(reference.clone());
            }
            map.values().for_each(|v| collect(v, references));
        }
        Value::Array(items) => items.iter().for_each(|v| collect(v, references)),
        _ => {}
    }
}
