//! The HTTP side: mounting by rows, access, request bodies, problems, the OpenAPI document and the console's files.
//!
//! Knows no resource of the product: resources mount their handlers here, and tell how their errors become problems.

mod access;
mod address;
mod body;
mod etag;
mod finish;
mod lasting;
mod mount;
mod openapi;
mod operation;
mod parse;
mod principal;
mod problem;
mod query;
mod respond;
mod spa;

pub use access::{Authenticate, bearer_token};
pub use address::{ClientAddress, FromHere, TrustedProxies, same_origin};
pub use body::{MAX_BODY, Valid, ValidOrDefault};
pub use etag::{IfMatch, IfMatchHeader, Revision};
pub use finish::RequestId;
pub use lasting::{Over, Permit, Watch};
pub use mount::{Api, MountFaults};
pub use openapi::{Document, TAGS};
pub use principal::{Principal, Via};
pub use problem::ApiError;
pub use query::{PageQuery, Query};
pub use respond::{Accepted, Created, NoContent, Tagged};
pub use spa::console_is_built_in;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::{App, Error, middleware, web};
use std::sync::{Arc, Once};
use tokio_util::sync::CancellationToken;

/// What every worker's application is made of, apart from the routes.
#[derive(Clone)]
pub struct Gateway {
    pub authenticate: Arc<dyn Authenticate>,
    pub document: Arc<Document>,
    pub trusted_proxies: TrustedProxies,
    /// The public URL is https: browsers are told to stay with it.
    pub https: bool,
    /// Whether it was told that a proxy knows better than the public URL.
    pub https_told: Arc<Once>,
    /// Cancelled when the server is about to stop: requests that last end.
    pub stopping: CancellationToken,
}

/// The application of one worker: the mounted routes behind the access middleware, the API's documentation, the console.
///
/// `data` adds what the handlers ask for with `web::Data`.
pub fn application(
    gateway: &Gateway,
    api: Api,
    data: Box<dyn FnOnce(&mut web::ServiceConfig)>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    let access = access::Rules::new(&api, gateway);
    App::new()
        .app_data(web::Data::from(gateway.document.clone()))
        .app_data(gateway.trusted_proxies.clone())
        .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::no_such_route().into()))
        .configure(data)
        .configure(|config| api.register(config))
        .configure(openapi::register_docs)
        .default_service(web::to(spa::serve))
        .wrap(middleware::from_fn(access::admit))
        .app_data(access)
        .app_data(finish::Transport { https: gateway.https, told: gateway.https_told.clone() })
        .wrap(middleware::from_fn(finish::finish))
}
