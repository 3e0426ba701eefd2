use crate::db::{Error, key};
use crate::entity::roles::{ActiveModel, Column, Entity, Model};
use crate::entity::users;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::HashMap;

pub type Role = Model;

pub async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<Role>, Error> {
    Entity::find_by_id(id).one(db).await
}

pub async fn list(
    db: &impl ConnectionTrait,
    descending: bool,
    (offset, limit): (u64, u64),
) -> Result<(Vec<Role>, i64), Error> {
    let total = Entity::find().count(db).await?;
    let order = if descending { Order::Desc } else { Order::Asc };
    let rows = Entity::find().order_by(Column::NameKey, order).offset(offset).limit(limit).all(db).await?;
    Ok((rows, i64::try_from(total).unwrap_or(i64::MAX)))
}

/// How many users each role has; roles without any are left out.
pub async fn users_by_role(db: &impl ConnectionTrait) -> Result<HashMap<i64, i64>, Error> {
    let counts: Vec<(i64, i64)> = users::Entity::find()
        .select_only()
        .column(users::Column::RoleId)
        .column_as(users::Column::Id.count(), "users")
        .group_by(users::Column::RoleId)
        .into_tuple()
        .all(db)
        .await?;
    Ok(counts.into_iter().collect())
}

pub async fn users_of(db: &impl ConnectionTrait, id: i64) -> Result<i64, Error> {
    let users = users::Entity::find().filter(users::Column::RoleId.eq(id)).count(db).await?;
    Ok(i64::try_from(users).unwrap_or(i64::MAX))
}

/// Returns the id.
pub async fn insert(tx: &impl ConnectionTrait, name: &str, resources: &str) -> Result<i64, Error> {
    let role = ActiveModel {
        name: Set(name.into()),
        name_key: Set(key(name)),
        resources: Set(resources.into()),
        built_in: Set(false),
        revision: Set(1),
        ..Default::default()
    };
    Ok(Entity::insert(role).exec(tx).await?.last_insert_id)
}

pub async fn update(tx: &impl ConnectionTrait, role: Role, name: &str, resources: &str) -> Result<(), Error> {
    let revision = role.revision;
    let mut row = role.into_active_model();
    row.name = Set(name.into());
    row.name_key = Set(key(name));
    row.resources = Set(resources.into());
    row.revision = Set(revision + 1);
    Entity::update(row).exec(tx).await.map(|_| ())
}

pub async fn delete(tx: &impl ConnectionTrait, id: i64) -> Result<(), Error> {
    Entity::delete_by_id(id).exec(tx).await.map(|_| ())
}
