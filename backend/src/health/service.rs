use crate::db::{self, Db};
use contract::Health;

#[derive(Clone)]
pub struct HealthService {
    db: Db,
}

impl HealthService {
    pub fn new(db: Db) -> Self {
        HealthService { db }
    }

    /// The process answers.
    pub fn alive() -> Health {
        Health { status: "ok".into(), version: env!("CARGO_PKG_VERSION").into() }
    }

    /// The process can work: its metadata database answers.
    pub async fn ready(&self) -> bool {
        db::is_up(&self.db).await
    }
}
