//! Passes that are started by a command on the server.

use super::error::Error;
use super::executor::spawn;
use super::repo::{self, Held};
use super::service::{Admitted, Request, RunsService, opened};
use contract::{BackupLog, Trigger};
use std::time::Duration;

const ONE_WAIT: Duration = Duration::from_secs(300);

/// Who runs a pass that was started on the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// This process, to the end.
    Here,
    /// The server that runs on the same data directory; wait for the end or not.
    Server { wait: bool },
}

impl RunsService {
    /// Starts a pass of the Set that `name` means (an id, a title or a folder name).
    pub async fn run_from_shell(
        &self,
        name: &str,
        label: Option<String>,
        place: Where,
    ) -> Result<BackupLog, Error> {
        let rooms = &self.inner.rooms;
        let backup_id = rooms.backups.resolve(name).await?.ok_or_else(|| Error::Unknown(name.into()))?;
        let request = Request { backup_id, trigger: Trigger::Cli, label, idempotency_key: None };
        match place {
            Where::Here => {
                // What nobody runs any more would keep the Set from running.
                self.recover().await?;
                self.run_here(request).await
            }
            Where::Server { wait } => {
                let id = self.queue_for_server(request).await?;
                loop {
                    let log = rooms.logs.wait(id, if wait { ONE_WAIT } else { Duration::ZERO }).await?;
                    if !wait || log.finished_at.is_some() {
                        return Ok(log);
                    }
                }
            }
        }
    }

    async fn run_here(&self, request: Request) -> Result<BackupLog, Error> {
        let rooms = &self.inner.rooms;
        let holder = self.inner.holder(rooms.clock.now());
        let (new, holder) = match self.inner.admit(request, Some(holder.clone()), true).await? {
            Admitted::New(new) => (new, holder),
            Admitted::Known(id) => return Ok(rooms.logs.get(id).await?),
        };
        let log_id = opened(&new, repo::open(&rooms.db, &new).await?)?;
        let held = Held {
            log_id,
            backup_id: new.backup_id,
            owner: holder.owner,
            attempt: 1,
            started_at: new.now,
            trigger: new.trigger,
            retries: 0,
            again: None,
        };
        if let Err(error) = spawn(&self.inner, held).await {
            tracing::error!(backup_log.id = log_id, %error, "a pass ended unexpectedly");
        }
        Ok(rooms.logs.get(log_id).await?)
    }
}
