//! How the installation stands.

use crate::db::Db;
use crate::entity::{backup_storages, backups, copies, logs, messages, storages};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::{BTreeMap, HashMap};

/// A place where a Set wants its copies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub backup: String,
    /// `local`, or the title of the Storage Set.
    pub destination: String,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct State {
    /// Passes that wait.
    pub queued: u64,
    /// Passes that anybody holds.
    pub running: u64,
    /// The Sets that are on, by title, and whether each is missed.
    pub missed: BTreeMap<String, bool>,
    /// When the newest complete copy at each place was begun; places that have none are not there.
    pub newest: BTreeMap<Place, DateTime<Utc>>,
    /// Messages that are not sent yet, by channel.
    pub undelivered: BTreeMap<String, u64>,
}

pub async fn state(db: &Db) -> Result<State, DbErr> {
    let active = logs::Entity::find().filter(logs::Column::ActiveKey.is_not_null());
    let sets = backups::Entity::find().order_by_asc(backups::Column::Id).all(db).await?;
    Ok(State {
        queued: active.clone().filter(logs::Column::Owner.is_null()).count(db).await?,
        running: active.filter(logs::Column::Owner.is_not_null()).count(db).await?,
        missed: sets.iter().filter(|s| s.enabled).map(|s| (s.title.clone(), s.missed_at.is_some())).collect(),
        newest: newest(db, &sets).await?,
        undelivered: undelivered(db).await?,
    })
}

/// Of the destinations that are switched on: what stays at one that a Set does not use any more only gets older.
async fn newest(db: &Db, sets: &[backups::Model]) -> Result<BTreeMap<Place, DateTime<Utc>>, DbErr> {
    let titles: HashMap<i64, String> = storages::Entity::find()
        .select_only()
        .column(storages::Column::Id)
        .column(storages::Column::Title)
        .into_tuple::<(i64, String)>()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let copies: HashMap<(i64, String), DateTime<Utc>> = copies::Entity::find()
        .select_only()
        .column(copies::Column::BackupId)
        .column(copies::Column::Destination)
        .column_as(copies::Column::CreatedAt.max(), "newest")
        .filter(copies::Column::BackupId.is_not_null())
        .filter(copies::Column::Complete.eq(true))
        .filter(copies::Column::Staging.eq(false))
        .group_by(copies::Column::BackupId)
        .group_by(copies::Column::Destination)
        .into_tuple::<(i64, String, DateTime<Utc>)>()
        .all(db)
        .await?
        .into_iter()
        .map(|(backup, destination, at)| ((backup, destination), at))
        .collect();
    let sets: HashMap<i64, &str> = sets.iter().map(|s| (s.id, s.title.as_str())).collect();
    let rows =
        backup_storages::Entity::find().filter(backup_storages::Column::Enabled.eq(true)).all(db).await?;
    let mut newest = BTreeMap::new();
    for row in rows {
        let Some(backup) = sets.get(&row.backup_id) else { continue };
        let destination = row.storage_id.map_or("local".to_owned(), |id| id.to_string());
        let Some(at) = copies.get(&(row.backup_id, destination.clone())) else { continue };
        let title = row.storage_id.and_then(|id| titles.get(&id).cloned());
        newest.insert(Place { backup: (*backup).to_owned(), destination: title.unwrap_or(destination) }, *at);
    }
    Ok(newest)
}

async fn undelivered(db: &Db) -> Result<BTreeMap<String, u64>, DbErr> {
    let counts: Vec<(String, i64)> = messages::Entity::find()
        .select_only()
        .column(messages::Column::Channel)
        .column_as(messages::Column::Id.count(), "waiting")
        .group_by(messages::Column::Channel)
        .into_tuple()
        .all(db)
        .await?;
    let mut waiting: BTreeMap<String, u64> =
        ["email", "webhook"].into_iter().map(|channel| (channel.to_owned(), 0)).collect();
    waiting.extend(counts.into_iter().map(|(channel, n)| (channel, u64::try_from(n).unwrap_or(0))));
    Ok(waiting)
}
