//! Backup Logs in the database, as they are read. What a running pass writes is in `runs`.

use crate::db::{self, Db};
use crate::entity::{copies, logs};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, ExprTrait, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use std::collections::HashSet;

/// A log as it is stored. `files`, `storages` and `warnings` are JSON lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    pub id: i64,
    pub backup_id: Option<i64>,
    pub backup_title: String,
    pub trigger: String,
    pub label: Option<String>,
    pub overall_status: String,
    pub queued: bool,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub duration_sec: Option<f64>,
    pub files: String,
    pub storages: String,
    pub warnings: String,
    pub error_message: Option<String>,
    pub copy_path: Option<String>,
    /// The local copy is in the catalogue.
    pub local_copy: bool,
    pub cancelling: bool,
    pub retry_at: Option<DateTime<Utc>>,
    pub retry_of: Option<i64>,
}

#[derive(Debug, Default)]
pub struct Filter {
    pub backup_id: Option<i64>,
    pub overall_status: Option<String>,
    pub trigger: Option<String>,
    pub q: Option<String>,
}

/// The columns a list is sorted by.
pub const SORTS: [&str; 6] =
    ["id", "started_at", "finished_at", "duration_sec", "backup_title", "overall_status"];

pub async fn find(db: &Db, id: i64) -> Result<Option<Log>, DbErr> {
    match logs::Entity::find_by_id(id).one(db).await? {
        Some(model) => Ok(complete(db, vec![model]).await?.pop()),
        None => Ok(None),
    }
}

/// One page and how many there are in all. Ties are broken by id.
pub async fn list(
    db: &Db,
    filter: &Filter,
    (sort, descending): (&str, bool),
    (offset, limit): (u64, u64),
) -> Result<(Vec<Log>, u64), DbErr> {
    let mut select = logs::Entity::find();
    if let Some(id) = filter.backup_id {
        select = select.filter(logs::Column::BackupId.eq(id));
    }
    if let Some(status) = &filter.overall_status {
        select = select.filter(logs::Column::OverallStatus.eq(status));
    }
    if let Some(trigger) = &filter.trigger {
        select = select.filter(logs::Column::Trigger.eq(trigger));
    }
    if let Some(q) = filter.q.as_deref().filter(|q| !q.trim().is_empty()) {
        select = select.filter(Expr::col(logs::Column::SearchKey).like(db::contains(q)));
    }
    let total = select.clone().count(db).await?;
    let order = if descending { Order::Desc } else { Order::Asc };
    let column = match sort {
        "started_at" => logs::Column::StartedAt,
        "finished_at" => logs::Column::FinishedAt,
        "duration_sec" => logs::Column::DurationSec,
        "backup_title" => logs::Column::BackupTitle,
        "overall_status" => logs::Column::OverallStatus,
        _ => logs::Column::Id,
    };
    // Databases disagree on where nulls go: here they come last, in both directions.
    let models = select
        .order_by(Expr::col(column).is_null(), Order::Asc)
        .order_by(column, order.clone())
        .order_by(logs::Column::Id, order)
        .offset(offset)
        .limit(limit)
        .all(db)
        .await?;
    Ok((complete(db, models).await?, total))
}

/// Where the archive directory holds the copy of a pass, `<folder_name>/<timestamp>`; `None` when it holds none (any more).
pub async fn local_copy(db: &Db, id: i64) -> Result<Option<String>, DbErr> {
    let copy = copies::Entity::find()
        .filter(copies::Column::LogId.eq(id))
        .filter(copies::Column::Destination.eq("local"))
        .one(db)
        .await?;
    Ok(copy.map(|c| c.copy_path))
}

async fn complete(db: &Db, models: Vec<logs::Model>) -> Result<Vec<Log>, DbErr> {
    let held: Vec<Option<i64>> = copies::Entity::find()
        .select_only()
        .column(copies::Column::LogId)
        .filter(copies::Column::LogId.is_in(models.iter().map(|m| m.id)))
        .filter(copies::Column::Destination.eq("local"))
        .into_tuple()
        .all(db)
        .await?;
    let held: HashSet<i64> = held.into_iter().flatten().collect();
    Ok(models.into_iter().map(|m| log(m, &held)).collect())
}

fn log(m: logs::Model, held: &HashSet<i64>) -> Log {
    Log {
        queued: m.active_key.is_some() && m.owner.is_none(),
        local_copy: held.contains(&m.id),
        cancelling: m.active_key.is_some() && m.cancel_requested_at.is_some(),
        retry_at: m.retry_at,
        retry_of: m.retry_of,
        id: m.id,
        backup_id: m.backup_id,
        backup_title: m.backup_title,
        trigger: m.trigger,
        label: m.label,
        overall_status: m.overall_status,
        started_at: m.started_at,
        finished_at: m.finished_at,
        duration_sec: m.duration_sec,
        files: m.files,
        storages: m.storages,
        warnings: m.warnings,
        error_message: m.error_message,
        copy_path: m.copy_path,
    }
}

/// Deletes the oldest logs of passes that began before `before`, at most `limit`, in one transaction; returns how many.
pub async fn delete_before(db: &Db, before: DateTime<Utc>, limit: u64) -> Result<u64, DbErr> {
    db::transaction(db, |tx| async move {
        let over = || {
            Condition::all()
                .add(logs::Column::StartedAt.lt(before))
                .add(logs::Column::ActiveKey.is_null())
                .add(logs::Column::RetryAt.is_null())
        };
        let ids: Vec<i64> = logs::Entity::find()
            .select_only()
            .column(logs::Column::Id)
            .filter(over())
            .order_by_asc(logs::Column::StartedAt)
            .order_by_asc(logs::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(&*tx)
            .await?;
        if ids.is_empty() {
            return Ok(0);
        }
        // Looked at again: one may have been taken up meanwhile.
        let gone =
            logs::Entity::delete_many().filter(logs::Column::Id.is_in(ids)).filter(over()).exec(&*tx).await?;
        Ok(gone.rows_affected)
    })
    .await
}
