use crate::db::{Error, key};
use crate::entity::{roles, sessions, users};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, JoinType, Order,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, RelationDef, Select, SqlErr,
};

/// The key of the built-in role that may do everything.
const ADMINISTRATOR: &str = "administrator";

/// A user with their role.
pub struct Person {
    pub user: users::Model,
    pub role: roles::Model,
}

/// Columns a list of users can be sorted by.
#[derive(Debug, Clone, Copy)]
pub enum SortBy {
    Username,
    Role,
    CreatedAt,
    LastSignInAt,
}

pub fn is_administrator(role: &roles::Model) -> bool {
    role.built_in && role.name_key == ADMINISTRATOR
}

/// True when a unique constraint refused the statement.
pub fn is_taken(error: &Error) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Waits until no other transaction changes users or roles, and keeps them out until this one ends.
pub async fn lock(tx: &impl ConnectionTrait) -> Result<(), Error> {
    roles::Entity::update_many()
        .col_expr(roles::Column::BuiltIn, Expr::value(true))
        .filter(roles::Column::NameKey.eq(ADMINISTRATOR))
        .filter(roles::Column::BuiltIn.eq(true))
        .exec(tx)
        .await
        .map(|_| ())
}

fn role_of_user() -> RelationDef {
    users::Entity::belongs_to(roles::Entity).from(users::Column::RoleId).to(roles::Column::Id).into()
}

async fn one(db: &impl ConnectionTrait, select: Select<users::Entity>) -> Result<Option<Person>, Error> {
    let found = select.select_also(roles::Entity).join(JoinType::InnerJoin, role_of_user()).one(db).await?;
    Ok(found.and_then(|(user, role)| role.map(|role| Person { user, role })))
}

pub async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<Person>, Error> {
    one(db, users::Entity::find().filter(users::Column::Id.eq(id))).await
}

/// Whatever the case of the name.
pub async fn find_by_name(db: &impl ConnectionTrait, username: &str) -> Result<Option<Person>, Error> {
    one(db, users::Entity::find().filter(users::Column::UsernameKey.eq(key(username)))).await
}

pub async fn list(
    db: &impl ConnectionTrait,
    (sort, descending): (SortBy, bool),
    (offset, limit): (u64, u64),
) -> Result<(Vec<Person>, i64), Error> {
    let total = users::Entity::find().count(db).await?;
    let order = if descending { Order::Desc } else { Order::Asc };
    let select = users::Entity::find().select_also(roles::Entity).join(JoinType::InnerJoin, role_of_user());
    let select = match sort {
        SortBy::Username => select.order_by(users::Column::UsernameKey, order),
        SortBy::Role => select.order_by(roles::Column::NameKey, order),
        SortBy::CreatedAt => select.order_by(users::Column::CreatedAt, order),
        SortBy::LastSignInAt => select.order_by(users::Column::LastSignInAt, order),
    };
    let rows = select.order_by_asc(users::Column::Id).offset(offset).limit(limit).all(db).await?;
    let people = rows.into_iter().filter_map(|(user, role)| role.map(|role| Person { user, role })).collect();
    Ok((people, i64::try_from(total).unwrap_or(i64::MAX)))
}

pub struct NewUser<'a> {
    pub username: &'a str,
    pub password_hash: &'a str,
    pub role_id: i64,
    pub enabled: bool,
    pub now: DateTime<Utc>,
}

/// Returns the id.
pub async fn insert(tx: &impl ConnectionTrait, new: NewUser<'_>) -> Result<i64, Error> {
    let user = users::ActiveModel {
        username: Set(new.username.into()),
        username_key: Set(key(new.username)),
        password_hash: Set(new.password_hash.into()),
        enabled: Set(new.enabled),
        role_id: Set(new.role_id),
        token_version: Set(1),
        created_at: Set(new.now),
        updated_at: Set(new.now),
        revision: Set(1),
        ..Default::default()
    };
    Ok(users::Entity::insert(user).exec(tx).await?.last_insert_id)
}

pub struct UserChange<'a> {
    pub username: &'a str,
    pub role_id: i64,
    pub enabled: bool,
    /// A new one, or the old one stays.
    pub password_hash: Option<&'a str>,
    /// What was issued to this user before must end.
    pub ends_sessions: bool,
    pub now: DateTime<Utc>,
}

pub async fn update(
    tx: &impl ConnectionTrait,
    user: users::Model,
    change: UserChange<'_>,
) -> Result<(), Error> {
    let (id, version, revision) = (user.id, user.token_version, user.revision);
    let mut row = user.into_active_model();
    row.username = Set(change.username.into());
    row.username_key = Set(key(change.username));
    row.role_id = Set(change.role_id);
    row.enabled = Set(change.enabled);
    if let Some(hash) = change.password_hash {
        row.password_hash = Set(hash.into());
    }
    row.updated_at = Set(change.now);
    row.revision = Set(revision + 1);
    if change.ends_sessions {
        row.token_version = Set(version + 1);
    }
    users::Entity::update(row).exec(tx).await?;
    // After the user's row: a session that is opened at this moment waits for it, or is seen here.
    if change.ends_sessions {
        end_sessions(tx, id, change.now).await?;
    }
    Ok(())
}

async fn end_sessions(tx: &impl ConnectionTrait, user_id: i64, now: DateTime<Utc>) -> Result<(), Error> {
    sessions::Entity::update_many()
        .col_expr(sessions::Column::EndedAt, Expr::value(now))
        .filter(sessions::Column::UserId.eq(user_id))
        .filter(sessions::Column::EndedAt.is_null())
        .exec(tx)
        .await
        .map(|_| ())
}

/// Their sessions and tokens go with them.
pub async fn delete(tx: &impl ConnectionTrait, id: i64) -> Result<(), Error> {
    users::Entity::delete_by_id(id).exec(tx).await.map(|_| ())
}

/// Not a change of the row as its editors see it: the revision stays.
pub async fn signed_in(db: &impl ConnectionTrait, id: i64, now: DateTime<Utc>) -> Result<(), Error> {
    users::Entity::update_many()
        .col_expr(users::Column::LastSignInAt, Expr::value(now))
        .filter(users::Column::Id.eq(id))
        .exec(db)
        .await
        .map(|_| ())
}

/// Users with the built-in administrator role: all of them, or the enabled ones.
pub async fn administrators(db: &impl ConnectionTrait, enabled_only: bool) -> Result<u64, Error> {
    let mut select = users::Entity::find()
        .join(JoinType::InnerJoin, role_of_user())
        .filter(roles::Column::NameKey.eq(ADMINISTRATOR))
        .filter(roles::Column::BuiltIn.eq(true));
    if enabled_only {
        select = select.filter(users::Column::Enabled.eq(true));
    }
    select.count(db).await
}

pub async fn administrator_role(db: &impl ConnectionTrait) -> Result<Option<roles::Model>, Error> {
    roles::Entity::find()
        .filter(roles::Column::NameKey.eq(ADMINISTRATOR))
        .filter(roles::Column::BuiltIn.eq(true))
        .one(db)
        .await
}
