//! Chores in the database: whoever moves one on does it.

use crate::db::Db;
use crate::entity::{chores, copies, logs};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set as To, ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter,
    QuerySelect, SqlErr,
};

/// Moves the chore on to `next`; true for the one server that has to do it now. One that nobody knows yet is due at `next`.
pub async fn claim(db: &Db, name: &str, next: DateTime<Utc>, now: DateTime<Utc>) -> Result<bool, DbErr> {
    // Asked every second: nothing is written until it is time.
    let known = chores::Entity::find().filter(chores::Column::Name.eq(name)).one(db).await?;
    match known {
        Some(chore) if chore.next_at <= now => {
            let moved = chores::Entity::update_many()
                .col_expr(chores::Column::NextAt, Expr::value(next))
                .filter(chores::Column::Name.eq(name))
                .filter(chores::Column::NextAt.lte(now))
                .exec(db)
                .await?;
            return Ok(moved.rows_affected == 1);
        }
        // Another time zone, or a clock that was set back: nobody waits for longer than a day.
        Some(chore) if chore.next_at > next => {
            chores::Entity::update_many()
                .col_expr(chores::Column::NextAt, Expr::value(next))
                .filter(chores::Column::Name.eq(name))
                .filter(chores::Column::NextAt.gt(next))
                .exec(db)
                .await?;
        }
        Some(_) => {}
        None => {
            let row =
                chores::ActiveModel { name: To(name.to_owned()), next_at: To(next), ..Default::default() };
            match row.insert(db).await {
                Err(error) if !matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                    return Err(error);
                }
                _ => {}
            }
        }
    }
    Ok(false)
}

/// A copy that the catalogue has.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    pub id: i64,
    pub copy_path: String,
    pub complete: bool,
    pub staging: bool,
}

/// What the catalogue has of a folder at a destination, made before `before`.
pub async fn known(
    db: &Db,
    destination: &str,
    root: &str,
    folder: &str,
    before: DateTime<Utc>,
) -> Result<Vec<Known>, DbErr> {
    let found = copies::Entity::find()
        .filter(copies::Column::Destination.eq(destination))
        .filter(copies::Column::Root.eq(root))
        .filter(copies::Column::CreatedAt.lt(before))
        .all(db)
        .await?;
    let below = |path: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let known = |m: copies::Model| Known {
        id: m.id,
        copy_path: m.copy_path,
        complete: m.complete,
        staging: m.staging,
    };
    Ok(found.into_iter().filter(|m| below(&m.copy_path)).map(known).collect())
}

pub async fn forget(db: &Db, ids: &[i64]) -> Result<(), DbErr> {
    copies::Entity::delete_many()
        .filter(copies::Column::Id.is_in(ids.iter().copied()))
        .exec(db)
        .await
        .map(|_| ())
}

pub async fn set_complete(db: &Db, id: i64, complete: bool) -> Result<(), DbErr> {
    copies::Entity::update_many()
        .col_expr(copies::Column::Complete, Expr::value(complete))
        .filter(copies::Column::Id.eq(id))
        .exec(db)
        .await
        .map(|_| ())
}

/// The log of the pass that made a copy, while it is there.
pub async fn log_of(db: &Db, backup_id: i64, copy_path: &str) -> Result<Option<i64>, DbErr> {
    let found = logs::Entity::find()
        .select_only()
        .column(logs::Column::Id)
        .filter(logs::Column::BackupId.eq(backup_id))
        .filter(logs::Column::CopyPath.eq(copy_path))
        .into_tuple()
        .one(db)
        .await?;
    Ok(found)
}

/// Whether a pass of the Set is queued or running, or has ended since then.
pub async fn is_moving(db: &Db, backup_id: i64, since: DateTime<Utc>) -> Result<bool, DbErr> {
    let moving =
        Condition::any().add(logs::Column::ActiveKey.is_not_null()).add(logs::Column::FinishedAt.gte(since));
    let found =
        logs::Entity::find().filter(logs::Column::BackupId.eq(backup_id)).filter(moving).one(db).await?;
    Ok(found.is_some())
}
