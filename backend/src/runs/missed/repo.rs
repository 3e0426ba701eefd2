//! Which Sets are watched, and marking one as missed.

use crate::db::{Db, Tx};
use crate::entity::{backups, logs};
use crate::runs::slots::repo::{Scheduled, scheduled};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashSet;

/// A Set that may be missed.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    pub scheduled: Scheduled,
    pub last_good_at: Option<DateTime<Utc>>,
    pub watched_since: Option<DateTime<Utc>>,
    pub last_status: Option<String>,
}

/// Sets of a version that did not watch are watched from now on.
pub async fn begin_to_watch(db: &Db, now: DateTime<Utc>) -> Result<(), DbErr> {
    backups::Entity::update_many()
        .col_expr(backups::Column::WatchedSince, Expr::value(now))
        .filter(backups::Column::WatchedSince.is_null())
        .filter(backups::Column::LastGoodAt.is_null())
        .filter(backups::Column::Enabled.eq(true))
        .exec(db)
        .await
        .map(|_| ())
}

/// The Sets that are on, not told as missed yet, and not making a copy right now.
pub async fn watched(db: &Db) -> Result<Vec<Watched>, DbErr> {
    let busy: Vec<Option<i64>> = logs::Entity::find()
        .select_only()
        .column(logs::Column::ActiveKey)
        .filter(logs::Column::ActiveKey.is_not_null())
        .filter(logs::Column::Owner.is_not_null())
        .into_tuple()
        .all(db)
        .await?;
    let busy: HashSet<i64> = busy.into_iter().flatten().collect();
    let found = backups::Entity::find()
        .filter(backups::Column::Enabled.eq(true))
        .filter(backups::Column::MissedAt.is_null())
        .order_by_asc(backups::Column::Id)
        .all(db)
        .await?;
    let watched = |m: backups::Model| Watched {
        last_good_at: m.last_good_at,
        watched_since: m.watched_since,
        last_status: m.last_status.clone(),
        scheduled: scheduled(m),
    };
    Ok(found.into_iter().filter(|m| !busy.contains(&m.id)).map(watched).collect())
}

/// Marks a Set as missed. False when somebody else was faster, or the Set is not as it was read: it was switched off, or a good copy came in this
/// moment. Of any number of servers one succeeds.
pub async fn mark(tx: &Tx, set: &Watched, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let marked = backups::Entity::update_many()
        .col_expr(backups::Column::MissedAt, Expr::value(now))
        .filter(backups::Column::Id.eq(set.scheduled.id))
        .filter(backups::Column::Enabled.eq(true))
        .filter(backups::Column::MissedAt.is_null())
        .filter(same(backups::Column::LastGoodAt, set.last_good_at))
        .filter(same(backups::Column::WatchedSince, set.watched_since))
        .exec(&**tx)
        .await?;
    Ok(marked.rows_affected == 1)
}

fn same(column: backups::Column, value: Option<DateTime<Utc>>) -> Condition {
    Condition::all().add(match value {
        Some(value) => column.eq(value),
        None => column.is_null(),
    })
}
