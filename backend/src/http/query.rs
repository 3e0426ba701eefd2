//! Query strings, checked like bodies.

use super::{ApiError, parse};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use contract::{Check, FieldError, PageArgs};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::future::{Ready, ready};

/// The parameters of a request: 422 naming the one that is unknown, of the wrong type or out of range.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Check> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse::query::<T>(request.query_string()).and_then(|query| {
            let errors = query.check();
            if errors.is_empty() { Ok(Query(query)) } else { Err(ApiError::invalid(errors)) }
        }))
    }
}

/// Which page of a list, and in which order.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Counts from 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    pub page: Option<u32>,
    /// Rows a page; 20 when left out.
    #[param(minimum = 1, maximum = 200)]
    pub per_page: Option<u32>,
    /// A column, with `-` before it to descend.
    #[param(max_length = 64)]
    pub sort: Option<String>,
}

impl PageQuery {
    /// The page; valid, because the extractor checked it.
    pub fn args(&self) -> PageArgs {
        PageArgs::parse(self.page, self.per_page)
            .unwrap_or(PageArgs { page: 1, per_page: contract::page::DEFAULT_PER_PAGE })
    }
}

impl Check for PageQuery {
    fn check(&self) -> Vec<FieldError> {
        PageArgs::parse(self.page, self.per_page).err().unwrap_or_default()
    }
}
