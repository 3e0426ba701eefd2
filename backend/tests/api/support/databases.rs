//! The private database servers of the unit tests, for a server under test whose metadata they keep.

#[path = "../../../src/testing/mariadb.rs"]
mod mariadb;
#[path = "../../../src/testing/postgres.rs"]
mod postgres;
#[path = "../../../src/testing/scope.rs"]
mod scope;

use super::TestApp;
use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use std::sync::atomic::{AtomicU32, Ordering};
use storekeep::config::Secret;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metadata {
    Postgres,
    MariaDb,
}

impl Metadata {
    /// The URL of a new, empty database. Its server ends with this program.
    pub async fn url(self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let (server, maintenance) = match self {
            Metadata::Postgres => (tokio::task::spawn_blocking(postgres::start), "postgres"),
            Metadata::MariaDb => (tokio::task::spawn_blocking(mariadb::start), "mysql"),
        };
        let server = server.await.unwrap();
        let name = format!("api{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut options = ConnectOptions::new(server.replace("{}", maintenance));
        options.max_connections(1).sqlx_logging(false);
        let admin = Database::connect(options).await.unwrap();
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        admin.close().await.unwrap();
        server.replace("{}", &name)
    }
}

impl TestApp {
    /// A server with a tiny store, and its metadata in another database than the embedded one.
    pub async fn with_metadata_in(metadata: Metadata) -> Self {
        let url = metadata.url().await;
        TestApp::with_store_and(|config| config.data.database_url = Some(Secret::new(url))).await
    }
}
