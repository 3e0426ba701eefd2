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

/// Marks a token as exchanged.
pub async fn mark_used(tx: &impl ConnectionTrait, id: i64, now: DateTime<Utc>) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now))
        .filter(Column::Id.eq(id))
        .exec(tx)
        .await
        .map(|_| ())
}

/// Whether a token of the same session that came after this one was exchanged already.
pub async fn successor_was_used(tx: &impl ConnectionTrait, token: &RefreshToken) -> Result<bool, Error> {
    let used = Entity::find()
        .filter(Column::Family.eq(&token.family))
        .filter(Column::Id.gt(token.id))
        .filter(Column::UsedAt.is_not_null())
        .count(tx)
        .await?;
    Ok(used > 0)
}

/// Ends the token of a session that was not exchanged yet, while the session itself goes on.
pub async fn void_unused(tx: &impl ConnectionTrait, family: &str, now: DateTime<Utc>) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(now))
        .filter(Column::Family.eq(family))
        .filter(Column::UsedAt.is_null())
        .filter(Column::EndedAt.is_null())
        .exec(tx)
        .await
        .map(|_| ())
}

/// Ends a session: none of its refresh tokens works any more. Returns how many of them did not know yet.
pub async fn end(tx: &impl ConnectionTrait, family: &str, now: DateTime<Utc>) -> Result<u64, Error> {
    let ended = Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(now))
        .filter(Column::Family.eq(family))
        .filter(Column::EndedAt.is_null())
        .exec(tx)
        .await?;
    Ok(ended.rows_affected)
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
pub async fn clean_up(tx: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), Error> {
    Entity::delete_many().filter(Column::ExpiresAt.lte(now)).exec(tx).await.map(|_| ())
}
