//! Uploads under way: which objects a pass began to put where, and what their drivers remember of them.

use crate::crypto::hash_token;
use crate::db::{Db, Tx};
use crate::entity::{logs, storages, uploads};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set as To, ColumnTrait, Condition, DbErr, EntityTrait, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationDef, SqlErr,
};
use uploads::{ActiveModel, Column, Entity};

/// An object at a destination.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub storage_id: i64,
    pub root: &'a str,
    pub key: &'a str,
}

impl Place<'_> {
    /// Names the place; also what its state is bound to.
    pub fn hash(&self) -> String {
        hash_token(&format!("{}\n{}\n{}", self.storage_id, self.root, self.key))
    }
}

/// An upload that nobody goes on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub storage_id: i64,
    pub root: String,
    pub key: String,
}

fn row(place: Place<'_>, log_id: Option<i64>, now: DateTime<Utc>) -> ActiveModel {
    ActiveModel {
        storage_id: To(place.storage_id),
        root: To(place.root.to_owned()),
        object_key: To(place.key.to_owned()),
        place_hash: To(place.hash()),
        log_id: To(log_id),
        created_at: To(now),
        updated_at: To(now),
        ..Default::default()
    }
}

/// Notes that the pass of this log puts an object there. What is known of an earlier attempt stays. False, and nothing is noted, when the
/// Storage Set is gone.
pub async fn note(db: &Db, place: Place<'_>, log_id: Option<i64>, now: DateTime<Utc>) -> Result<bool, DbErr> {
    put(db, row(place, log_id, now), place, &[Column::LogId, Column::UpdatedAt]).await
}

/// Whether the pass of this log is under way: one that somebody else has ended puts nothing more.
pub async fn is_under_way(db: &Db, log_id: i64) -> Result<bool, DbErr> {
    let active = logs::Entity::find_by_id(log_id).filter(logs::Column::ActiveKey.is_not_null());
    Ok(active.one(db).await?.is_some())
}

/// `renewed` is what changes in a row that is there.
async fn put(db: &Db, row: ActiveModel, place: Place<'_>, renewed: &[Column]) -> Result<bool, DbErr> {
    let known = OnConflict::column(Column::PlaceHash).update_columns(renewed.iter().copied()).to_owned();
    match Entity::insert(row).on_conflict(known).exec_without_returning(db).await {
        Ok(_) => Ok(true),
        Err(error) => {
            let gone = matches!(error.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_)))
                && storages::Entity::find_by_id(place.storage_id).one(db).await?.is_none();
            if gone { Ok(false) } else { Err(error) }
        }
    }
}

/// When the object was begun, or last gone on with; `None` when it is not noted.
pub async fn noted_at(db: &Db, place: Place<'_>) -> Result<Option<DateTime<Utc>>, DbErr> {
    let found = Entity::find().filter(Column::PlaceHash.eq(place.hash())).one(db).await?;
    Ok(found.map(|row| row.updated_at))
}

pub async fn state(db: &Db, place: Place<'_>) -> Result<Option<String>, DbErr> {
    let found = Entity::find().filter(Column::PlaceHash.eq(place.hash())).one(db).await?;
    Ok(found.and_then(|row| row.state_enc))
}

/// The object is there, with this content.
pub async fn arrived(db: &Db, place: Place<'_>, sha256: &str) -> Result<(), DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::ArrivedSha256, Expr::value(sha256))
        .filter(Column::PlaceHash.eq(place.hash()));
    done.exec(db).await.map(|_| ())
}

/// Whether an object with this content has arrived there before.
pub async fn has_arrived(db: &Db, place: Place<'_>, sha256: &str) -> Result<bool, DbErr> {
    let found = Entity::find()
        .filter(Column::PlaceHash.eq(place.hash()))
        .filter(Column::ArrivedSha256.eq(sha256))
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// False, and nothing is saved, when the Storage Set is gone.
pub async fn save_state(
    db: &Db,
    place: Place<'_>,
    log_id: Option<i64>,
    state_enc: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let row = ActiveModel { state_enc: To(Some(state_enc.to_owned())), ..row(place, log_id, now) };
    put(db, row, place, &[Column::StateEnc, Column::LogId, Column::UpdatedAt]).await
}

/// That the object was begun stays known.
pub async fn remove_state(db: &Db, place: Place<'_>) -> Result<(), DbErr> {
    let clear = Entity::update_many()
        .col_expr(Column::StateEnc, Expr::value(None::<String>))
        .filter(Column::PlaceHash.eq(place.hash()));
    clear.exec(db).await.map(|_| ())
}

pub async fn forget(db: &Db, place: Place<'_>) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::PlaceHash.eq(place.hash())).exec(db).await.map(|_| ())
}

/// Forgets every object of a copy: it is complete.
pub async fn forget_copy(db: &Db, storage_id: i64, root: &str, copy_path: &str) -> Result<(), DbErr> {
    // Not `LIKE`: names may hold its signs.
    let found =
        Entity::find().filter(Column::StorageId.eq(storage_id)).filter(Column::Root.eq(root)).all(db).await?;
    let below = |key: &str| key.strip_prefix(copy_path).is_some_and(|rest| rest.starts_with('/'));
    let ids: Vec<i64> = found.into_iter().filter(|row| below(&row.object_key)).map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    Entity::delete_many().filter(Column::Id.is_in(ids)).exec(db).await.map(|_| ())
}

/// What ended passes left behind, the oldest first; nothing of the storages in `except`.
pub async fn left(db: &Db, except: &[i64], limit: u64) -> Result<Vec<Left>, DbErr> {
    let of_log: RelationDef =
        Entity::belongs_to(logs::Entity).from(Column::LogId).to(logs::Column::Id).into();
    let mut select = Entity::find().join(JoinType::LeftJoin, of_log).filter(is_over());
    if !except.is_empty() {
        select = select.filter(Column::StorageId.is_not_in(except.iter().copied()));
    }
    let found = select.order_by_asc(Column::Id).limit(limit).all(db).await?;
    let left = |row: uploads::Model| Left { storage_id: row.storage_id, root: row.root, key: row.object_key };
    Ok(found.into_iter().map(left).collect())
}

/// Nobody goes on with an upload of this log, and nobody is about to.
fn is_over() -> Condition {
    // What is tried again goes on with what was sent.
    let over = Condition::all().add(logs::Column::ActiveKey.is_null()).add(logs::Column::RetryAt.is_null());
    Condition::any().add(logs::Column::Id.is_null()).add(over)
}

/// Whether the upload is still one that nobody goes on with: its pass may have been taken up again since it was found. From then on its
/// arrival is not trusted any more.
pub async fn give_up(db: &Db, place: Place<'_>) -> Result<bool, DbErr> {
    let of_log: RelationDef =
        Entity::belongs_to(logs::Entity).from(Column::LogId).to(logs::Column::Id).into();
    let left = Entity::find()
        .join(JoinType::LeftJoin, of_log)
        .filter(is_over())
        .filter(Column::PlaceHash.eq(place.hash()))
        .one(db)
        .await?;
    let Some(row) = left else { return Ok(false) };
    if row.arrived_sha256.is_some() {
        Entity::update_many()
            .col_expr(Column::ArrivedSha256, Expr::value(None::<String>))
            .filter(Column::Id.eq(row.id))
            .exec(db)
            .await?;
    }
    Ok(true)
}

/// Seals every state anew; returns how many, and how many could not be read.
pub async fn reseal(
    tx: &Tx,
    reseal: impl Fn(&str, &str) -> Result<Option<String>, DbErr>,
) -> Result<(usize, usize), DbErr> {
    let (mut done, mut unreadable) = (0, 0);
    for row in Entity::find().filter(Column::StateEnc.is_not_null()).all(&**tx).await? {
        let new = reseal(&row.place_hash, row.state_enc.as_deref().unwrap_or_default())?;
        if new.is_some() {
            done += 1;
        } else {
            unreadable += 1;
        }
        // A state that nobody can read helps nobody: the upload begins anew.
        Entity::update_many()
            .col_expr(Column::StateEnc, Expr::value(new))
            .filter(Column::Id.eq(row.id))
            .exec(&**tx)
            .await?;
    }
    Ok((done, unreadable))
}
