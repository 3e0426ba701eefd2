use crate::db::Error;
use crate::entity::sessions::{ActiveModel, Column, Entity, Model};
use crate::entity::users;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
};

pub type RefreshToken = Model;

pub struct NewToken<'a> {
    pub user_id: i64,
    pub family: &'a str,
    pub token_hash: &'a str,
    pub now: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

pub async fn insert(db: &impl ConnectionTrait, new: NewToken<'_>) -> Result<(), Error> {
    let token = ActiveModel {
        user_id: Set(new.user_id),
        family: Set(new.family.into()),
        token_hash: Set(new.token_hash.into()),
        created_at: Set(new.now),
        expires_at: Set(new.expires_at),
        ..Default::default()
    };
    Entity::insert(token).exec(db).await.map(|_| ())
}

pub async fn find(db: &impl ConnectionTrait, token_hash: &str) -> Result<Option<RefreshToken>, Error> {
    Entity::find().filter(Column::TokenHash.eq(token_hash)).one(db).await
}

/// Keeps others from changing a user, and from ending their sessions, until the transaction ends. Returns the token version of
/// an enabled user.
pub async fn lock_user(tx: &impl ConnectionTrait, id: i64) -> Result<Option<i64>, Error> {
    let user = users::Entity::find_by_id(id).lock_exclusive().one(tx).await?;
    Ok(user.filter(|u| u.enabled).map(|u| u.token_version))
}

/// Marks a token as exchanged. False when it was exchanged or ended before: somebody was faster.
pub async fn mark_used(db: &impl ConnectionTrait, id: i64, now: DateTime<Utc>) -> Result<bool, Error> {
    let updated = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now))
        .filter(Column::Id.eq(id))
        .filter(Column::UsedAt.is_null())
        .filter(Column::EndedAt.is_null())
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Ends a session: none of its refresh tokens works any more.
pub async fn end(db: &impl ConnectionTrait, family: &str, now: DateTime<Utc>) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(now))
        .filter(Column::Family.eq(family))
        .filter(Column::EndedAt.is_null())
        .exec(db)
        .await
        .map(|_| ())
}

/// Whether the session of a user goes on.
pub async fn is_open(
    db: &impl ConnectionTrait,
    user_id: i64,
    family: &str,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let open = Entity::find()
        .filter(Column::Family.eq(family))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::EndedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .count(db)
        .await?;
    Ok(open > 0)
}

/// Removes what ran out.
pub async fn clean_up(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), Error> {
    Entity::delete_many().filter(Column::ExpiresAt.lte(now)).exec(db).await.map(|_| ())
}
