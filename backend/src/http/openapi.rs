//! The OpenAPI document, built from the mounted routes, and the pages that show it.

use super::mount::{Api, Schemas};
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::ServiceConfig;
use std::collections::BTreeMap;
use utoipa::openapi::path::{PathItem, PathsBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa_swagger_ui::{Config, SwaggerUi};

pub(super) const DOCS_PATH: &str = "/api/docs";
pub(super) const DOCS_PATTERN: &str = "/api/docs/{_:.*}";
const DOCUMENT_PATH: &str = "/api/openapi.json";

/// The tags of operations, in the order in which the documentation shows them. A handler names exactly one.
pub const TAGS: &[(&str, &str)] = &[
    ("setup", "The first administrator."),
    ("auth", "Signing in and out, and who one is."),
    ("config", "The settings an administrator changes while the server runs."),
    ("alerts", "Being told: where word is sent when a backup fails, is missed, or works again."),
    ("source", "The Magento root as the server sees it."),
    ("backups", "Backup Sets: what is backed up, when, where to, how many copies stay."),
    ("storages", "Storage Sets: the credentials of cloud destinations."),
    ("logs", "Backup Logs: the record of every pass, its progress and its archives."),
    ("notifications", "The inbox."),
    ("users", "Users and what they may do."),
    ("roles", "Named sets of resources."),
    ("tokens", "One's own API tokens."),
    ("server", "The state of the server itself."),
];

/// The document as it is served: JSON text, made once.
#[derive(Debug)]
pub struct Document {
    json: String,
}

impl Document {
    pub fn of(api: &Api) -> Result<Self, serde_json::Error> {
        serde_json::to_string(&document(api)).map(|json| Document { json })
    }

    /// As it is committed: indented, with a line break at the end.
    pub fn pretty(&self) -> Result<String, serde_json::Error> {
        let value: serde_json::Value = serde_json::from_str(&self.json)?;
        serde_json::to_string_pretty(&value).map(|text| text + "\n")
    }

    pub fn json(&self) -> &str {
        &self.json
    }
}

fn document(api: &Api) -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut schemas: BTreeMap<_, _> = BTreeMap::new();
    for (row, operation, types) in api.operations() {
        let method = match row.method {
            contract::Method::Get => utoipa::openapi::HttpMethod::Get,
            contract::Method::Post => utoipa::openapi::HttpMethod::Post,
            contract::Method::Put => utoipa::openapi::HttpMethod::Put,
            contract::Method::Delete => utoipa::openapi::HttpMethod::Delete,
        };
        paths = paths.path(row.path, PathItem::new(method, operation.clone()));
        schemas.extend(Schemas::clone(types));
    }
    let mut components = ComponentsBuilder::new().security_scheme(
        "bearer",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some("The access token of a sign-in, or an API token."))
                .build(),
        ),
    );
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Storekeep")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Scheduled backups of a Magento store to several destinations. Errors are problem documents \
                     (RFC 9457) with a stable `code`.",
                ))
                .license(Some(
                    LicenseBuilder::new()
                        .name("MIT OR Apache-2.0")
                        .identifier(Some("MIT OR Apache-2.0"))
                        .build(),
                ))
                .build(),
        )
        .paths(paths.build())
        .components(Some(components.build()))
        .tags(Some(
            TAGS.iter()
                .map(|(name, text)| TagBuilder::new().name(*name).description(Some(*text)).build())
                .collect::<Vec<_>>(),
        ))
        .build()
}

/// The pages of Swagger UI style their elements one by one.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Swagger UI with its files inside the binary. Public and without data: what it shows is the document.
#[expect(clippy::disallowed_methods, reason = "the documentation's own pages are not routes of the API")]
pub(super) fn register_docs(config: &mut ServiceConfig) {
    config.service(SwaggerUi::new(DOCS_PATTERN).config(Config::new([DOCUMENT_PATH])));
}

/// The content security policy of what is at `path`; the console's page sets its own.
pub(super) fn policy(path: &str) -> &'static str {
    if path.starts_with(DOCS_PATH) { DOCS_POLICY } else { "default-src 'none'; frame-ancestors 'none'" }
}

/// `/api/docs` without the slash at the end, which the page's relative links need.
pub(super) fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "docs/")).finish()
}
