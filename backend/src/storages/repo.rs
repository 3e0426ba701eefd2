//! Storage Sets in the database. Secrets come and go encrypted.

pub mod links;
pub mod uploads;

use crate::db::{self, Db};
use crate::entity::{backup_storages, backups, storages};
use chrono::{DateTime, Utc};
use links::Linked;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set as To, ColumnTrait, Condition, DbErr, EntityTrait, ExprTrait,
    JoinType, ModelTrait, Order, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, RelationDef, SqlErr,
};
use std::collections::HashMap;

/// A Storage Set as it is stored.
pub type Row = storages::Model;

/// What a client decides about a Storage Set, apart from its secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    pub enabled: bool,
    pub title: String,
    /// Stays as it is once the row is there.
    pub kind: String,
    pub client_id: String,
    pub region: Option<String>,
    pub endpoint: Option<String>,
    pub path_style: bool,
    pub storage_class: Option<String>,
    pub encryption: String,
    pub kms_key_id: Option<String>,
    pub incremental: bool,
    pub tenant: Option<String>,
    pub max_bytes_per_sec: Option<i64>,
}

/// What becomes of the link when a Storage Set is saved.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkChange {
    Keep,
    /// The app is another one, and nothing is lost sight of with it. A linking that is under way ends, and so does what an account that still
    /// uses the app before would store. Provided that the link is still of this generation.
    OtherApp(i64),
    /// It belonged to another app. The account stays known, so that another one is noticed.
    Drop,
    New(Linked),
}

#[derive(Debug, PartialEq)]
pub enum Saved {
    Done(i64),
    Missing,
    /// The revision, or the link, is another one by now.
    Changed,
    TitleTaken,
}

#[derive(Debug, PartialEq)]
pub enum Deleted {
    Done,
    Missing,
    Changed,
    /// The titles of the Backup Sets that send copies there.
    InUse(Vec<String>),
}

#[derive(Debug, Default)]
pub struct Filter {
    pub enabled: Option<bool>,
    pub kind: Option<String>,
    pub q: Option<String>,
}

/// The columns a list is sorted by.
pub const SORTS: [&str; 6] = ["id", "title", "type", "enabled", "created_at", "updated_at"];

pub async fn find(db: &Db, id: i64) -> Result<Option<Row>, DbErr> {
    storages::Entity::find_by_id(id).one(db).await
}

pub async fn find_all(db: &Db, ids: &[i64]) -> Result<HashMap<i64, Row>, DbErr> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = storages::Column::Id.is_in(ids.iter().copied());
    let found = storages::Entity::find().filter(ids).all(db).await?;
    Ok(found.into_iter().map(|m| (m.id, m)).collect())
}

/// The first so many by title.
pub async fn first(db: &Db, limit: u64) -> Result<Vec<Row>, DbErr> {
    storages::Entity::find().order_by_asc(storages::Column::TitleKey).limit(limit).all(db).await
}

/// One page and how many there are in all. Ties are broken by id.
pub async fn list(
    db: &Db,
    filter: &Filter,
    (sort, descending): (&str, bool),
    (offset, limit): (u64, u64),
) -> Result<(Vec<Row>, u64), DbErr> {
    let mut select = storages::Entity::find();
    if let Some(enabled) = filter.enabled {
        select = select.filter(storages::Column::Enabled.eq(enabled));
    }
    if let Some(kind) = &filter.kind {
        select = select.filter(storages::Column::Kind.eq(kind));
    }
    if let Some(q) = filter.q.as_deref().filter(|q| !q.trim().is_empty()) {
        select = select.filter(Expr::col(storages::Column::TitleKey).like(db::contains(q)));
    }
    let total = select.clone().count(db).await?;
    let order = if descending { Order::Desc } else { Order::Asc };
    let column = match sort {
        "title" => storages::Column::TitleKey,
        "type" => storages::Column::Kind,
        "enabled" => storages::Column::Enabled,
        "created_at" => storages::Column::CreatedAt,
        "updated_at" => storages::Column::UpdatedAt,
        _ => storages::Column::Id,
    };
    let select = select.order_by(column, order.clone()).order_by(storages::Column::Id, order);
    Ok((select.offset(offset).limit(limit).all(db).await?, total))
}

/// The Backup Sets that use each of these, with id and title, by title.
pub async fn used_by(db: &Db, ids: &[i64]) -> Result<HashMap<i64, Vec<(i64, String)>>, DbErr> {
    let mut found: HashMap<i64, Vec<(i64, String)>> = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let rows: Vec<(Option<i64>, i64, String)> = backup_storages::Entity::find()
        .select_only()
        .column(backup_storages::Column::StorageId)
        .column(backups::Column::Id)
        .column(backups::Column::Title)
        .join(JoinType::InnerJoin, set_of_row())
        .filter(backup_storages::Column::StorageId.is_in(ids.iter().copied()))
        .order_by_asc(backups::Column::TitleKey)
        .into_tuple()
        .all(db)
        .await?;
    for (storage, id, title) in rows {
        let sets = found.entry(storage.unwrap_or_default()).or_default();
        // A Set may have two rows of one Storage Set.
        if !sets.iter().any(|(known, _)| *known == id) {
            sets.push((id, title));
        }
    }
    Ok(found)
}

/// The folder of the first row that uses it.
pub async fn first_path(db: &Db, id: i64) -> Result<Option<String>, DbErr> {
    let row = backup_storages::Entity::find()
        .filter(backup_storages::Column::StorageId.eq(id))
        .order_by_asc(backup_storages::Column::Id)
        .one(db)
        .await?;
    Ok(row.map(|row| row.path))
}

fn set_of_row() -> RelationDef {
    backup_storages::Entity::belongs_to(backups::Entity)
        .from(backup_storages::Column::BackupId)
        .to(backups::Column::Id)
        .into()
}

/// `seal` encrypts the secret for the row with the id it is given.
pub async fn create(
    db: &Db,
    content: &Content,
    seal: impl Fn(i64) -> Result<String, DbErr>,
    now: DateTime<Utc>,
) -> Result<Saved, DbErr> {
    let seal = &seal;
    let result = db::transaction(db, |tx| async move {
        let mut model = columns(content);
        model.kind = To(content.kind.clone());
        model.linked = To(false);
        model.link_generation = To(0);
        model.link_confirmed = To(false);
        model.created_at = To(now);
        model.updated_at = To(now);
        model.revision = To(1);
        let id = model.insert(&*tx).await?.id;
        storages::Entity::update_many()
            .col_expr(storages::Column::ClientSecretEnc, Expr::value(seal(id)?))
            .filter(storages::Column::Id.eq(id))
            .exec(&*tx)
            .await?;
        Ok(Saved::Done(id))
    })
    .await;
    refused(db, None, content, result).await
}

/// Replaces what a client decides, provided that the row still has `revision`. The secret stays when there is no new one.
pub async fn update(
    db: &Db,
    (id, revision): (i64, i64),
    content: &Content,
    client_secret_enc: Option<&str>,
    link: &LinkChange,
    now: DateTime<Utc>,
) -> Result<Saved, DbErr> {
    let result = db::transaction(db, |tx| async move {
        let mut model = columns(content);
        if let Some(secret) = client_secret_enc {
            model.client_secret_enc = To(Some(secret.to_owned()));
        }
        model.updated_at = To(now);
        model.revision = To(revision + 1);
        let mut same = Condition::all()
            .add(storages::Column::Id.eq(id))
            .add(storages::Column::Kind.eq(&content.kind))
            .add(storages::Column::Revision.eq(revision));
        match link {
            LinkChange::Keep => {}
            LinkChange::OtherApp(generation) => {
                links::end_linking(&mut model);
                model.link_generation = To(generation + 1);
                same = same.add(storages::Column::LinkGeneration.eq(*generation));
            }
            LinkChange::Drop => links::drop_link(&mut model),
            LinkChange::New(linked) => {
                links::set_link(&mut model, linked, now);
                same = same.add(storages::Column::LinkGeneration.eq(linked.generation - 1));
            }
        }
        let changed = storages::Entity::update_many().set(model).filter(same).exec(&*tx).await?;
        if changed.rows_affected == 0 {
            let there = storages::Entity::find_by_id(id).one(&*tx).await?.is_some();
            return Ok(if there { Saved::Changed } else { Saved::Missing });
        }
        if *link == LinkChange::Drop {
            // What an account refreshes with the old app must not come back.
            links::raise_generation(&*tx, id).await?;
        }
        Ok(Saved::Done(id))
    })
    .await;
    refused(db, Some(id), content, result).await
}

/// Not while a Backup Set sends copies there.
pub async fn delete(db: &Db, id: i64, revision: Option<i64>) -> Result<Deleted, DbErr> {
    let result = db::transaction(db, |tx| async move {
        let Some(model) = storages::Entity::find_by_id(id).lock_exclusive().one(&*tx).await? else {
            return Ok(Deleted::Missing);
        };
        if revision.is_some_and(|r| r != model.revision) {
            return Ok(Deleted::Changed);
        }
        let rows = backup_storages::Entity::find()
            .filter(backup_storages::Column::StorageId.eq(id))
            .count(&*tx)
            .await?;
        if rows > 0 {
            return Ok(Deleted::InUse(Vec::new()));
        }
        model.delete(&*tx).await?;
        Ok(Deleted::Done)
    })
    .await;
    let in_use = match result {
        Ok(Deleted::InUse(_)) => true,
        // A Set that was saved at the same moment.
        Err(ref error) => matches!(error.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_))),
        _ => false,
    };
    if !in_use {
        return result;
    }
    let sets = used_by(db, &[id]).await?.remove(&id).unwrap_or_default();
    Ok(Deleted::InUse(sets.into_iter().map(|(_, title)| title).collect()))
}

/// Whether another Storage Set has this title already.
pub async fn title_taken(db: &Db, except: Option<i64>, title: &str) -> Result<bool, DbErr> {
    let same = storages::Entity::find().filter(storages::Column::TitleKey.eq(db::key(title)));
    let same = match except {
        Some(id) => same.filter(storages::Column::Id.ne(id)),
        None => same,
    };
    Ok(same.count(db).await? > 0)
}

/// Turns the violation of a constraint into what it means.
async fn refused(
    db: &Db,
    except: Option<i64>,
    content: &Content,
    result: Result<Saved, DbErr>,
) -> Result<Saved, DbErr> {
    match result {
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            match title_taken(db, except, &content.title).await? {
                true => Ok(Saved::TitleTaken),
                false => Err(error),
            }
        }
        other => other,
    }
}

fn columns(content: &Content) -> storages::ActiveModel {
    storages::ActiveModel {
        enabled: To(content.enabled),
        title: To(content.title.clone()),
        title_key: To(db::key(&content.title)),
        client_id: To(content.client_id.clone()),
        region: To(content.region.clone()),
        endpoint: To(content.endpoint.clone()),
        path_style: To(content.path_style),
        storage_class: To(content.storage_class.clone()),
        encryption: To(content.encryption.clone()),
        kms_key_id: To(content.kms_key_id.clone()),
        incremental: To(content.incremental),
        tenant: To(content.tenant.clone()),
        max_bytes_per_sec: To(content.max_bytes_per_sec),
        ..Default::default()
    }
}

/// A secret of a row: which, in which row, and what it is sealed as.
pub struct Sealed {
    pub column: &'static str,
    pub id: i64,
    pub text: String,
}

/// Seals every secret anew, all or none, together with `also`. `reseal` gives `None` for one that it cannot read: that stays as it is.
/// Returns how many were sealed anew and how many could not be read.
pub async fn reseal<W>(
    db: &Db,
    reseal: impl Fn(&Sealed) -> Result<Option<String>, DbErr>,
    reseal_upload: impl Fn(&str, &str) -> Result<Option<String>, DbErr>,
    also: impl Fn(db::Tx) -> W,
) -> Result<(usize, usize), DbErr>
where
    W: Future<Output = Result<(), DbErr>>,
{
    use storages::Column::{AccessTokenEnc, ClientSecretEnc, LinkVerifierEnc, RefreshTokenEnc};
    let (reseal, reseal_upload, also) = (&reseal, &reseal_upload, &also);
    db::transaction(db, |tx| async move {
        let (mut done, mut unreadable) = (0, 0);
        for row in storages::Entity::find().lock_exclusive().all(&*tx).await? {
            let secrets = [
                (CLIENT_SECRET, ClientSecretEnc, &row.client_secret_enc),
                (ACCESS_TOKEN, AccessTokenEnc, &row.access_token_enc),
                (REFRESH_TOKEN, RefreshTokenEnc, &row.refresh_token_enc),
                (VERIFIER, LinkVerifierEnc, &row.link_verifier_enc),
            ];
            for (name, column, sealed) in secrets {
                let Some(text) = sealed.clone() else { continue };
                let Some(new) = reseal(&Sealed { column: name, id: row.id, text })? else {
                    unreadable += 1;
                    continue;
                };
                done += 1;
                storages::Entity::update_many()
                    .col_expr(column, Expr::value(new))
                    .filter(storages::Column::Id.eq(row.id))
                    .exec(&*tx)
                    .await?;
            }
        }
        let (uploads, lost) = uploads::reseal(&tx, reseal_upload).await?;
        also(tx.clone()).await?;
        Ok((done + uploads, unreadable + lost))
    })
    .await
}

/// The columns of secrets, as they are bound to their place.
pub const CLIENT_SECRET: &str = "client_secret_enc";
pub const ACCESS_TOKEN: &str = "access_token_enc";
pub const REFRESH_TOKEN: &str = "refresh_token_enc";
pub const VERIFIER: &str = "link_verifier_enc";
