//! The rules of the inbox: one matter is posted once while it is open, and settled when it is over.

use super::error::Error;
use super::query::NotificationQuery;
use super::repo::{self, Post, Row};
use crate::clock::SharedClock;
use crate::db::{self, Db, Tx};
use crate::wire;
use contract::{Notification, NotificationPage, Severity};

/// Longer titles are cut.
const TITLE: usize = 200;

/// Something to be posted. `key` names the matter: while one with this key is open, no second one is posted.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    pub severity: Severity,
    pub title: &'a str,
    pub message: &'a str,
    pub key: &'a str,
}

#[derive(Clone)]
pub struct NotificationsService {
    db: Db,
    clock: SharedClock,
}

impl NotificationsService {
    pub fn new(db: Db, clock: SharedClock) -> Self {
        NotificationsService { db, clock }
    }

    /// False when the matter is open already.
    pub async fn post(&self, notice: Notice<'_>) -> Result<bool, db::Error> {
        repo::post(&self.db, &self.draft(&notice)).await
    }

    fn draft(&self, notice: &Notice<'_>) -> Post {
        Post {
            severity: wire::name(notice.severity),
            title: notice.title.chars().take(TITLE).collect(),
            message: notice.message.to_owned(),
            dedupe_key: notice.key.to_owned(),
            now: self.clock.now(),
        }
    }

    /// Posts it, or makes the open notice about the matter say this.
    pub async fn replace(&self, notice: &Notice<'_>) -> Result<(), db::Error> {
        let post = &self.draft(notice);
        // When another one was faster, the second attempt finds theirs.
        for _ in 0..2 {
            if db::transaction(&self.db, |tx| async move { repo::replace(&tx, post).await }).await.is_ok() {
                return Ok(());
            }
        }
        db::transaction(&self.db, |tx| async move { repo::replace(&tx, post).await }).await
    }

    /// The same as a part of a transaction that has changed a row before which nobody changes who posts about this matter.
    pub async fn replace_in(&self, tx: &Tx, notice: &Notice<'_>) -> Result<(), db::Error> {
        repo::replace(tx, &self.draft(notice)).await
    }

    /// [`NotificationsService::settle`] as a part of a transaction.
    pub async fn settle_in(&self, tx: &Tx, key: &str) -> Result<(), db::Error> {
        repo::settle_in(tx, key, self.clock.now()).await
    }

    /// The matter is over. None open is fine.
    pub async fn settle(&self, key: &str) -> Result<(), db::Error> {
        repo::settle(&self.db, key, self.clock.now()).await
    }

    pub async fn list(&self, query: &NotificationQuery) -> Result<NotificationPage, Error> {
        let page = query.page().map_err(Error::Invalid)?;
        let order = query.order().map_err(Error::Invalid)?;
        let range = (page.offset(), u64::from(page.per_page));
        let (rows, total) = repo::list(&self.db, query.open, order, range).await?;
        let items = rows.into_iter().map(notification).collect::<Result<_, _>>()?;
        let total = i64::try_from(total).unwrap_or(i64::MAX);
        Ok(NotificationPage { items, page: page.page, per_page: page.per_page, total })
    }

    pub async fn dismiss(&self, id: i64) -> Result<(), Error> {
        if repo::dismiss(&self.db, id, self.clock.now()).await? { Ok(()) } else { Err(Error::Missing(id)) }
    }
}

fn notification(row: Row) -> Result<Notification, db::Error> {
    Ok(Notification {
        id: row.id,
        severity: wire::parse(&row.severity)?,
        title: row.title,
        message: row.message,
        created_at: row.created_at,
        dismissed_at: row.dismissed_at,
    })
}
