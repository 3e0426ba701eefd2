//! The inbox in the database.

use crate::db::{Db, Tx};
use crate::entity::notifications::{ActiveModel, Column, Entity, Model};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set as To, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, Order,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr,
};

#[derive(Debug, Clone)]
pub struct Post {
    pub severity: String,
    pub title: String,
    pub message: String,
    pub dedupe_key: String,
    pub now: DateTime<Utc>,
}

pub type Row = Model;

/// The columns a list is sorted by.
pub const SORTS: [&str; 3] = ["id", "severity", "created_at"];

/// False when one with this key is open. Of any number who post at once, one succeeds.
pub async fn post(db: &Db, post: &Post) -> Result<bool, DbErr> {
    match row(post).insert(db).await {
        Ok(_) => Ok(true),
        Err(error) => match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Ok(false),
            _ => Err(error),
        },
    }
}

fn row(post: &Post) -> ActiveModel {
    ActiveModel {
        severity: To(post.severity.clone()),
        title: To(post.title.clone()),
        message: To(post.message.clone()),
        dedupe_key: To(Some(post.dedupe_key.clone())),
        created_at: To(post.now),
        dismissed_at: To(None),
        ..Default::default()
    }
}

/// Posts it, or makes the open one with its key say this. Two that do so at once must be ordered by a row that both change before.
pub async fn replace(tx: &Tx, post: &Post) -> Result<(), DbErr> {
    let replaced = Entity::update_many()
        .col_expr(Column::Severity, Expr::value(post.severity.clone()))
        .col_expr(Column::Title, Expr::value(post.title.clone()))
        .col_expr(Column::Message, Expr::value(post.message.clone()))
        .col_expr(Column::CreatedAt, Expr::value(post.now))
        .filter(Column::DedupeKey.eq(&post.dedupe_key))
        .exec(&**tx)
        .await?;
    if replaced.rows_affected == 0 {
        row(post).insert(&**tx).await?;
    }
    Ok(())
}

/// The key is free again afterwards.
pub async fn settle(db: &Db, key: &str, now: DateTime<Utc>) -> Result<(), DbErr> {
    settle_on(db, key, now).await
}

pub async fn settle_in(tx: &Tx, key: &str, now: DateTime<Utc>) -> Result<(), DbErr> {
    settle_on(&**tx, key, now).await
}

async fn settle_on(db: &impl ConnectionTrait, key: &str, now: DateTime<Utc>) -> Result<(), DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::DismissedAt, Expr::value(now))
        .col_expr(Column::DedupeKey, Expr::value(None::<String>))
        .filter(Column::DedupeKey.eq(key));
    done.exec(db).await.map(|_| ())
}

/// False when there is none with this id.
pub async fn dismiss(db: &Db, id: i64, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::DismissedAt, Expr::value(now))
        .col_expr(Column::DedupeKey, Expr::value(None::<String>))
        .filter(Column::Id.eq(id))
        .filter(Column::DismissedAt.is_null());
    if done.exec(db).await?.rows_affected > 0 {
        return Ok(true);
    }
    Ok(Entity::find_by_id(id).one(db).await?.is_some())
}

/// One page and how many there are in all. Ties are broken by id.
pub async fn list(
    db: &Db,
    open: Option<bool>,
    (sort, descending): (&str, bool),
    (offset, limit): (u64, u64),
) -> Result<(Vec<Row>, u64), DbErr> {
    let mut select = Entity::find();
    match open {
        Some(true) => select = select.filter(Column::DismissedAt.is_null()),
        Some(false) => select = select.filter(Column::DismissedAt.is_not_null()),
        None => {}
    }
    let total = select.clone().count(db).await?;
    let order = if descending { Order::Desc } else { Order::Asc };
    let column = match sort {
        "severity" => Column::Severity,
        "created_at" => Column::CreatedAt,
        _ => Column::Id,
    };
    let select = select.order_by(column, order.clone()).order_by(Column::Id, order);
    Ok((select.offset(offset).limit(limit).all(db).await?, total))
}
