//! In the database: asking for the end of a pass, opening its log again.

use super::history::{Attempt, with_attempt};
use crate::db::{self, Db, Tx};
use crate::entity::{backups, copies, logs};
use crate::runs::repo::{self as queue, New, Opened, PENDING};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr,
};

/// What became of the wish that a pass ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Yes,
    /// It has ended already.
    Ended,
    Missing,
}

/// What became of opening a log again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reopened {
    Done,
    /// Another pass of the Set is queued or running: its log.
    Running(i64),
    /// It is not there, not failed, without its archives or without its Set.
    Not,
}

/// What became of a retry that was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retried {
    /// The log goes on.
    Rows,
    /// The pass was begun anew: its log.
    Whole(i64),
    /// Somebody else did it, or it is not wanted any more.
    Outdone,
}

/// Notes who wants the pass to end. The first who asks is remembered.
pub async fn ask_for_end(db: &Db, log_id: i64, who: &str, now: DateTime<Utc>) -> Result<Asked, DbErr> {
    let who: String = who.chars().take(120).collect();
    let asked = logs::Entity::update_many()
        .col_expr(logs::Column::CancelRequestedAt, Expr::value(now))
        .col_expr(logs::Column::CancelledBy, Expr::value(who))
        .filter(logs::Column::Id.eq(log_id))
        .filter(logs::Column::ActiveKey.is_not_null())
        .filter(logs::Column::CancelRequestedAt.is_null())
        .exec(db)
        .await?;
    if asked.rows_affected > 0 {
        return Ok(Asked::Yes);
    }
    Ok(match logs::Entity::find_by_id(log_id).one(db).await? {
        None => Asked::Missing,
        Some(log) if log.active_key.is_some() => Asked::Yes,
        Some(_) => Asked::Ended,
    })
}

/// Who wants the pass to end, if anybody does.
pub async fn asked_for_end(db: &Db, log_id: i64) -> Result<Option<String>, DbErr> {
    let asked: Option<(Option<String>,)> = logs::Entity::find_by_id(log_id)
        .select_only()
        .column(logs::Column::CancelledBy)
        .filter(logs::Column::CancelRequestedAt.is_not_null())
        .into_tuple()
        .one(db)
        .await?;
    Ok(asked.map(|(who,)| who.unwrap_or_default()))
}

/// The logs that are to be tried again by now, the earliest first.
pub async fn due(db: &Db, now: DateTime<Utc>) -> Result<Vec<i64>, DbErr> {
    logs::Entity::find()
        .select_only()
        .column(logs::Column::Id)
        .filter(logs::Column::RetryAt.lte(now))
        .order_by_asc(logs::Column::RetryAt)
        .into_tuple()
        .all(db)
        .await
}

/// Queues a log again whose archives are kept; `counted` when it is one of the retries that its Set wants.
pub async fn reopen(db: &Db, log_id: i64, counted: bool, now: DateTime<Utc>) -> Result<Reopened, DbErr> {
    let reopened = db::transaction(db, |tx| async move {
        let Some(log) = logs::Entity::find_by_id(log_id).one(&*tx).await? else { return Ok(Reopened::Not) };
        reopen_in(&tx, log, counted, now).await
    })
    .await;
    match reopened {
        // A pass that was opened in this moment, where a transaction sees what was there when it began.
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            let log = logs::Entity::find_by_id(log_id).one(db).await?;
            let set = log.and_then(|log| log.backup_id);
            let active = logs::Entity::find().filter(logs::Column::ActiveKey.eq(set)).one(db).await?;
            active.map_or(Err(error), |active| Ok(Reopened::Running(active.id)))
        }
        other => other,
    }
}

async fn reopen_in(tx: &Tx, log: logs::Model, counted: bool, now: DateTime<Utc>) -> Result<Reopened, DbErr> {
    let Some(backup_id) = log.backup_id else { return Ok(Reopened::Not) };
    // The lock orders everybody who starts something of this Set.
    if backups::Entity::find_by_id(backup_id).lock_exclusive().one(&**tx).await?.is_none() {
        return Ok(Reopened::Not);
    }
    let active = logs::Entity::find().filter(logs::Column::ActiveKey.eq(backup_id)).one(&**tx).await?;
    if let Some(active) = active {
        return Ok(Reopened::Running(active.id));
    }
    if log.copy_path.is_none() || !is_kept(tx, log.id).await? {
        return Ok(Reopened::Not);
    }
    let warnings = with_attempt(&Attempt {
        number: log.attempt,
        ended_at: log.finished_at,
        error_message: log.error_message.as_deref(),
        storages: &log.storages,
        warnings: &log.warnings,
    })?;
    let opened = logs::Entity::update_many()
        .col_expr(logs::Column::OverallStatus, Expr::value(PENDING))
        .col_expr(logs::Column::ActiveKey, Expr::value(backup_id))
        .col_expr(logs::Column::Owner, Expr::value(None::<String>))
        .col_expr(logs::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>))
        .col_expr(logs::Column::FinishedAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(logs::Column::CancelRequestedAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(logs::Column::CancelledBy, Expr::value(None::<String>))
        .col_expr(logs::Column::ErrorMessage, Expr::value(None::<String>))
        .col_expr(logs::Column::RetryAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(logs::Column::QueuedAt, Expr::value(now))
        .col_expr(logs::Column::Warnings, Expr::value(warnings))
        .col_expr(logs::Column::Retries, Expr::col(logs::Column::Retries).add(i32::from(counted)))
        .filter(logs::Column::Id.eq(log.id))
        .filter(logs::Column::OverallStatus.eq("failed"))
        .filter(logs::Column::ActiveKey.is_null())
        .exec(&**tx)
        .await?;
    Ok(if opened.rows_affected == 1 { Reopened::Done } else { Reopened::Not })
}

/// The local copy of the pass is in the catalogue.
async fn is_kept(tx: &Tx, log_id: i64) -> Result<bool, DbErr> {
    let copy = copies::Entity::find()
        .filter(copies::Column::LogId.eq(log_id))
        .filter(copies::Column::Destination.eq("local"))
        .one(&**tx)
        .await?;
    Ok(copy.is_some())
}

async fn put_off(tx: &Tx, log_id: i64, until: DateTime<Utc>) -> Result<(), DbErr> {
    logs::Entity::update_many()
        .col_expr(logs::Column::RetryAt, Expr::value(until))
        .filter(logs::Column::Id.eq(log_id))
        .exec(&**tx)
        .await
        .map(|_| ())
}

/// Does what a due retry asks for, once, whoever else looks.
pub async fn retry(db: &Db, log_id: i64, now: DateTime<Utc>) -> Result<Retried, DbErr> {
    db::transaction(db, |tx| async move {
        let taken = logs::Entity::update_many()
            .col_expr(logs::Column::RetryAt, Expr::value(None::<DateTime<Utc>>))
            .filter(Condition::all().add(logs::Column::Id.eq(log_id)).add(logs::Column::RetryAt.lte(now)))
            .exec(&*tx)
            .await?;
        if taken.rows_affected == 0 {
            return Ok(Retried::Outdone);
        }
        let Some(log) = logs::Entity::find_by_id(log_id).one(&*tx).await? else {
            return Ok(Retried::Outdone);
        };
        let Some(backup_id) = log.backup_id else { return Ok(Retried::Outdone) };
        match backups::Entity::find_by_id(backup_id).one(&*tx).await? {
            Some(set) if set.enabled => {}
            _ => return Ok(Retried::Outdone),
        }
        let (first, retries, label, trigger) =
            (log.retry_of.unwrap_or(log.id), log.retries + 1, log.label.clone(), log.trigger.clone());
        match reopen_in(&tx, log, true, now).await? {
            Reopened::Done => return Ok(Retried::Rows),
            Reopened::Running(_) => {
                // Somebody tries an older log again: not forgotten, only later.
                put_off(&tx, log_id, now + TimeDelta::minutes(1)).await?;
                return Ok(Retried::Outdone);
            }
            Reopened::Not => {}
        }
        let repeats = Some((first, retries));
        let new = New { backup_id, trigger, label, idempotency_key: None, holder: None, repeats, now };
        Ok(match queue::open_in(&tx, &new).await? {
            Opened::New(id) => Retried::Whole(id),
            _ => Retried::Outdone,
        })
    })
    .await
}
