//! Which key the secrets of the database are under.

use crate::db::{Db, Tx};
use crate::entity::encryption_key::{ActiveModel, Column, Entity};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set as To, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter,
    SqlErr,
};

const ONLY_ROW: i64 = 1;

pub async fn key_id(db: &Db) -> Result<Option<String>, DbErr> {
    Ok(Entity::find_by_id(ONLY_ROW).one(db).await?.map(|row| row.key_id))
}

/// Notes the first key. Another server may be faster.
pub async fn introduce(db: &Db, key_id: &str, now: DateTime<Utc>) -> Result<(), DbErr> {
    let row = ActiveModel { id: To(ONLY_ROW), key_id: To(key_id.to_owned()), since: To(now) };
    match row.insert(db).await {
        Err(e) if matches!(e.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(()),
        other => other.map(|_| ()),
    }
}

pub async fn set_key_id(db: &Db, key_id: &str, now: DateTime<Utc>) -> Result<(), DbErr> {
    set(db, key_id, now).await
}

pub async fn set_key_id_in(tx: &Tx, key_id: &str, now: DateTime<Utc>) -> Result<(), DbErr> {
    set(&**tx, key_id, now).await
}

async fn set(db: &impl ConnectionTrait, key_id: &str, now: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::KeyId, Expr::value(key_id))
        .col_expr(Column::Since, Expr::value(now))
        .filter(Column::Id.eq(ONLY_ROW))
        .exec(db)
        .await
        .map(|_| ())
}
