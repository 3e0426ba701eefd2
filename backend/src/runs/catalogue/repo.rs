//! The catalogue of copies that exist.

use crate::db::{Db, Tx};
use crate::entity::copies;
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set as To, ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
};

/// One copy at one destination.
#[derive(Debug, Clone, PartialEq)]
pub struct Copy {
    pub backup_id: i64,
    pub log_id: Option<i64>,
    pub backup_title: String,
    /// `local`, or the id of the Storage Set.
    pub destination: String,
    /// The row's folder there; empty for local.
    pub root: String,
    /// `<folder_name>/<timestamp>`
    pub copy_path: String,
    pub complete: bool,
    /// A local copy that no local row asked for.
    pub staging: bool,
    pub size_bytes: i64,
    /// JSON list of archives.
    pub files: String,
    pub created_at: DateTime<Utc>,
}

/// Adds a copy. One that was known at the same place is replaced.
pub async fn add(tx: &Tx, copy: &Copy) -> Result<(), DbErr> {
    remove(tx, &copy.destination, &copy.root, &copy.copy_path).await?;
    let row = copies::ActiveModel {
        backup_id: To(Some(copy.backup_id)),
        log_id: To(copy.log_id),
        backup_title: To(copy.backup_title.clone()),
        destination: To(copy.destination.clone()),
        root: To(copy.root.clone()),
        copy_path: To(copy.copy_path.clone()),
        complete: To(copy.complete),
        staging: To(copy.staging),
        size_bytes: To(copy.size_bytes),
        files: To(copy.files.clone()),
        created_at: To(copy.created_at),
        ..Default::default()
    };
    row.insert(&**tx).await.map(|_| ())
}

/// Forgets a copy. One that is not known is fine.
pub async fn remove(tx: &Tx, destination: &str, root: &str, copy_path: &str) -> Result<(), DbErr> {
    copies::Entity::delete_many()
        .filter(copies::Column::Destination.eq(destination))
        .filter(copies::Column::Root.eq(root))
        .filter(copies::Column::CopyPath.eq(copy_path))
        .exec(&**tx)
        .await
        .map(|_| ())
}

/// Bytes of the newest complete copy of a Set, anywhere.
pub async fn last_good_bytes(db: &Db, backup_id: i64) -> Result<Option<i64>, DbErr> {
    let newest = copies::Entity::find()
        .filter(copies::Column::BackupId.eq(backup_id))
        .filter(copies::Column::Complete.eq(true))
        .order_by_desc(copies::Column::CreatedAt)
        .order_by_desc(copies::Column::Id)
        .one(db)
        .await?;
    Ok(newest.map(|copy| copy.size_bytes))
}
