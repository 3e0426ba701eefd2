//! One OpenAPI operation, completed from its row: bodies, security, `x-acl`, the usual problems.

use super::mount::Schemas;
use super::problem::PROBLEM_JSON;
use actix_web::http::StatusCode;
use contract::{Access, Method, Problem, Resource, Row};
use serde_json::json;
use std::any::TypeId;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Ref, RefOr, Required};

const JSON: &str = "application/json";

/// The operation of a handler, with all that its row says, and what the two disagree in.
pub(super) fn complete<Req: ToSchema + 'static, Res: ToSchema + 'static>(
    mut operation: Operation,
    row: &Row,
    schemas: &mut Schemas,
) -> (Operation, Vec<String>) {
    let mut faults = Vec::new();
    if operation.summary.as_deref().unwrap_or_default().is_empty() {
        faults.push("it has no summary (the first line of its doc comment)".into());
    }
    match operation.tags.as_deref() {
        Some([tag]) if super::TAGS.iter().any(|(name, _)| name == tag) => {}
        other => faults.push(format!("it needs exactly one tag of `http::TAGS`, not {other:?}")),
    }
    request::<Req>(&mut operation, schemas, &mut faults);
    success::<Res>(&mut operation, schemas, &mut faults);
    problems::<Req>(&mut operation, row);
    collect::<Problem>(schemas);
    describe(&mut operation, &mut faults);
    access(&mut operation, row);
    (operation, faults)
}

fn is_none<T: 'static>() -> bool {
    TypeId::of::<T>() == TypeId::of::<()>()
}

/// A reference to a named type; any JSON for `serde_json::Value`.
fn schema_of<T: ToSchema + 'static>() -> RefOr<Schema> {
    if TypeId::of::<T>() == TypeId::of::<serde_json::Value>() {
        return ObjectBuilder::new().schema_type(Type::Object).into();
    }
    Ref::from_schema_name(T::name()).into()
}

fn collect<T: ToSchema + 'static>(schemas: &mut Schemas) {
    if is_none::<T>() || TypeId::of::<T>() == TypeId::of::<serde_json::Value>() {
        return;
    }
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

fn request<Req: ToSchema + 'static>(
    operation: &mut Operation,
    schemas: &mut Schemas,
    faults: &mut Vec<String>,
) {
    let wanted = (!is_none::<Req>()).then(schema_of::<Req>);
    let declared = match operation.request_body.take() {
        Some(RefOr::T(body)) => Some(body),
        _ => None,
    };
    let Some(wanted) = wanted else {
        if declared.is_some() {
            faults.push("it declares a request body, the row none".into());
        }
        return;
    };
    collect::<Req>(schemas);
    let mut required = Required::True;
    if let Some(declared) = declared {
        let schema = declared.content.get(JSON).and_then(|c| match c {
            RefOr::T(c) => c.schema.clone(),
            RefOr::Ref(_) => None,
        });
        if schema.as_ref().is_some_and(|schema| is_optional(schema, &wanted)) {
            required = Required::False;
        } else if schema.as_ref() != Some(&wanted) {
            faults.push(format!("its request body is not the row's {}", Req::name()));
        }
    }
    let content = ContentBuilder::new().schema(Some(wanted)).build();
    operation.request_body =
        Some(RefOr::T(RequestBodyBuilder::new().content(JSON, content).required(Some(required)).build()));
}

/// Whether `schema` is that of an `Option` of `wanted`.
fn is_optional(schema: &RefOr<Schema>, wanted: &RefOr<Schema>) -> bool {
    let expected = json!({"oneOf": [wanted, {"type": "null"}]});
    serde_json::to_value(schema).is_ok_and(|schema| schema == expected)
}

fn success<Res: ToSchema + 'static>(
    operation: &mut Operation,
    schemas: &mut Schemas,
    faults: &mut Vec<String>,
) {
    collect::<Res>(schemas);
    let tagged = has_revision(&Res::schema());
    let mut any = false;
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if !status.starts_with('2') {
            continue;
        }
        any = true;
        if tagged {
            let header = HeaderBuilder::new()
                .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
                .description(Some("The row's revision, for `If-Match`."))
                .build();
            response.headers.insert("ETag".into(), RefOr::T(header));
        }
        if is_none::<Res>() || status == "204" {
            continue;
        }
        if response.content.is_empty() {
            let content = ContentBuilder::new().schema(Some(schema_of::<Res>())).build();
            response.content.insert(JSON.into(), RefOr::T(content));
        }
        if let Some(RefOr::T(content)) = response.content.get(JSON)
            && content.schema.as_ref() != Some(&schema_of::<Res>())
        {
            faults.push(format!("its {status} body is not the row's {}", Res::name()));
        }
    }
    if !any {
        faults.push("it declares no response of success".into());
    }
}

fn has_revision(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(o)) if o.properties.contains_key("revision"))
}

/// The problems that follow from what the route is; others are declared by its handler.
fn problems<Req: 'static>(operation: &mut Operation, row: &Row) {
    let has = |location: ParameterIn| {
        let parameters = operation.parameters.iter().flatten();
        parameters
            .filter_map(|p| match p {
                RefOr::T(p) => Some(p),
                RefOr::Ref(_) => None,
            })
            .any(|p| p.parameter_in == location)
    };
    let has_body = !is_none::<Req>();
    let mut usual: Vec<(u16, &str)> = Vec::new();
    if has_body || has(ParameterIn::Header) {
        usual.push((400, "The request could not be read."));
    }
    if row.access != Access::Public {
        usual.push((401, "Nobody is signed in, or the session has ended."));
    }
    if matches!(row.access, Access::Require(_) | Access::AnyOf(_)) {
        usual.push((403, "The resource that the problem names is missing."));
    }
    if has(ParameterIn::Path) {
        usual.push((404, "It does not exist (any more)."));
    }
    if has(ParameterIn::Header) && row.method != Method::Get {
        usual.push((412, "It was changed meanwhile; `If-Match` names another revision."));
    }
    if has_body {
        usual.push((413, "The body is too large."));
        usual.push((415, "The body is not JSON."));
    }
    if has_body || has(ParameterIn::Query) {
        usual.push((422, "The fields that the problem lists need attention."));
    }
    for (status, description) in usual {
        operation
            .responses
            .responses
            .entry(status.to_string())
            .or_insert_with(|| RefOr::T(ResponseBuilder::new().description(description).build()));
    }
    operation
        .responses
        .responses
        .entry("default".into())
        .or_insert_with(|| RefOr::T(ResponseBuilder::new().description("Any other problem.").build()));
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && (status == "default" || status.starts_with(['4', '5']))
        {
            problem_body(response);
        }
    }
}

fn problem_body(response: &mut Response) {
    let content = ContentBuilder::new().schema(Some(schema_of::<Problem>())).build();
    response.content.clear();
    response.content.insert(PROBLEM_JSON.into(), RefOr::T(content));
}

/// An empty description makes the document invalid.
fn describe(operation: &mut Operation, faults: &mut Vec<String>) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            let reason = status.parse::<u16>().ok().and_then(|s| StatusCode::from_u16(s).ok());
            response.description = reason.and_then(|s| s.canonical_reason()).unwrap_or("Response").into();
        }
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if parameter.description.as_deref().unwrap_or_default().is_empty() {
            if parameter.parameter_in == ParameterIn::Path && parameter.name == "id" {
                parameter.description = Some("The id of the row.".into());
            } else {
                faults.push(format!("its parameter {} has no description", parameter.name));
            }
        }
    }
}

fn access(operation: &mut Operation, row: &Row) {
    let nothing: [&str; 0] = [];
    operation.security = Some(match row.access {
        Access::Public => Vec::new(),
        _ => vec![SecurityRequirement::new("bearer", nothing)],
    });
    let names = |r: Resource| r.parent().into_iter().chain([r]).map(Resource::name).collect::<Vec<_>>();
    let acl = match row.access {
        Access::Public => json!({"access": "public"}),
        Access::SignedIn => json!({"access": "signed_in"}),
        Access::Require(r) => json!({"access": "require", "resources": names(r)}),
        Access::AnyOf(any) => {
            json!({"access": "any_of", "resources": any.iter().map(|r| r.name()).collect::<Vec<_>>()})
        }
    };
    operation.extensions.get_or_insert_with(|| ExtensionsBuilder::new().build()).insert("x-acl".into(), acl);
}
