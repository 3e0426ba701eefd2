//! The queue of passes: opening a log, taking it, holding it, closing it.
//!
//! Who runs a pass holds its row by `owner` and `attempt` until `lease_until`; every later change carries both, so that
//! somebody who lost the row meanwhile changes nothing.

use crate::db::{self, Db, Tx};
use crate::entity::{backups, logs};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set as To, ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, SqlErr,
};

pub const PENDING: &str = "pending";

/// A pass to be queued.
#[derive(Debug, Clone)]
pub struct New {
    pub backup_id: i64,
    pub trigger: String,
    pub label: Option<String>,
    pub idempotency_key: Option<String>,
    /// Who runs it at once; nobody leaves it in the queue.
    pub holder: Option<Holder>,
    /// The log that it repeats, and how often that was tried again with this.
    pub repeats: Option<(i64, i32)>,
    pub now: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct Holder {
    pub owner: String,
    pub lease_until: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    New(i64),
    /// The idempotency key has a log already.
    Known(i64),
    /// The Set's pass is queued or running: its log.
    Running(i64),
    /// There is no such Set.
    Missing,
}

/// A pass that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub log_id: i64,
    pub backup_id: i64,
    pub owner: String,
    pub attempt: i32,
    /// Names its copy.
    pub started_at: DateTime<Utc>,
    pub trigger: String,
    /// How often it was tried again.
    pub retries: i32,
    /// The pass goes on: its copy is there already.
    pub again: Option<Again>,
}

/// What is known of a pass that goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Again {
    pub copy_path: String,
    /// When it was taken up again.
    pub resumed_at: DateTime<Utc>,
    /// How long it took up to its end before.
    pub duration_sec: f64,
    /// JSON lists.
    pub files: String,
    pub storages: String,
    pub warnings: String,
}

/// The end of a pass. `files`, `storages` and `warnings` are JSON lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Final {
    pub overall_status: String,
    pub finished_at: DateTime<Utc>,
    pub duration_sec: f64,
    pub files: String,
    pub storages: String,
    pub warnings: String,
    pub error_message: Option<String>,
    pub copy_path: Option<String>,
    /// When it is tried again by itself.
    pub retry_at: Option<DateTime<Utc>>,
    /// A complete copy is somewhere where the Set wants it.
    pub good: bool,
}

/// How often a log is opened anew when another request won every time and was done again at once.
const ATTEMPTS: u32 = 5;

/// Queues a pass, unless one of the Set is there already. Safe against any number of requests at once.
pub async fn open(db: &Db, new: &New) -> Result<Opened, DbErr> {
    let mut attempt = 1;
    loop {
        match db::transaction(db, |tx| async move { open_in(&tx, new).await }).await {
            Err(e) if attempt < ATTEMPTS && is_unique(&e) => attempt += 1,
            other => return other,
        }
    }
}

fn is_unique(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// The same inside a transaction. The lock on the Set orders requests of one Set, and keeps it from being deleted.
pub async fn open_in(tx: &Tx, new: &New) -> Result<Opened, DbErr> {
    let set = backups::Entity::find_by_id(new.backup_id).lock_exclusive().one(&**tx).await?;
    let Some(set) = set else { return Ok(Opened::Missing) };
    if let Some(key) = &new.idempotency_key {
        let known = logs::Entity::find()
            .filter(logs::Column::BackupId.eq(new.backup_id))
            .filter(logs::Column::IdempotencyKey.eq(key))
            .one(&**tx)
            .await?;
        if let Some(log) = known {
            return Ok(Opened::Known(log.id));
        }
    }
    let active = logs::Entity::find().filter(logs::Column::ActiveKey.eq(new.backup_id)).one(&**tx).await?;
    if let Some(log) = active {
        return Ok(Opened::Running(log.id));
    }
    let text = format!("{}\n{}", set.title, new.label.as_deref().unwrap_or_default());
    let log = logs::ActiveModel {
        backup_id: To(Some(new.backup_id)),
        backup_title: To(set.title),
        trigger: To(new.trigger.clone()),
        label: To(new.label.clone()),
        search_key: To(text.to_lowercase()),
        overall_status: To(PENDING.into()),
        active_key: To(Some(new.backup_id)),
        idempotency_key: To(new.idempotency_key.clone()),
        owner: To(new.holder.as_ref().map(|h| h.owner.clone())),
        lease_until: To(new.holder.as_ref().map(|h| h.lease_until)),
        attempt: To(i32::from(new.holder.is_some())),
        started_at: To(new.now),
        queued_at: To(Some(new.now)),
        retry_of: To(new.repeats.map(|(log, _)| log)),
        retries: To(new.repeats.map_or(0, |(_, retries)| retries)),
        files: To("[]".into()),
        storages: To("[]".into()),
        warnings: To("[]".into()),
        ..Default::default()
    };
    let log = log.insert(&**tx).await?;
    if new.holder.is_some() {
        mark_started(tx, new.backup_id, new.now).await?;
    }
    // What was to be tried again is outdone.
    logs::Entity::update_many()
        .col_expr(logs::Column::RetryAt, Expr::value(None::<DateTime<Utc>>))
        .filter(logs::Column::BackupId.eq(new.backup_id))
        .filter(logs::Column::RetryAt.is_not_null())
        .exec(&**tx)
        .await?;
    Ok(Opened::New(log.id))
}

/// The log of an idempotency key, if that pass was asked for before.
pub async fn known(db: &Db, backup_id: i64, key: &str) -> Result<Option<i64>, DbErr> {
    let log = logs::Entity::find()
        .filter(logs::Column::BackupId.eq(backup_id))
        .filter(logs::Column::IdempotencyKey.eq(key))
        .one(db)
        .await?;
    Ok(log.map(|log| log.id))
}

/// How long a pass that goes on waits for a server that has its archives.
const RESERVED: TimeDelta = TimeDelta::minutes(10);

/// Takes the pass that waits longest; `None` when none does. One that goes on is left to a server that `has` its copy for a while.
pub async fn take(
    db: &Db,
    holder: &Holder,
    now: DateTime<Utc>,
    has: &(dyn Fn(&str) -> bool + Send + Sync),
) -> Result<Option<Held>, DbErr> {
    let waiting = logs::Entity::find()
        .filter(waits())
        .order_by_asc(logs::Column::QueuedAt)
        .order_by_asc(logs::Column::Id)
        .limit(50)
        .all(db)
        .await?;
    for log in waiting {
        let elsewhere = log.copy_path.as_deref().is_some_and(|path| !has(path));
        if elsewhere && log.queued_at.is_some_and(|since| now - since < RESERVED) {
            continue;
        }
        if let Some(held) = take_one(db, log, holder, now, true).await? {
            return Ok(Some(held));
        }
    }
    Ok(None)
}

/// Takes one pass that waits, to end it before it begins. `None` when it does not wait (any more).
pub async fn take_queued(
    db: &Db,
    log_id: i64,
    holder: &Holder,
    now: DateTime<Utc>,
) -> Result<Option<Held>, DbErr> {
    match logs::Entity::find_by_id(log_id).filter(waits()).one(db).await? {
        Some(log) => take_one(db, log, holder, now, false).await,
        None => Ok(None),
    }
}

async fn take_one(
    db: &Db,
    log: logs::Model,
    holder: &Holder,
    now: DateTime<Utc>,
    begins: bool,
) -> Result<Option<Held>, DbErr> {
    let Some(backup_id) = log.active_key else { return Ok(None) };
    let (id, attempt, fresh) = (log.id, log.attempt, log.copy_path.is_none());
    let started_at = if fresh { now } else { log.started_at };
    let taken = db::transaction(db, |tx| async move {
        let changed = logs::Entity::update_many()
            .col_expr(logs::Column::Owner, Expr::value(holder.owner.clone()))
            .col_expr(logs::Column::LeaseUntil, Expr::value(holder.lease_until))
            .col_expr(logs::Column::Attempt, Expr::value(attempt + 1))
            .col_expr(logs::Column::StartedAt, Expr::value(started_at))
            .filter(logs::Column::Id.eq(id))
            .filter(logs::Column::Attempt.eq(attempt))
            .filter(waits())
            .exec(&*tx)
            .await?;
        if changed.rows_affected == 1 && fresh && begins {
            mark_started(&tx, backup_id, now).await?;
        }
        Ok(changed.rows_affected == 1)
    })
    .await?;
    let log = logs::Model {
        owner: Some(holder.owner.clone()),
        attempt: attempt + 1,
        started_at,
        queued_at: Some(now),
        ..log
    };
    Ok(if taken { held(log) } else { None })
}

fn held(log: logs::Model) -> Option<Held> {
    Some(Held {
        log_id: log.id,
        backup_id: log.active_key?,
        owner: log.owner?,
        attempt: log.attempt,
        started_at: log.started_at,
        trigger: log.trigger,
        retries: log.retries,
        again: log.copy_path.map(|copy_path| Again {
            copy_path,
            resumed_at: log.queued_at.unwrap_or(log.started_at),
            duration_sec: log.duration_sec.unwrap_or_default(),
            files: log.files,
            storages: log.storages,
            warnings: log.warnings,
        }),
    })
}

fn waits() -> Condition {
    Condition::all().add(logs::Column::ActiveKey.is_not_null()).add(logs::Column::Owner.is_null())
}

async fn mark_started(tx: &Tx, backup_id: i64, now: DateTime<Utc>) -> Result<(), DbErr> {
    backups::Entity::update_many()
        .col_expr(backups::Column::LastTime, Expr::value(now))
        .filter(backups::Column::Id.eq(backup_id))
        .exec(&**tx)
        .await
        .map(|_| ())
}

fn held_by(held: &Held) -> Condition {
    Condition::all()
        .add(logs::Column::Id.eq(held.log_id))
        .add(logs::Column::Owner.eq(&held.owner))
        .add(logs::Column::Attempt.eq(held.attempt))
        .add(logs::Column::ActiveKey.is_not_null())
}

/// Holds the pass for longer. False when it is not held (any more): it must stop.
pub async fn renew(db: &Db, held: &Held, lease_until: DateTime<Utc>) -> Result<bool, DbErr> {
    let changed = logs::Entity::update_many()
        .col_expr(logs::Column::LeaseUntil, Expr::value(lease_until))
        .filter(held_by(held))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// How it stands with a pass that somebody runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Held,
    /// Held, and somebody wants it to end.
    Unwanted(String),
    /// Somebody else has it, or has ended it.
    Lost,
}

pub async fn look(db: &Db, held: &Held) -> Result<State, DbErr> {
    let found: Option<(Option<DateTime<Utc>>, Option<String>)> = logs::Entity::find()
        .select_only()
        .column(logs::Column::CancelRequestedAt)
        .column(logs::Column::CancelledBy)
        .filter(held_by(held))
        .into_tuple()
        .one(db)
        .await?;
    Ok(match found {
        None => State::Lost,
        Some((Some(_), who)) => State::Unwanted(who.unwrap_or_default()),
        Some((None, _)) => State::Held,
    })
}

/// Writes the end of the pass. False, and nothing is written, when it is not held any more.
pub async fn close(tx: &Tx, held: &Held, end: &Final) -> Result<bool, DbErr> {
    let changed = logs::Entity::update_many()
        .col_expr(logs::Column::OverallStatus, Expr::value(end.overall_status.clone()))
        .col_expr(logs::Column::ActiveKey, Expr::value(None::<i64>))
        .col_expr(logs::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>))
        .col_expr(logs::Column::FinishedAt, Expr::value(end.finished_at))
        .col_expr(logs::Column::DurationSec, Expr::value(end.duration_sec))
        .col_expr(logs::Column::Files, Expr::value(end.files.clone()))
        .col_expr(logs::Column::Storages, Expr::value(end.storages.clone()))
        .col_expr(logs::Column::Warnings, Expr::value(end.warnings.clone()))
        .col_expr(logs::Column::ErrorMessage, Expr::value(end.error_message.clone()))
        .col_expr(logs::Column::CopyPath, Expr::value(end.copy_path.clone()))
        .col_expr(logs::Column::RetryAt, Expr::value(end.retry_at))
        .filter(held_by(held))
        .exec(&**tx)
        .await?;
    if changed.rows_affected == 0 {
        return Ok(false);
    }
    // A log that went on may be an old one: it says nothing of the Set as it is now.
    if !is_outdone(tx, held).await? {
        backups::Entity::update_many()
            .col_expr(backups::Column::LastStatus, Expr::value(end.overall_status.clone()))
            .filter(backups::Column::Id.eq(held.backup_id))
            .exec(&**tx)
            .await?;
    }
    if end.good {
        let newer = Condition::any()
            .add(backups::Column::LastGoodAt.is_null())
            .add(backups::Column::LastGoodAt.lt(held.started_at));
        backups::Entity::update_many()
            .col_expr(backups::Column::LastGoodAt, Expr::value(held.started_at))
            .col_expr(backups::Column::MissedAt, Expr::value(None::<DateTime<Utc>>))
            .filter(backups::Column::Id.eq(held.backup_id))
            .filter(newer)
            .exec(&**tx)
            .await?;
    }
    Ok(true)
}

/// Whether a pass of the Set that began later has ended.
pub async fn is_outdone(tx: &Tx, held: &Held) -> Result<bool, DbErr> {
    let later = logs::Entity::find()
        .filter(logs::Column::BackupId.eq(held.backup_id))
        .filter(logs::Column::StartedAt.gt(held.started_at))
        .filter(logs::Column::FinishedAt.is_not_null())
        .one(&**tx)
        .await?;
    Ok(later.is_some())
}

/// Whether anybody runs a pass now, here or elsewhere.
pub async fn is_busy(db: &Db, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let held = logs::Entity::find()
        .filter(logs::Column::ActiveKey.is_not_null())
        .filter(logs::Column::Owner.is_not_null())
        .filter(logs::Column::LeaseUntil.gte(now));
    Ok(held.one(db).await?.is_some())
}

/// Passes that nobody runs any more: those whose lease is over, and those that owners who are `gone` left behind.
pub async fn abandoned(db: &Db, gone: &[String], now: DateTime<Utc>) -> Result<Vec<Held>, DbErr> {
    let mut dead = Condition::any().add(logs::Column::LeaseUntil.lt(now));
    if !gone.is_empty() {
        dead = dead.add(logs::Column::Owner.is_in(gone));
    }
    let found = logs::Entity::find()
        .filter(logs::Column::ActiveKey.is_not_null())
        .filter(logs::Column::Owner.is_not_null())
        .filter(dead)
        .order_by_asc(logs::Column::Id)
        .all(db)
        .await?;
    Ok(found.into_iter().filter_map(held).collect())
}
