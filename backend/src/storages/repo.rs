//! Storage Sets in the database.

use crate::db::Db;
use crate::entity::storages;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use std::collections::{HashMap, HashSet};

/// What a pass has to know about a Storage Set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub title: String,
    pub kind: String,
    pub enabled: bool,
}

pub async fn existing(db: &Db, ids: &[i64]) -> Result<HashSet<i64>, DbErr> {
    let found: Vec<i64> = storages::Entity::find()
        .select_only()
        .column(storages::Column::Id)
        .filter(storages::Column::Id.is_in(ids.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(found.into_iter().collect())
}

pub async fn summaries(db: &Db, ids: &[i64]) -> Result<HashMap<i64, Summary>, DbErr> {
    let found =
        storages::Entity::find().filter(storages::Column::Id.is_in(ids.iter().copied())).all(db).await?;
    let summary = |m: storages::Model| Summary { title: m.title, kind: m.kind, enabled: m.enabled };
    Ok(found.into_iter().map(|m| (m.id, summary(m))).collect())
}
