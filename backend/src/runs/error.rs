//! Why a pass was not started.

use crate::{backups, db, logs, settings};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Backup Set {0} does not exist")]
    Missing(i64),
    #[error("there is no Backup Set with the id, title or folder name '{0}'")]
    Unknown(String),
    #[error("the Backup Set is queued or running already; its log is {log_id}")]
    AlreadyRunning { log_id: i64 },
    #[error("the pass of log {log_id} has ended")]
    NotRunning { log_id: i64 },
    #[error("nothing of the pass of log {log_id} can be tried again")]
    NothingToRetry { log_id: i64 },
    #[error("backups are switched off: the switch Enabled of the configuration is off")]
    SwitchedOff,
    #[error("no Magento root is configured: set STOREKEEP_MAGENTO_ROOT and start the server again")]
    NoSource,
    #[error("the idempotency key has to be 1 to 191 visible ASCII characters")]
    IdempotencyKey,
    #[error(transparent)]
    Backup(#[from] backups::Error),
    #[error(transparent)]
    Log(#[from] logs::Error),
    #[error(transparent)]
    Settings(#[from] settings::Error),
    #[error("the pass broke off: {0}")]
    BrokenOff(#[from] std::io::Error),
    #[error("the metadata database failed: {0}")]
    Database(#[from] db::Error),
}
