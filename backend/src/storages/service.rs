//! The rules of Storage Sets.

use super::accounts::Accounts;
use super::clouds::Clouds;
use super::convert;
use super::error::Error;
use super::grants;
use super::link::Pending;
use super::query::StorageQuery;
use super::repo::{self, Content, Deleted, LinkChange, Row, Saved};
use super::vault::Vault;
use crate::clock::SharedClock;
use crate::db::{self, Db};
use crate::notifications::NotificationsService;
use crate::users::UsersService;
use crate::wire;
use contract::{
    FieldError, StorageOptions, StorageRow, StorageSet, StorageSetInput, StorageSetPage, StorageType,
    StorageWarning, filled, path_error, place_of,
};
use engine::storage::Secret;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

/// How often a save without `If-Match` is tried again when somebody else saves at the same time.
const SAVE_ATTEMPTS: u32 = 5;
/// More Storage Sets than anybody has.
const MAX_OPTIONS: u64 = 1000;

/// How browsers and providers reach this server. Known once it listens.
#[derive(Debug, Clone)]
pub struct PublicUrl {
    known: Arc<OnceLock<String>>,
    guess: Arc<str>,
}

impl PublicUrl {
    /// `guess` holds until the server listens.
    pub fn new(guess: &str) -> Self {
        PublicUrl { known: Arc::default(), guess: guess.into() }
    }

    pub fn set(&self, url: &str) {
        // A server listens once.
        let _ = self.known.set(url.trim_end_matches('/').to_owned());
    }

    pub fn get(&self) -> &str {
        self.known.get().map_or(&self.guess, String::as_str)
    }

    /// Where providers send browsers after the consent page.
    pub fn redirect_uri(&self) -> String {
        format!("{}/oauth/callback", self.get())
    }
}

/// What Storage Sets need of the house.
pub struct Parts {
    pub db: Db,
    pub clock: SharedClock,
    pub vault: Vault,
    pub clouds: Arc<dyn Clouds>,
    pub notifications: NotificationsService,
    pub users: UsersService,
    pub public_url: PublicUrl,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct StoragesService {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub parts: Parts,
    pub accounts: Accounts,
    pub pending: Pending,
}

impl StoragesService {
    pub fn new(parts: Parts) -> Self {
        let (accounts, pending) = (Accounts::default(), Pending::default());
        StoragesService { inner: Arc::new(Inner { parts, accounts, pending }) }
    }

    fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    pub async fn get(&self, id: i64) -> Result<StorageSet, Error> {
        let row = repo::find(&self.parts().db, id).await?.ok_or(Error::Missing(id))?;
        self.shown(vec![row]).await?.pop().ok_or(Error::Missing(id))
    }

    pub async fn list(&self, query: &StorageQuery) -> Result<StorageSetPage, Error> {
        let page = query.page().map_err(Error::Invalid)?;
        let order = query.order().map_err(Error::Invalid)?;
        let kind = query.kind.map(wire::name);
        let filter = repo::Filter { enabled: query.enabled, kind, q: query.q.clone() };
        let range = (page.offset(), u64::from(page.per_page));
        let (rows, total) = repo::list(&self.parts().db, &filter, order, range).await?;
        let items = self.shown(rows).await?;
        let total = i64::try_from(total).unwrap_or(i64::MAX);
        Ok(StorageSetPage { items, page: page.page, per_page: page.per_page, total })
    }

    /// What the form of Backup Sets chooses from, by title.
    pub async fn options(&self) -> Result<StorageOptions, Error> {
        let rows = repo::first(&self.parts().db, MAX_OPTIONS).await?;
        let items = rows.into_iter().map(|row| convert::option(row, &self.parts().vault));
        let redirect_uri = self.parts().public_url.redirect_uri();
        Ok(StorageOptions { items: items.collect::<Result<_, _>>()?, redirect_uri })
    }

    async fn shown(&self, rows: Vec<Row>) -> Result<Vec<StorageSet>, db::Error> {
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut used_by = repo::used_by(&self.parts().db, &ids).await?;
        let redirect_uri = self.parts().public_url.redirect_uri();
        let show = |row: Row| {
            let used_by = used_by.remove(&row.id).unwrap_or_default();
            convert::storage_set(row, &self.parts().vault, &redirect_uri, used_by)
        };
        rows.into_iter().map(show).collect()
    }

    pub async fn create(&self, input: &StorageSetInput) -> Result<StorageSet, Error> {
        let Some(secret) = secret(input) else { return Err(secret_missing(input.kind)) };
        if filled(input.authentication_code.as_deref()).is_some() {
            let text = "Save the Storage Set first, then link the account: the code belongs to a linking that was started here.";
            return Err(Error::field("authentication_code", "conflict", text));
        }
        let Parts { db, clock, vault, .. } = self.parts();
        vault.learn(&secret);
        let content = convert::content(input);
        let seal = |id| vault.seal_client_secret(id, &secret).map_err(|e| db::Error::Custom(e.to_string()));
        let saved = repo::create(db, &content, seal, clock.now()).await?;
        let id = done(0, saved, &content)?;
        tracing::info!(storage.id = id, storage.kind = content.kind, "a Storage Set was made");
        self.get(id).await
    }

    /// Replaces what the input says; a secret that is left out stays. With `expected` it must still have that revision. A code is exchanged
    /// first: when that fails, nothing is saved. `user_id` is who saves.
    pub async fn update(
        &self,
        id: i64,
        expected: Option<i64>,
        user_id: i64,
        input: &StorageSetInput,
    ) -> Result<StorageSet, Error> {
        let Parts { db, clock, vault, .. } = self.parts();
        let content = convert::content(input);
        let secret = secret(input);
        let mut warnings = Vec::new();
        for attempt in 1.. {
            let old = repo::find(db, id).await?.ok_or(Error::Missing(id))?;
            if expected.is_some_and(|revision| revision != old.revision) {
                return Err(Error::Changed);
            }
            check_change(&old, input, &content, secret.is_some())?;
            if repo::title_taken(db, Some(id), &content.title).await? {
                return Err(Error::TitleTaken(content.title));
            }
            let sealed = secret.as_ref().map(|s| vault.seal_client_secret(id, s)).transpose()?;
            let link = self.link_change(&old, user_id, input, &content, secret.as_ref()).await?;
            warnings = change_warnings(&old, &content, &link);
            let saved =
                repo::update(db, (id, old.revision), &content, sealed.as_deref(), &link, clock.now()).await?;
            if saved == Saved::Changed && expected.is_none() && attempt < SAVE_ATTEMPTS {
                continue;
            }
            done(id, saved, &content)?;
            if link != LinkChange::Keep {
                self.inner.link_changed(id, &link).await;
            }
            break;
        }
        let mut saved = self.get(id).await?;
        saved.warnings.extend(warnings);
        Ok(saved)
    }

    async fn link_change(
        &self,
        old: &Row,
        user_id: i64,
        input: &StorageSetInput,
        content: &Content,
        secret: Option<&Secret>,
    ) -> Result<LinkChange, Error> {
        let other_client = old.client_id != content.client_id;
        if let Some(code) = filled(input.authentication_code.as_deref()) {
            if other_client {
                let text = format!(
                    "The code was given for the {} as it was before. Save the change alone, then link the account again.",
                    input.kind.client_id_label()
                );
                return Err(Error::field("authentication_code", "conflict", text));
            }
            let confirmed = input.confirm_other_account || old.link_confirmed;
            let linked = self.inner.by_hand(old, user_id, content, secret, (code, confirmed)).await?;
            return Ok(LinkChange::New(linked));
        }
        if !input.kind.is_linked_by_consent() || !(other_client || old.tenant != content.tenant) {
            return Ok(LinkChange::Keep);
        }
        // Without an account there is nothing to lose sight of.
        if !other_client || old.account_id.is_none() {
            return Ok(LinkChange::OtherApp(old.link_generation));
        }
        if !input.confirm_other_account {
            return Err(Error::OtherAccount(other_client_means(old, input.kind)));
        }
        Ok(LinkChange::Drop)
    }

    /// Not while a Backup Set sends copies there. What is stored at the destination stays.
    pub async fn delete(&self, id: i64, expected: Option<i64>) -> Result<(), Error> {
        match repo::delete(&self.parts().db, id, expected).await? {
            Deleted::Done => {
                self.inner.accounts.forget(id);
                self.parts().notifications.settle(&grants::matter(id)).await?;
                tracing::info!(storage.id = id, "a Storage Set was deleted");
                Ok(())
            }
            Deleted::Missing => Err(Error::Missing(id)),
            Deleted::Changed => Err(Error::Changed),
            Deleted::InUse(sets) => Err(Error::InUse(sets)),
        }
    }

    /// What is wrong with the rows of a Backup Set: Storage Sets that do not exist, paths that their types do not take, and the same folder
    /// twice: what one row's sweep or clearing up removes, the other would have reported.
    pub async fn row_errors(&self, rows: &[StorageRow]) -> Result<Vec<FieldError>, db::Error> {
        let ids: Vec<i64> = rows.iter().filter_map(|row| row.storage_id).collect();
        let found = repo::find_all(&self.parts().db, &ids).await?;
        let (mut errors, mut places) = (Vec::new(), HashSet::new());
        for (i, row) in rows.iter().enumerate() {
            let Some(id) = row.storage_id else { continue };
            let Some(storage) = found.get(&id) else {
                let field = format!("storages[{i}].storage_id");
                errors.push(FieldError::new(field, "unknown", grants::missing(id)));
                continue;
            };
            let kind = wire::parse(&storage.kind)?;
            let problem = path_error(kind, &row.path);
            if let Some(message) = problem {
                let code = if row.path.is_empty() { "required" } else { "format" };
                errors.push(FieldError::new(format!("storages[{i}].path"), code, message));
            } else if !places.insert((id, place_of(kind, &row.path))) {
                let message = "Another row of this Backup Set sends copies to the same folder. Choose another folder, or remove the row.";
                errors.push(FieldError::new(format!("storages[{i}].path"), "duplicate", message));
            }
        }
        Ok(errors)
    }
}

fn done(id: i64, saved: Saved, content: &Content) -> Result<i64, Error> {
    match saved {
        Saved::Done(id) => Ok(id),
        Saved::Missing => Err(Error::Missing(id)),
        Saved::Changed => Err(Error::Changed),
        Saved::TitleTaken => Err(Error::TitleTaken(content.title.clone())),
    }
}

fn secret(input: &StorageSetInput) -> Option<Secret> {
    filled(input.client_secret.as_deref()).map(Secret::new)
}

fn secret_missing(kind: StorageType) -> Error {
    Error::field("client_secret", "required", format!("Enter the {}.", kind.client_secret_label()))
}

/// What only the stored row can tell.
fn check_change(
    old: &Row,
    input: &StorageSetInput,
    content: &Content,
    has_secret: bool,
) -> Result<(), Error> {
    if old.kind != content.kind {
        let text = "The type of a Storage Set stays as it is. Make another Storage Set for another type.";
        return Err(Error::field("type", "fixed", text));
    }
    if old.client_secret_enc.is_none() && !has_secret {
        return Err(secret_missing(input.kind));
    }
    Ok(())
}

fn other_client_means(old: &Row, kind: StorageType) -> String {
    let label = kind.client_id_label();
    let hides = if kind == StorageType::GoogleDrive {
        " Google shows an app only what the same app has stored: copies that were stored with the old Client ID stay in the account, but \
         Storekeep no longer sees them, and does not remove old ones."
    } else {
        ""
    };
    format!(
        "Another {label} ends the link to {}: the account has to be linked again.{hides} Save with `confirm_other_account` if that is what \
         you want.",
        old.account.as_deref().unwrap_or("the account")
    )
}

/// What an administrator should know of what was just saved.
fn change_warnings(old: &Row, content: &Content, link: &LinkChange) -> Vec<StorageWarning> {
    let mut warnings = Vec::new();
    match link {
        LinkChange::Drop => {
            let text = "The link has ended with the change. Link the account again; until then no copies are sent there.";
            warnings.push(convert::warning("client_changed", text));
        }
        LinkChange::New(linked) if old.account_id.as_ref().is_some_and(|id| *id != linked.account_id) => {
            let text = "The Storage Set is linked to another account now. Copies in the account before stay there, but Storekeep no longer \
                        sees them, and does not remove old ones.";
            warnings.push(convert::warning("other_account", text));
        }
        _ => {}
    }
    if old.endpoint != content.endpoint {
        let text = "The endpoint is another one now. Copies at the one before stay there, but Storekeep no longer sees them, and does not \
                    remove old ones.";
        warnings.push(convert::warning("place_changed", text));
    }
    warnings
}
