//! The server under test: every service, an embedded database in a folder of its own, a clock that stands still.

mod answer;
mod clouds;
mod databases;
mod people;
mod receivers;
mod store;

pub use answer::Answer;
pub use clouds::{CLIENT_SECRET, CloudApp, SESSION_URL};
pub use databases::Metadata;
pub use people::{PASSWORD, Someone};
pub use receivers::{MailServer, Receiver};
pub use store::{config_with_store, files_only, make_store};

use actix_http::Request;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::ServiceConfig;
use chrono::{DateTime, Utc};
use clap::Parser;
use contract::{Endpoint, Row};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use storekeep::app::App;
use storekeep::auth::RefreshCookie;
use storekeep::clock::{SharedClock, TestClock};
use storekeep::config::{Config, Secret};
use storekeep::http::Gateway;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The token that makes the first administrator of a [`TestApp`].
pub const SETUP_TOKEN: &str = "the-set-up-token-of-the-tests";
const PUBLIC_URL: &str = "https://storekeep.example.org";

type Call = Rc<dyn Fn(Request) -> LocalBoxFuture<'static, ServiceResponse>>;

/// A whole server without a socket. Use it in `#[actix_web::test]`.
pub struct TestApp {
    pub app: App,
    pub clock: TestClock,
    pub dir: TempDir,
    /// Cancelled, it tells requests that last that the server stops.
    pub stopping: CancellationToken,
    call: Call,
}

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// Settings as the command line gives them, with everything below `dir`.
pub fn config_in(dir: &TempDir) -> Config {
    let data_dir = dir.path().join("data");
    let flags = Flags::parse_from(["storekeep", "--data-dir", &data_dir.to_string_lossy()]);
    let mut config = flags.config.without_empty_values();
    config.keys.setup_token = Some(Secret::new(SETUP_TOKEN));
    config
}

/// 2026-03-02T10:00:00Z, a Monday.
pub fn monday() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_445_600, 0).unwrap()
}

impl TestApp {
    pub async fn start() -> Self {
        TestApp::with(|_| {}).await
    }

    /// With other settings than the defaults.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config_in(&dir);
        change(&mut config);
        TestApp::on(dir, config).await
    }

    /// With routes that are mounted behind the back of the endpoint table.
    pub async fn start_with_routes(routes: fn(&mut ServiceConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = config_in(&dir);
        TestApp::build(dir, config, |_| {}, routes).await
    }

    /// With another part in the HTTP side.
    pub async fn start_with_gateway(change: impl FnOnce(&mut Gateway)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = config_in(&dir);
        TestApp::build(dir, config, change, |_| {}).await
    }

    /// On a folder that may hold the data of an earlier server.
    pub async fn on(dir: TempDir, config: Config) -> Self {
        TestApp::build(dir, config, |_| {}, |_| {}).await
    }

    /// With a tiny store, and another clock than the one that stands still.
    pub async fn with_store_and_clock(clock: SharedClock) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = config_with_store(&dir, |_| {});
        TestApp::build_with(clock, dir, config, |_| {}, |_| {}).await
    }

    async fn build(
        dir: TempDir,
        config: Config,
        change: impl FnOnce(&mut Gateway),
        routes: fn(&mut ServiceConfig),
    ) -> Self {
        let clock = TestClock::at(monday());
        let app = TestApp::build_with(Arc::new(clock.clone()), dir, config, change, routes).await;
        TestApp { clock, ..app }
    }

    async fn build_with(
        clock: SharedClock,
        dir: TempDir,
        config: Config,
        change: impl FnOnce(&mut Gateway),
        routes: fn(&mut ServiceConfig),
    ) -> Self {
        storekeep::crypto::install_providers();
        let app = App::assemble(config, clock).await.unwrap();
        TestApp::around(dir, app, TestClock::at(monday()), change, routes).await
    }

    async fn around(
        dir: TempDir,
        app: App,
        clock: TestClock,
        change: impl FnOnce(&mut Gateway),
        routes: fn(&mut ServiceConfig),
    ) -> Self {
        let mut gateway = app.gateway(PUBLIC_URL).unwrap();
        change(&mut gateway);
        let application = app.application(&gateway, RefreshCookie::new(PUBLIC_URL)).configure(routes);
        let service = Rc::new(init_service(application).await);
        let call: Call = Rc::new(move |request| {
            let service = service.clone();
            Box::pin(async move {
                match service.call(request).await {
                    Ok(response) => response,
                    // What a connection does with an error that left no request.
                    Err(error) => {
                        ServiceResponse::new(TestRequest::default().to_http_request(), error.error_response())
                    }
                }
            })
        });
        TestApp { app, clock, dir, stopping: gateway.stopping, call }
    }

    /// Ends the server as a stop does; its folder stays.
    pub async fn stop(self) -> TempDir {
        drop(self.call);
        self.app.db.close().await.unwrap();
        self.dir
    }

    /// A call by its row; `args` fill the placeholders of the path.
    pub fn call<'a, Req, Res>(&'a self, endpoint: &Endpoint<Req, Res>, args: &[&str]) -> Ask<'a, Req, Res> {
        let request = TestRequest::with_uri(&endpoint.path_with(args)).method(method(&endpoint.row));
        Ask { app: self, request, types: PhantomData }
    }

    /// A request of any kind.
    pub fn raw(&self, method: &str, uri: &str) -> Ask<'_, serde_json::Value, serde_json::Value> {
        let request = TestRequest::with_uri(uri).method(method.parse().unwrap());
        Ask { app: self, request, types: PhantomData }
    }
}

fn method(row: &Row) -> actix_web::http::Method {
    row.method.as_str().parse().unwrap()
}

/// A request that is being put together.
#[must_use]
pub struct Ask<'a, Req, Res> {
    app: &'a TestApp,
    request: TestRequest,
    types: PhantomData<fn(Req) -> Res>,
}

impl<Req: Serialize, Res> Ask<'_, Req, Res> {
    /// As somebody who is signed in.
    pub fn by(self, someone: &Someone) -> Self {
        self.token(&someone.access_token)
    }

    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request = self.request.insert_header((name, value));
        self
    }

    pub fn query(mut self, path_and_query: &str) -> Self {
        self.request = self.request.uri(path_and_query);
        self
    }

    pub fn body(mut self, body: &Req) -> Self {
        self.request = self.request.set_json(body);
        self
    }

    /// A JSON body that need not be what the contract wants.
    pub fn json(mut self, body: serde_json::Value) -> Self {
        self.request = self.request.set_json(body);
        self
    }

    /// Any bytes, called JSON.
    pub fn bytes(mut self, body: impl Into<actix_web::web::Bytes>) -> Self {
        self.request =
            self.request.insert_header((header::CONTENT_TYPE, "application/json")).set_payload(body);
        self
    }

    pub fn from(mut self, peer: &str) -> Self {
        self.request = self.request.peer_addr(format!("{peer}:40000").parse().unwrap());
        self
    }

    pub async fn send(self) -> Answer<Res> {
        Answer::of((self.app.call)(self.request.to_request()).await).await
    }
}
