//! A route as a row: everything that server, console and tests must agree on.

use crate::acl::{Grants, Resource};
use std::marker::PhantomData;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }
}

/// Who may call a route. There is no default on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Anybody who is signed in.
    SignedIn,
    /// Whoever holds the resource and its parents.
    Require(Resource),
    /// Whoever holds at least one of these.
    AnyOf(&'static [Resource]),
}

impl Access {
    /// The resource that a 403 names: the first one missing. `None` when the grants suffice.
    ///
    /// Says nothing about being signed in: `Public` and `SignedIn` miss no resource.
    pub fn missing(&self, grants: &Grants) -> Option<Resource> {
        match self {
            Access::Public | Access::SignedIn => None,
            Access::Require(resource) => grants.missing(*resource),
            Access::AnyOf(any) => {
                if any.iter().any(|r| grants.allows(*r)) {
                    None
                } else {
                    any.first().copied()
                }
            }
        }
    }
}

/// One route without its types: what a table, a middleware and a test need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The operation id in the OpenAPI document, `<verb>_<resource>`.
    pub id: &'static str,
    pub method: Method,
    /// The full path with `{name}` placeholders, as actix and OpenAPI both write them.
    pub path: &'static str,
    pub access: Access,
}

/// One route with the types of its request and response bodies (`()` for none).
#[derive(Debug)]
pub struct Endpoint<Req, Res> {
    pub row: Row,
    types: PhantomData<fn(Req) -> Res>,
}

impl<Req, Res> Endpoint<Req, Res> {
    pub const fn new(id: &'static str, method: Method, path: &'static str, access: Access) -> Self {
        Endpoint { row: Row { id, method, path, access }, types: PhantomData }
    }

    /// The path with its placeholders filled in order. Values are integers or names that need no escaping.
    pub fn path_with(&self, values: &[&str]) -> String {
        let mut path = String::with_capacity(self.row.path.len() + 16);
        let mut values = values.iter();
        let mut rest = self.row.path;
        while let Some(open) = rest.find('{') {
            let Some(close) = rest[open..].find('}') else { break };
            path.push_str(&rest[..open]);
            path.push_str(values.next().copied().unwrap_or_default());
            rest = &rest[open + close + 1..];
        }
        path.push_str(rest);
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in_order() {
        let e = Endpoint::<(), ()>::new("x", Method::Get, "/logs/{id}/archives/{name}", Access::SignedIn);
        assert_eq!(e.path_with(&["7", "db.sql.gz"]), "/logs/7/archives/db.sql.gz");
    }
}
