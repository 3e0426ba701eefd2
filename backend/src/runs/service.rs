//! Starting passes.

use super::error::Error;
use super::instance::Instance;
use super::job::Place;
use super::missed;
use super::pass::Running;
use super::repo::{self, Holder, New, Opened};
use super::slots;
use crate::alerts::AlertsService;
use crate::backups::BackupsService;
use crate::clock::SharedClock;
use crate::db::Db;
use crate::logs::{Hub, LogsService};
use crate::metrics::Passes;
use crate::redact::Redactor;
use crate::settings::SettingsService;
use crate::storages::StoragesService;
use crate::wire;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use contract::{BackupLog, Trigger};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a pass is held without a sign of life. Clocks of servers on one database have to agree within it.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(60);

/// Everything that passes need of the house.
pub struct Rooms {
    pub db: Db,
    pub clock: SharedClock,
    pub hub: Hub,
    pub settings: SettingsService,
    pub backups: BackupsService,
    pub storages: StoragesService,
    pub logs: LogsService,
    pub alerts: AlertsService,
    pub metrics: Passes,
    pub redactor: Redactor,
    pub place: Place,
    pub instance: Instance,
}

/// Starts passes and runs them. Cheap to clone.
#[derive(Clone)]
pub struct RunsService {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub rooms: Rooms,
    /// The passes that run in this process, by log.
    pub running: Mutex<HashMap<i64, Running>>,
    pub tasks: TaskTracker,
    /// There may be something to take from the queue.
    pub wake: Notify,
    /// The server stops: what can be done another day ends.
    pub stopping: CancellationToken,
    pub missed: missed::LastLook,
}

/// Who asks for a pass of which Set.
#[derive(Debug, Clone)]
pub struct Request {
    pub backup_id: i64,
    pub trigger: Trigger,
    pub label: Option<String>,
    /// The same key for the same Set means the same pass.
    pub idempotency_key: Option<String>,
}

impl RunsService {
    pub fn new(rooms: Rooms) -> Self {
        let (running, tasks, wake) = (Mutex::default(), TaskTracker::new(), Notify::new());
        let (stopping, missed) = (CancellationToken::new(), missed::LastLook::default());
        RunsService { inner: Arc::new(Inner { rooms, running, tasks, wake, stopping, missed }) }
    }

    /// Queues a pass and answers with its log: once it has ended, or as it is after `wait`.
    pub async fn start(&self, request: Request, wait: Duration) -> Result<BackupLog, Error> {
        let id = self.queue(request).await?;
        Ok(self.inner.rooms.logs.wait(id, wait).await?)
    }

    /// The log of a pass once it has ended, or as it is after `wait`.
    pub async fn wait(&self, log_id: i64, wait: Duration) -> Result<BackupLog, Error> {
        Ok(self.inner.rooms.logs.wait(log_id, wait).await?)
    }

    async fn queue(&self, request: Request) -> Result<i64, Error> {
        let new = self.inner.admit(request, None, true).await?;
        self.queue_admitted(new).await
    }

    /// Queues a pass that another process runs: whether there is a store, that one knows.
    pub(super) async fn queue_for_server(&self, request: Request) -> Result<i64, Error> {
        let new = self.inner.admit(request, None, false).await?;
        self.queue_admitted(new).await
    }

    async fn queue_admitted(&self, admitted: Admitted) -> Result<i64, Error> {
        let new = match admitted {
            Admitted::Known(log_id) => return Ok(log_id),
            Admitted::New(new) => new,
        };
        let id = opened(&new, repo::open(&self.inner.rooms.db, &new).await?)?;
        self.inner.wake.notify_one();
        Ok(id)
    }

    /// Queues the passes of all Sets whose slot has come.
    pub async fn start_due(&self, zone: Tz, now: DateTime<Utc>) -> Result<Vec<i64>, Error> {
        let logs = slots::start_due(&self.inner.rooms.db, zone, now).await?;
        if !logs.is_empty() {
            self.inner.wake.notify_one();
        }
        Ok(logs)
    }

    /// Finds the next slots anew after the time zone was changed.
    pub async fn follow_zone(&self, zone: Tz, now: DateTime<Utc>) -> Result<(), Error> {
        slots::follow_zone(&self.inner.rooms.db, zone, now).await
    }
}

/// A request that may become a pass, or is one already.
pub(super) enum Admitted {
    New(New),
    Known(i64),
}

impl Inner {
    /// Refuses what cannot run at all; without a store only when this process `needs_source`. A request that was made before
    /// is answered as before, whatever has changed since.
    pub async fn admit(
        &self,
        request: Request,
        holder: Option<Holder>,
        needs_source: bool,
    ) -> Result<Admitted, Error> {
        if let Some(key) = &request.idempotency_key {
            if key.is_empty() || key.len() > 191 || !key.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(Error::IdempotencyKey);
            }
            if let Some(log_id) = repo::known(&self.rooms.db, request.backup_id, key).await? {
                return Ok(Admitted::Known(log_id));
            }
        }
        let set = match self.rooms.backups.get(request.backup_id).await {
            Err(crate::backups::Error::Missing(id)) => return Err(Error::Missing(id)),
            other => other?,
        };
        if !self.rooms.settings.current().await?.enabled {
            return Err(Error::SwitchedOff);
        }
        if needs_source && self.rooms.place.source.is_none() {
            return Err(Error::NoSource);
        }
        let label = request.label.map(|l| l.trim().to_owned()).filter(|l| !l.is_empty());
        Ok(Admitted::New(New {
            backup_id: set.id,
            trigger: wire::name(request.trigger),
            label,
            idempotency_key: request.idempotency_key,
            holder,
            repeats: None,
            now: self.rooms.clock.now(),
        }))
    }

    pub fn holder(&self, now: DateTime<Utc>) -> Holder {
        Holder { owner: self.rooms.instance.owner().to_owned(), lease_until: now + LEASE }
    }

    pub fn running(&self) -> MutexGuard<'_, HashMap<i64, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn opened(new: &New, opened: Opened) -> Result<i64, Error> {
    match opened {
        Opened::New(id) | Opened::Known(id) => Ok(id),
        Opened::Running(log_id) => Err(Error::AlreadyRunning { log_id }),
        Opened::Missing => Err(Error::Missing(new.backup_id)),
    }
}
