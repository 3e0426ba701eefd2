//! Channels and the outbox in the database.

use crate::db::{self, Db, Tx};
use crate::entity::{backups, channels, logs, messages};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set as To, ColumnTrait, DbErr, EntityTrait, ExprTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};

pub const EMAIL: &str = "email";
pub const WEBHOOK: &str = "webhook";
/// The column of secrets, as they are bound to their place.
pub const SECRET: &str = "secret_enc";

/// A channel as it is stored.
pub type Row = channels::Model;
/// A message in the outbox.
pub type Message = messages::Model;

/// What becomes of the secret of a channel that is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewSecret {
    Keep,
    Clear,
    /// Sealed for the row.
    Set(String),
}

#[derive(Debug, Clone)]
pub struct Change {
    pub kind: &'static str,
    pub enabled: bool,
    /// JSON.
    pub config: String,
    pub secret: NewSecret,
}

pub async fn channel(db: &Db, kind: &str) -> Result<Option<Row>, DbErr> {
    channels::Entity::find().filter(channels::Column::Kind.eq(kind)).one(db).await
}

/// Saves all channels, or none when `expected` is not their revision (any more): that of the e-mail channel, which is saved with every other.
pub async fn save(db: &Db, expected: Option<i64>, changes: &[Change]) -> Result<bool, DbErr> {
    db::transaction(db, |tx| async move {
        let mut revision = channels::Entity::update_many()
            .col_expr(channels::Column::Revision, Expr::col(channels::Column::Revision).add(1))
            .filter(channels::Column::Kind.eq(EMAIL));
        if let Some(expected) = expected {
            revision = revision.filter(channels::Column::Revision.eq(expected));
        }
        if revision.exec(&*tx).await?.rows_affected == 0 {
            return Ok(false);
        }
        for change in changes {
            let mut update = channels::Entity::update_many()
                .col_expr(channels::Column::Enabled, Expr::value(change.enabled))
                .col_expr(channels::Column::Config, Expr::value(change.config.clone()))
                .filter(channels::Column::Kind.eq(change.kind));
            update = match &change.secret {
                NewSecret::Keep => update,
                NewSecret::Clear => update.col_expr(channels::Column::SecretEnc, Expr::value(None::<String>)),
                NewSecret::Set(sealed) => {
                    update.col_expr(channels::Column::SecretEnc, Expr::value(sealed.clone()))
                }
            };
            update.exec(&*tx).await?;
        }
        Ok(true)
    })
    .await
}

/// Puts a message into the outbox, once for each channel that is on. Returns for how many.
pub async fn put(tx: &Tx, event: &str, body: &str, now: DateTime<Utc>) -> Result<usize, DbErr> {
    let on = channels::Entity::find()
        .filter(channels::Column::Enabled.eq(true))
        .order_by_asc(channels::Column::Id)
        .all(&**tx)
        .await?;
    let count = on.len();
    for channel in on {
        let message = messages::ActiveModel {
            channel: To(channel.kind),
            event: To(event.to_owned()),
            body: To(body.to_owned()),
            attempts: To(0),
            next_at: To(now),
            created_at: To(now),
            ..Default::default()
        };
        message.insert(&**tx).await?;
    }
    Ok(count)
}

/// The messages of a channel that are to be sent by now, the oldest first.
pub async fn due(db: &Db, channel: &str, now: DateTime<Utc>, limit: u64) -> Result<Vec<Message>, DbErr> {
    messages::Entity::find()
        .filter(messages::Column::Channel.eq(channel))
        .filter(messages::Column::NextAt.lte(now))
        .order_by_asc(messages::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// Takes a message to send it; nobody else does until then. Of any number of servers one succeeds.
pub async fn claim(
    db: &Db,
    message: &Message,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let taken = messages::Entity::update_many()
        .col_expr(messages::Column::Attempts, Expr::value(message.attempts + 1))
        .col_expr(messages::Column::NextAt, Expr::value(until))
        .filter(messages::Column::Id.eq(message.id))
        .filter(messages::Column::Attempts.eq(message.attempts))
        .filter(messages::Column::NextAt.lte(now))
        .exec(db)
        .await?;
    Ok(taken.rows_affected == 1)
}

/// Puts a message off that was taken as the `attempt`th. One that somebody else has taken since stays theirs.
pub async fn put_off(db: &Db, id: i64, attempt: i32, next_at: DateTime<Utc>) -> Result<(), DbErr> {
    messages::Entity::update_many()
        .col_expr(messages::Column::NextAt, Expr::value(next_at))
        .filter(messages::Column::Id.eq(id))
        .filter(messages::Column::Attempts.eq(attempt))
        .exec(db)
        .await
        .map(|_| ())
}

/// It was sent, or nobody wants it any more.
pub async fn remove(db: &Db, id: i64) -> Result<(), DbErr> {
    messages::Entity::delete_by_id(id).exec(db).await.map(|_| ())
}

/// What is known of a Set when one of its passes ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub title: String,
    pub ping_url: Option<String>,
    /// What was told of it and is not over.
    pub trouble: Option<String>,
    /// Somebody asked for the end of the pass.
    pub cancelled: bool,
}

/// `None` when the Set is gone.
pub async fn facts(tx: &Tx, backup_id: i64, log_id: i64) -> Result<Option<Facts>, DbErr> {
    let Some(set) = backups::Entity::find_by_id(backup_id).one(&**tx).await? else { return Ok(None) };
    let cancelled = logs::Entity::find_by_id(log_id)
        .filter(logs::Column::CancelRequestedAt.is_not_null())
        .count(&**tx)
        .await?;
    Ok(Some(Facts {
        title: set.title,
        ping_url: set.ping_url,
        trouble: set.trouble,
        cancelled: cancelled > 0,
    }))
}

/// Notes what was told of a Set; `None` when it is over.
pub async fn set_trouble(tx: &Tx, backup_id: i64, trouble: Option<&str>) -> Result<(), DbErr> {
    backups::Entity::update_many()
        .col_expr(backups::Column::Trouble, Expr::value(trouble.map(str::to_owned)))
        .filter(backups::Column::Id.eq(backup_id))
        .exec(&**tx)
        .await
        .map(|_| ())
}

/// Seals every secret anew. `reseal` gives `None` for one that it cannot read: that stays as it is. Returns how many were sealed anew and how
/// many could not be read.
pub async fn reseal(
    tx: &Tx,
    reseal: impl Fn(i64, &str) -> Result<Option<String>, DbErr>,
) -> Result<(usize, usize), DbErr> {
    let (mut done, mut unreadable) = (0, 0);
    for row in channels::Entity::find().lock_exclusive().all(&**tx).await? {
        let Some(text) = row.secret_enc.as_deref() else { continue };
        let Some(new) = reseal(row.id, text)? else {
            unreadable += 1;
            continue;
        };
        done += 1;
        channels::Entity::update_many()
            .col_expr(channels::Column::SecretEnc, Expr::value(new))
            .filter(channels::Column::Id.eq(row.id))
            .exec(&**tx)
            .await?;
    }
    Ok((done, unreadable))
}
