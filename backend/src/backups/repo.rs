//! Backup Sets and their destinations in the database.

use crate::db::{self, Db};
use crate::entity::{backup_storages, backups, logs};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::NotSet, ActiveValue::Set as To, ColumnTrait, Condition, ConnectionTrait,
    DbErr, EntityTrait, ExprTrait, ModelTrait, Order, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    SqlErr,
};
use std::collections::HashMap;

/// What a client decides about a Set.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    pub enabled: bool,
    pub title: String,
    pub folder_name: String,
    pub backup_types: Vec<String>,
    pub frequency: Option<u8>,
    pub cron: Option<String>,
    pub time_of_day: Option<String>,
    pub exclude_directories: Vec<String>,
    pub exclude_tables: Vec<String>,
    pub symlinks: String,
    pub verify: String,
    pub retry_attempts: i32,
    pub retry_delay_min: i32,
    pub jitter_min: i32,
    pub ping_url: Option<String>,
    pub rows: Vec<Row>,
}

/// One destination; the order of a Set's rows is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub storage_id: Option<i64>,
    pub enabled: bool,
    pub keep_copies: i32,
    pub path: String,
}

/// A Set as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    pub id: i64,
    pub content: Content,
    pub last_time: Option<DateTime<Utc>>,
    pub next_run_at: Option<DateTime<Utc>>,
    pub last_status: Option<String>,
    /// The newest log of it that is finished.
    pub last_log_id: Option<i64>,
    /// The log of the pass that is queued or running.
    pub running_log_id: Option<i64>,
    pub revision: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// When a Set runs next, and the zone that was computed in.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    pub at: Option<DateTime<Utc>>,
    pub zone: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unique {
    Title,
    Folder,
}

/// What came of saving a Set.
#[derive(Debug, PartialEq)]
pub enum Saved {
    Done(i64),
    Missing,
    /// The revision is another one by now.
    Changed,
    Taken(Unique),
    /// A Storage Set of its rows is gone.
    UnknownStorage,
}

/// What came of deleting a Set.
#[derive(Debug, PartialEq)]
pub enum Deleted {
    Done,
    Missing,
    Changed,
    /// Its pass is queued or running: the log's id.
    Running(i64),
}

#[derive(Debug, Default)]
pub struct Filter {
    pub enabled: Option<bool>,
    pub q: Option<String>,
}

/// The columns a list is sorted by.
pub const SORTS: [&str; 6] = ["id", "title", "enabled", "last_time", "next_run_at", "created_at"];

pub async fn find(db: &Db, id: i64) -> Result<Option<Set>, DbErr> {
    match backups::Entity::find_by_id(id).one(db).await? {
        Some(model) => Ok(complete(db, vec![model]).await?.pop()),
        None => Ok(None),
    }
}

pub async fn all(db: &Db) -> Result<Vec<Set>, DbErr> {
    let models = backups::Entity::find().order_by_asc(backups::Column::Id).all(db).await?;
    complete(db, models).await
}

/// By title or folder name, whatever its case.
pub async fn find_by_name(db: &Db, name: &str) -> Result<Option<i64>, DbErr> {
    let key = db::key(name);
    let named =
        Condition::any().add(backups::Column::TitleKey.eq(&key)).add(backups::Column::FolderKey.eq(&key));
    let found = backups::Entity::find().filter(named).all(db).await?;
    // A title may be the folder name of another Set: the title counts first.
    let by_title = found.iter().find(|m| m.title_key == key).or(found.first());
    Ok(by_title.map(|m| m.id))
}

/// One page and how many there are in all. Ties are broken by id.
pub async fn list(
    db: &Db,
    filter: &Filter,
    (sort, descending): (&str, bool),
    (offset, limit): (u64, u64),
) -> Result<(Vec<Set>, u64), DbErr> {
    let mut select = backups::Entity::find();
    if let Some(enabled) = filter.enabled {
        select = select.filter(backups::Column::Enabled.eq(enabled));
    }
    if let Some(q) = filter.q.as_deref().filter(|q| !q.trim().is_empty()) {
        let like = |column: backups::Column| Expr::col(column).like(db::contains(q));
        let any = Condition::any().add(like(backups::Column::TitleKey)).add(like(backups::Column::FolderKey));
        select = select.filter(any);
    }
    let total = select.clone().count(db).await?;
    let order = if descending { Order::Desc } else { Order::Asc };
    let column = match sort {
        "title" => backups::Column::TitleKey,
        "enabled" => backups::Column::Enabled,
        "last_time" => backups::Column::LastTime,
        "next_run_at" => backups::Column::NextRunAt,
        "created_at" => backups::Column::CreatedAt,
        _ => backups::Column::Id,
    };
    // Databases disagree on where nulls go: here they come last, in both directions.
    let models = select
        .order_by(Expr::col(column).is_null(), Order::Asc)
        .order_by(column, order.clone())
        .order_by(backups::Column::Id, order)
        .offset(offset)
        .limit(limit)
        .all(db)
        .await?;
    Ok((complete(db, models).await?, total))
}

pub async fn create(db: &Db, content: &Content, slot: &Slot, now: DateTime<Utc>) -> Result<Saved, DbErr> {
    let result = db::transaction(db, |tx| async move {
        let mut model = columns(content)?;
        model.next_run_at = To(slot.at);
        model.slot_zone = To(Some(slot.zone.clone()));
        model.watched_since = To(Some(now));
        model.created_at = To(now);
        model.updated_at = To(now);
        model.revision = To(1);
        let id = model.insert(&*tx).await?.id;
        insert_rows(&*tx, id, &content.rows).await?;
        Ok(Saved::Done(id))
    })
    .await;
    refused(db, None, content, result).await
}

/// Replaces what a client decides, provided that the row still has `revision`. `slot` is left as it is when `None`.
pub async fn update(
    db: &Db,
    id: i64,
    revision: i64,
    content: &Content,
    slot: Option<&Slot>,
    now: DateTime<Utc>,
) -> Result<Saved, DbErr> {
    let result = db::transaction(db, |tx| async move {
        let mut model = columns(content)?;
        if let Some(slot) = slot {
            model.next_run_at = To(slot.at);
            model.slot_zone = To(Some(slot.zone.clone()));
            model.watched_since = To(Some(now));
            model.missed_at = To(None);
        }
        model.updated_at = To(now);
        model.revision = To(revision + 1);
        let changed = backups::Entity::update_many()
            .set(model)
            .filter(backups::Column::Id.eq(id))
            .filter(backups::Column::Revision.eq(revision))
            .exec(&*tx)
            .await?;
        if changed.rows_affected == 0 {
            let there = backups::Entity::find_by_id(id).one(&*tx).await?.is_some();
            return Ok(if there { Saved::Changed } else { Saved::Missing });
        }
        backup_storages::Entity::delete_many()
            .filter(backup_storages::Column::BackupId.eq(id))
            .exec(&*tx)
            .await?;
        insert_rows(&*tx, id, &content.rows).await?;
        Ok(Saved::Done(id))
    })
    .await;
    refused(db, Some(id), content, result).await
}

/// Deletes the Set and its rows. Logs and copies stay, without their Set.
pub async fn delete(db: &Db, id: i64, revision: Option<i64>) -> Result<Deleted, DbErr> {
    db::transaction(db, |tx| async move {
        // The lock keeps a pass from being queued between the look and the deletion.
        let Some(model) = backups::Entity::find_by_id(id).lock_exclusive().one(&*tx).await? else {
            return Ok(Deleted::Missing);
        };
        if revision.is_some_and(|r| r != model.revision) {
            return Ok(Deleted::Changed);
        }
        let active = logs::Entity::find().filter(logs::Column::ActiveKey.eq(id)).one(&*tx).await?;
        if let Some(log) = active {
            return Ok(Deleted::Running(log.id));
        }
        model.delete(&*tx).await?;
        Ok(Deleted::Done)
    })
    .await
}

/// Which of the two names another Set has already.
pub async fn taken(db: &Db, except: Option<i64>, content: &Content) -> Result<Option<Unique>, DbErr> {
    let other = |column: backups::Column, text: &str| {
        let same = backups::Entity::find().filter(column.eq(db::key(text)));
        match except {
            Some(id) => same.filter(backups::Column::Id.ne(id)),
            None => same,
        }
    };
    if other(backups::Column::TitleKey, &content.title).count(db).await? > 0 {
        return Ok(Some(Unique::Title));
    }
    let folder = other(backups::Column::FolderKey, &content.folder_name).count(db).await?;
    Ok((folder > 0).then_some(Unique::Folder))
}

/// Turns the violation of a constraint into what it means. Which constraint it was, databases tell in their own ways, SQLite
/// not at all; so the names are looked up again.
async fn refused(
    db: &Db,
    except: Option<i64>,
    content: &Content,
    result: Result<Saved, DbErr>,
) -> Result<Saved, DbErr> {
    let Err(error) = result else { return result };
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => match taken(db, except, content).await? {
            Some(name) => Ok(Saved::Taken(name)),
            None => Err(error),
        },
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => Ok(Saved::UnknownStorage),
        _ => Err(error),
    }
}

async fn insert_rows(tx: &impl ConnectionTrait, id: i64, rows: &[Row]) -> Result<(), DbErr> {
    for (position, row) in (0..).zip(rows) {
        let row = backup_storages::ActiveModel {
            id: NotSet,
            backup_id: To(id),
            position: To(position),
            storage_id: To(row.storage_id),
            enabled: To(row.enabled),
            keep_copies: To(row.keep_copies),
            path: To(row.path.clone()),
        };
        row.insert(tx).await?;
    }
    Ok(())
}

fn columns(content: &Content) -> Result<backups::ActiveModel, DbErr> {
    Ok(backups::ActiveModel {
        enabled: To(content.enabled),
        title: To(content.title.clone()),
        title_key: To(db::key(&content.title)),
        folder_name: To(content.folder_name.clone()),
        folder_key: To(db::key(&content.folder_name)),
        backup_types: To(db::to_json(&content.backup_types)?),
        frequency: To(content.frequency.map(i32::from)),
        cron: To(content.cron.clone()),
        time_of_day: To(content.time_of_day.clone()),
        exclude_directories: To(db::to_json(&content.exclude_directories)?),
        exclude_tables: To(db::to_json(&content.exclude_tables)?),
        symlinks: To(content.symlinks.clone()),
        verify: To(content.verify.clone()),
        retry_attempts: To(content.retry_attempts),
        retry_delay_min: To(content.retry_delay_min),
        jitter_min: To(content.jitter_min),
        ping_url: To(content.ping_url.clone()),
        ..Default::default()
    })
}

/// Adds rows and logs to Sets, in two queries for all of them.
async fn complete(db: &Db, models: Vec<backups::Model>) -> Result<Vec<Set>, DbErr> {
    let ids: Vec<i64> = models.iter().map(|m| m.id).collect();
    let mut rows: HashMap<i64, Vec<Row>> = HashMap::new();
    let stored = backup_storages::Entity::find()
        .filter(backup_storages::Column::BackupId.is_in(ids.iter().copied()))
        .order_by_asc(backup_storages::Column::Position)
        .all(db)
        .await?;
    for row in stored {
        rows.entry(row.backup_id).or_default().push(Row {
            storage_id: row.storage_id,
            enabled: row.enabled,
            keep_copies: row.keep_copies,
            path: row.path,
        });
    }
    let running = newest_logs(db, &ids, logs::Column::OverallStatus.eq("pending")).await?;
    let last = newest_logs(db, &ids, logs::Column::OverallStatus.ne("pending")).await?;
    models
        .into_iter()
        .map(|m| {
            let (rows, running, last) =
                (rows.remove(&m.id).unwrap_or_default(), running.get(&m.id), last.get(&m.id));
            set(m, rows, running.copied(), last.copied())
        })
        .collect()
}

async fn newest_logs(db: &Db, ids: &[i64], which: Expr) -> Result<HashMap<i64, i64>, DbErr> {
    let found: Vec<(Option<i64>, Option<i64>)> = logs::Entity::find()
        .select_only()
        .column(logs::Column::BackupId)
        .column_as(logs::Column::Id.max(), "id")
        .filter(logs::Column::BackupId.is_in(ids.iter().copied()))
        .filter(which)
        .group_by(logs::Column::BackupId)
        .into_tuple()
        .all(db)
        .await?;
    Ok(found.into_iter().filter_map(|(set, log)| Some((set?, log?))).collect())
}

fn set(m: backups::Model, rows: Vec<Row>, running: Option<i64>, last: Option<i64>) -> Result<Set, DbErr> {
    Ok(Set {
        id: m.id,
        content: Content {
            enabled: m.enabled,
            title: m.title,
            folder_name: m.folder_name,
            backup_types: db::from_json(&m.backup_types)?,
            frequency: m.frequency.and_then(|f| u8::try_from(f).ok()),
            cron: m.cron,
            time_of_day: m.time_of_day,
            exclude_directories: db::from_json(&m.exclude_directories)?,
            exclude_tables: db::from_json(&m.exclude_tables)?,
            symlinks: m.symlinks,
            verify: m.verify,
            retry_attempts: m.retry_attempts,
            retry_delay_min: m.retry_delay_min,
            jitter_min: m.jitter_min,
            ping_url: m.ping_url,
            rows,
        },
        last_time: m.last_time,
        next_run_at: m.next_run_at,
        last_status: m.last_status,
        last_log_id: last,
        running_log_id: running,
        revision: m.revision,
        created_at: m.created_at,
        updated_at: m.updated_at,
    })
}
