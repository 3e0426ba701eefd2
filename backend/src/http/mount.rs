//! Mounting: a handler is reachable by a row of `contract::endpoints`, or not at all.

use super::operation;
use actix_web::dev::{HttpServiceFactory, ResourceDef};
use actix_web::web::ServiceConfig;
use contract::{Endpoint, Row};
use std::cmp::Ordering;
use std::fmt;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::schema::Schema;
use utoipa_actix_web::OpenApiFactory;

/// The routes of one application, as they are mounted.
#[derive(Default)]
pub struct Api {
    mounted: Vec<Mounted>,
    faults: Vec<String>,
}

pub(super) type Schemas = Vec<(String, RefOr<Schema>)>;

struct Mounted {
    row: Row,
    register: Box<dyn FnOnce(&mut ServiceConfig)>,
    operation: Operation,
    schemas: Schemas,
}

/// What is wrong with the routes: the server does not start with any of these.
#[derive(Debug, PartialEq, Eq)]
pub struct MountFaults(pub Vec<String>);

impl fmt::Display for MountFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the routes do not agree with the endpoint table: {}", self.0.join("; "))
    }
}

impl std::error::Error for MountFaults {}

impl Api {
    pub fn new() -> Self {
        Api::default()
    }

    /// Mounts `handler` (a function under actix's route attribute and `#[utoipa::path]`) by its row.
    ///
    /// Method, path and operation id of the attributes must be the row's; bodies, security, `x-acl` and the usual problems
    /// of its OpenAPI operation are written from the row. What disagrees is a fault, told by [`Api::check`].
    pub fn mount<Req, Res, H>(&mut self, endpoint: &Endpoint<Req, Res>, handler: H) -> &mut Self
    where
        Req: ToSchema + 'static,
        Res: ToSchema + 'static,
        H: HttpServiceFactory + utoipa::Path + OpenApiFactory + 'static,
    {
        let row = endpoint.row;
        self.compare::<H>(&row);
        if self
            .mounted
            .iter()
            .any(|m| m.row.id == row.id || (m.row.method, m.row.path) == (row.method, row.path))
        {
            self.faults.push(format!("{} is mounted twice", row.id));
        }
        let mut schemas = Schemas::new();
        handler.schemas(&mut schemas);
        let (operation, faults) = operation::complete::<Req, Res>(tagged(&handler), &row, &mut schemas);
        self.faults.extend(faults.into_iter().map(|f| format!("{}: {f}", row.id)));
        let register = Box::new(move |config: &mut ServiceConfig| service(config, handler));
        self.mounted.push(Mounted { row, register, operation, schemas });
        self
    }

    fn compare<H: utoipa::Path>(&mut self, row: &Row) {
        let path = H::path();
        if path != row.path {
            self.faults.push(format!("{}: the handler's path is {path}, the row's {}", row.id, row.path));
        }
        let methods: Vec<&str> = H::methods().iter().map(name).collect();
        if methods != [row.method.as_str()] {
            let methods = methods.join(" ");
            self.faults.push(format!(
                "{}: the handler takes {methods}, the row {}",
                row.id,
                row.method.as_str()
            ));
        }
        let id = H::operation().operation_id.unwrap_or_default();
        if id != row.id {
            self.faults.push(format!("{}: the handler's operation id is `{id}`", row.id));
        }
    }

    /// Every row of `all` is mounted once, nothing else is, and no handler disagrees with its row.
    pub fn check(&self, all: &[Row]) -> Result<(), MountFaults> {
        let mut faults = self.faults.clone();
        for row in all {
            if !self.mounted.iter().any(|m| m.row == *row) {
                faults.push(format!("{} is not mounted", row.id));
            }
        }
        for mounted in &self.mounted {
            if !all.contains(&mounted.row) {
                faults.push(format!("{} is not in the endpoint table", mounted.row.id));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(MountFaults(faults)) }
    }

    /// The operations in the order of the endpoint table, each with its row.
    pub(super) fn operations(&self) -> impl Iterator<Item = (&Row, &Operation, &Schemas)> {
        self.mounted.iter().map(|m| (&m.row, &m.operation, &m.schemas))
    }

    /// What the access middleware matches, in the router's order.
    pub(super) fn patterns(&self) -> Vec<Pattern> {
        let mut patterns: Vec<Pattern> =
            self.mounted.iter().map(|m| Pattern { row: m.row, path: ResourceDef::new(m.row.path) }).collect();
        patterns.sort_by(|a, b| precedence(&a.row, &b.row));
        patterns
    }

    /// Hands the routes to actix, fixed segments before placeholders.
    pub(super) fn register(mut self, config: &mut ServiceConfig) {
        self.mounted.sort_by(|a, b| precedence(&a.row, &b.row));
        self.mounted.into_iter().for_each(|m| (m.register)(config));
    }
}

/// The handler's operation. Its tags are told by the factory alone.
fn tagged<H: utoipa::Path + OpenApiFactory>(handler: &H) -> Operation {
    let item = handler.paths().paths.into_iter().next().map(|(_, item)| item);
    let found = item.and_then(|i| i.get.or(i.post).or(i.put).or(i.delete));
    found.unwrap_or_else(H::operation)
}

#[expect(clippy::disallowed_methods, reason = "this is where a row is mounted")]
fn service(config: &mut ServiceConfig, handler: impl HttpServiceFactory + 'static) {
    config.service(handler);
}

#[derive(Clone)]
pub(super) struct Pattern {
    pub row: Row,
    path: ResourceDef,
}

impl Pattern {
    pub(super) fn is_match(&self, path: &str) -> bool {
        self.path.is_match(path)
    }
}

/// `/backups/options` is tried before `/backups/{id}`.
fn precedence(a: &Row, b: &Row) -> Ordering {
    let key = |row: &Row| row.path.split('/').map(|s| (s.starts_with('{'), s.to_owned())).collect::<Vec<_>>();
    key(a).cmp(&key(b)).then(a.method.cmp(&b.method))
}

fn name(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "GET",
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Delete => "DELETE",
        _ => "another method",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ApiError, NoContent};
    use super::*;
    use actix_web::{delete, get};
    use contract::endpoints as ep;
    use contract::{Access, Method};

    const ROW: Endpoint<(), ()> = Endpoint::new("get_thing", Method::Get, "/things/{id}", Access::SignedIn);

    /// Reads a thing.
    #[utoipa::path(tag = "server", responses((status = 204, description = "It is there.")))]
    #[get("/things/{id}")]
    async fn get_thing(_id: actix_web::web::Path<i64>) -> Result<NoContent, ApiError> {
        Ok(NoContent)
    }

    /// Reads another thing.
    #[utoipa::path(tag = "server", responses((status = 204, description = "It is there.")))]
    #[delete("/other/{id}")]
    async fn get_other(_id: actix_web::web::Path<i64>) -> Result<NoContent, ApiError> {
        Ok(NoContent)
    }

    #[utoipa::path(operation_id = "get_thing", responses((status = 404, description = "It is not there.")))]
    #[get("/things/{id}")]
    async fn undocumented(_id: actix_web::web::Path<i64>) -> Result<NoContent, ApiError> {
        Ok(NoContent)
    }

    fn faults(mount: impl FnOnce(&mut Api), all: &[Row]) -> Vec<String> {
        let mut api = Api::new();
        mount(&mut api);
        api.check(all).err().map(|f| f.0).unwrap_or_default()
    }

    #[test]
    fn a_handler_that_agrees_with_its_row_is_fine() {
        assert_eq!(
            faults(
                |api| {
                    api.mount(&ROW, get_thing);
                },
                &[ROW.row]
            ),
            Vec::<String>::new()
        );
    }

    #[test]
    fn another_path_method_or_id_is_told() {
        let told = faults(
            |api| {
                api.mount(&ROW, get_other);
            },
            &[ROW.row],
        );
        assert_eq!(
            told,
            [
                "get_thing: the handler's path is /other/{id}, the row's /things/{id}",
                "get_thing: the handler takes DELETE, the row GET",
                "get_thing: the handler's operation id is `get_other`",
            ]
        );
    }

    #[test]
    fn a_route_without_documentation_is_told() {
        let told = faults(
            |api| {
                api.mount(&ROW, undocumented);
            },
            &[ROW.row],
        );
        assert_eq!(told.len(), 3, "{told:?}");
        for word in ["no summary", "exactly one tag", "no response of success"] {
            assert!(told.iter().any(|f| f.contains(word)), "{word}: {told:?}");
        }
    }

    #[test]
    fn mounting_twice_missing_rows_and_rows_outside_of_the_table_are_told() {
        let twice = faults(
            |api| {
                api.mount(&ROW, get_thing).mount(&ROW, get_thing);
            },
            &[ROW.row],
        );
        assert_eq!(twice, ["get_thing is mounted twice"]);
        let elsewhere = faults(
            |api| {
                api.mount(&ROW, get_thing);
            },
            &[ep::HEALTHZ.row],
        );
        assert_eq!(elsewhere, ["healthz is not mounted", "get_thing is not in the endpoint table"]);
    }

    #[test]
    fn fixed_segments_are_tried_before_placeholders() {
        let row = |path| Endpoint::<(), ()>::new("x", Method::Get, path, Access::Public).row;
        let mut rows =
            [row("/a/{id}/c"), row("/a/{id}"), row("/a/options"), row("/a/{id}/{name}"), row("/a")];
        rows.sort_by(precedence);
        let order: Vec<&str> = rows.iter().map(|r| r.path).collect();
        assert_eq!(order, ["/a", "/a/options", "/a/{id}", "/a/{id}/c", "/a/{id}/{name}"]);
    }
}
