//! Linking accounts: the way to the consent page, and what comes back from it, by the browser or by hand.
//!
//! `state` and verifier are random, used once and good for ten minutes. They are bound to who asked: a linking is over as soon as that
//! person's sessions are. A failure leaves an existing link as it is.

use super::convert::{google_testing_mode, settings, warning};
use super::error::Error;
use super::grants::{self, FreshGrant, unreadable};
use super::repo::links::{self, Begin, Linked};
use super::repo::{self, Content, LinkChange, Row};
use super::service::{Inner, StoragesService};
use crate::crypto::{OpaqueToken, hash_token};
use crate::wire;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use contract::{Resource, StorageLink, StorageLinkInput, StorageType, StorageWarning};
use engine::storage::oauth::{App, Grant, Linking};
use engine::storage::{Secret, StorageKind};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

const LIFETIME: TimeDelta = TimeDelta::minutes(10);
const CODE: &str = "authentication_code";

/// Grants that were exchanged but not agreed to yet, by Storage Set: a code can be exchanged once only, and whoever agrees to another
/// account sends the same code again.
#[derive(Default)]
pub struct Pending(Mutex<HashMap<i64, Exchanged>>);

#[derive(Clone)]
struct Exchanged {
    code_hash: String,
    generation: i64,
    grant: Arc<FreshGrant>,
    until: DateTime<Utc>,
}

impl Pending {
    fn put(&self, id: i64, exchanged: Exchanged) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, exchanged);
    }

    fn get(&self, id: i64, code_hash: &str, generation: i64, now: DateTime<Utc>) -> Option<Arc<FreshGrant>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, e| e.until > now);
        let found = all.get(&id)?;
        (found.code_hash == code_hash && found.generation == generation).then(|| Arc::clone(&found.grant))
    }

    fn remove(&self, id: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// What a provider sent a browser back with.
#[derive(Debug, Default)]
pub struct Returned {
    pub code: Option<Secret>,
    pub state: Option<Secret>,
    pub error: Option<String>,
}

/// Longer values are no provider's.
const MAX_CODE: usize = 8000;

impl Returned {
    /// Providers add parameters of their own, which mean nothing here.
    pub fn parse(query: &str) -> Returned {
        let mut returned = Returned::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if value.is_empty() || value.len() > MAX_CODE {
                continue;
            }
            match name.as_ref() {
                "code" => returned.code = Some(Secret::new(value)),
                "state" => returned.state = Some(Secret::new(value)),
                "error" => returned.error = Some(value.into_owned()),
                _ => {}
            }
        }
        returned
    }
}

/// What the browser is shown then.
#[derive(Debug, PartialEq, Eq)]
pub enum Landing {
    Linked {
        storage: Named,
        account: String,
    },
    /// The person said no.
    Cancelled,
    /// The code is good for entering it by hand.
    Copy {
        storage: Option<Named>,
        code: String,
        why: String,
    },
    Failed {
        storage: Option<Named>,
        why: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub id: i64,
    pub title: String,
}

impl Named {
    fn of(row: &Row) -> Named {
        Named { id: row.id, title: row.title.clone() }
    }
}

impl StoragesService {
    /// Starts a linking; one that was under way is over with it.
    pub async fn link(&self, id: i64, user_id: i64, input: &StorageLinkInput) -> Result<StorageLink, Error> {
        let parts = &self.inner.parts;
        let row = repo::find(&parts.db, id).await?.ok_or(Error::Missing(id))?;
        let kind: StorageType = wire::parse(&row.kind)?;
        if !kind.is_linked_by_consent() {
            return Err(Error::field(
                "type",
                "conflict",
                "Amazon S3 needs no linking: its keys are all it takes.",
            ));
        }
        let app = self.inner.app(&row, kind)?;
        let provider = parts.clouds.provider(wire::parse(&row.kind)?, row.tenant.as_deref());
        let provider =
            provider.map_err(|e| Error::of_provider("type", &e, parts.vault.redact(&e.message)))?;
        let account = parts.users.account(user_id).await?;
        let account = account.ok_or(crate::users::Error::UserNotFound(user_id))?;

        let (state, verifier) = (OpaqueToken::random(), Secret::new(OpaqueToken::random().expose()));
        parts.vault.learn_passing(&Secret::new(state.expose()));
        let expires_at = parts.clock.now() + LIFETIME;
        let redirect_uri = parts.public_url.redirect_uri();
        let begin = Begin {
            state_hash: &state.hash(),
            verifier_enc: &parts.vault.seal_verifier(id, &verifier)?,
            expires_at,
            user_id,
            user_version: account.token_version,
            redirect_uri: &redirect_uri,
            confirmed: input.confirm_other_account,
        };
        if !links::begin(&parts.db, id, &begin).await? {
            return Err(Error::Missing(id));
        }
        let linking = Linking { app: &app, redirect_uri: &redirect_uri };
        let authorize_url = provider.consent_url(&linking, state.expose(), &challenge(&verifier)).to_string();
        let warnings = link_warnings(&row, kind, &redirect_uri, input.confirm_other_account);
        Ok(StorageLink { authorize_url, redirect_uri, expires_at, warnings })
    }

    /// What a browser that a provider sent back is shown. Finishes the link when this server started it.
    pub async fn returned(&self, returned: Returned) -> Landing {
        let parts = &self.inner.parts;
        let taken = match &returned.state {
            Some(state) => links::take_state(&parts.db, &hash_token(state.expose())).await,
            None => Ok(None),
        };
        match taken {
            Ok(Some(row)) => {
                // Only now: anybody can call this with anything, and what is learnt is masked in every message.
                if let Some(code) = &returned.code {
                    parts.vault.learn_passing(code);
                }
                self.inner.landing(&row, returned).await
            }
            Ok(None) => unknown(returned),
            Err(error) => {
                tracing::error!(%error, "the metadata database failed while an account was to be linked");
                let why = "This server cannot reach its database right now, so the link was not finished.";
                match returned.code {
                    Some(code) => {
                        Landing::Copy { storage: None, code: code.expose().into(), why: why.into() }
                    }
                    None => Landing::Failed { storage: None, why: why.into() },
                }
            }
        }
    }
}

/// A state that this server did not give out, or gave out and took back already.
fn unknown(returned: Returned) -> Landing {
    match returned {
        Returned { error: Some(error), .. } if error == "access_denied" => Landing::Cancelled,
        Returned { code: Some(code), error: None, .. } => Landing::Copy {
            storage: None,
            code: code.expose().into(),
            why: "This server is not waiting for this link: it was finished, started anew, or started elsewhere.".into(),
        },
        _ => Landing::Failed {
            storage: None,
            why: "This server is not waiting for a link. Start the linking in the Storage Set.".into(),
        },
    }
}

impl Inner {
    async fn landing(&self, row: &Row, returned: Returned) -> Landing {
        let storage = Some(Named::of(row));
        if let Some(error) = returned.error {
            if error == "access_denied" {
                return Landing::Cancelled;
            }
            let known = error.len() <= 64 && error.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let what = if known { error.as_str() } else { "an error" };
            let why = format!(
                "The provider answered with {what}. Check the app's settings at the provider: its redirect URI, its permissions, and who may \
                 use it."
            );
            return Landing::Failed { storage, why };
        }
        let Some(code) = returned.code else {
            let why = "The provider sent no code. Start the linking again.".into();
            return Landing::Failed { storage, why };
        };
        if let Err(why) = self.may_still_link(row).await {
            return Landing::Failed { storage, why };
        }
        match self.finish(row, &code).await {
            Ok(linked) => Landing::Linked { storage: Named::of(row), account: linked.account },
            Err(error) => {
                let again = matches!(error, Error::OtherAccount(_) | Error::Unreachable(_));
                let why = told(error);
                match again {
                    true => Landing::Copy { storage, code: code.expose().into(), why },
                    false => Landing::Failed { storage, why },
                }
            }
        }
    }

    /// Whoever asked must still be the same, and allowed to.
    async fn may_still_link(&self, row: &Row) -> Result<(), String> {
        if row.link_expires_at.is_none_or(|at| at <= self.parts.clock.now()) {
            return Err("Linking took longer than ten minutes. Start it again.".into());
        }
        let account = match row.link_user_id {
            Some(id) => self.parts.users.account(id).await,
            None => Ok(None),
        };
        let account = account.map_err(|error| told(error.into()))?;
        let fine = account.is_some_and(|a| {
            a.enabled
                && Some(a.token_version) == row.link_user_version
                && a.grants.allows(Resource::StoragesSave)
        });
        if fine {
            Ok(())
        } else {
            Err("Whoever started this linking is no longer signed in. Start it again.".into())
        }
    }

    async fn finish(&self, row: &Row, code: &Secret) -> Result<Linked, Error> {
        let kind: StorageType = wire::parse(&row.kind)?;
        let app = self.app(row, kind)?;
        let linked = self.obtain(row, app, code, row.link_confirmed).await?;
        if !links::finish(&self.parts.db, row.id, &linked, self.parts.clock.now()).await? {
            return Err(Error::field(
                CODE,
                "conflict",
                "The account was linked, or its app changed, by somebody else meanwhile. Start the linking again.",
            ));
        }
        self.link_changed(row.id, &LinkChange::New(linked.clone())).await;
        Ok(linked)
    }

    /// What has to follow once a link was stored.
    pub async fn link_changed(&self, id: i64, link: &LinkChange) {
        self.pending.remove(id);
        if matches!(link, LinkChange::OtherApp(_)) {
            tracing::info!(storage.id = id, "a linking that was under way ends with its app");
            return;
        }
        if let Err(error) = self.parts.notifications.settle(&grants::matter(id)).await {
            tracing::error!(storage.id = id, %error, "the inbox could not be brought up to date");
        }
        match link {
            LinkChange::New(_) => tracing::info!(storage.id = id, "an account was linked"),
            LinkChange::Drop => tracing::info!(storage.id = id, "a link has ended with its app"),
            LinkChange::Keep | LinkChange::OtherApp(_) => {}
        }
    }

    /// A code that was entered in the form, with what else the form says. The caller stores what comes of it.
    pub async fn by_hand(
        &self,
        row: &Row,
        user_id: i64,
        content: &Content,
        secret: Option<&Secret>,
        (entered, confirmed): (&str, bool),
    ) -> Result<Linked, Error> {
        let code = Secret::new(code_of(entered).ok_or_else(|| {
            let text = "There is no code in this address. Copy the whole address that the provider sent the browser to.";
            Error::field(CODE, "format", text)
        })?);
        let again = "Use Link the account and enter the code that comes of it within ten minutes.";
        if row.link_verifier_enc.is_none() {
            let text = format!("No linking is under way for this Storage Set. {again}");
            return Err(Error::field(CODE, "conflict", text));
        }
        if row.link_user_id != Some(user_id) {
            let text = format!("Somebody else has started this linking. {again}");
            return Err(Error::field(CODE, "conflict", text));
        }
        self.may_still_link(row).await.map_err(|text| Error::field(CODE, "expired", text))?;
        self.parts.vault.learn_passing(&code);
        let kind: StorageType = wire::parse(&row.kind)?;
        let app = match secret {
            Some(secret) => App { client_id: content.client_id.clone(), client_secret: secret.clone() },
            None => self.app(row, kind)?,
        };
        let row = Row { tenant: content.tenant.clone(), ..row.clone() };
        self.obtain(&row, app, &code, confirmed).await
    }

    /// The app that a row knows.
    fn app(&self, row: &Row, kind: StorageType) -> Result<App, Error> {
        match self.parts.vault.client_secret(row) {
            Ok(Some(client_secret)) => Ok(App { client_id: row.client_id.clone(), client_secret }),
            Ok(None) => {
                let text =
                    format!("Enter the {} and save, then link the account.", kind.client_secret_label());
                Err(Error::field("client_secret", "required", text))
            }
            Err(_) => Err(Error::field("client_secret", "unreadable", unreadable(&row.title, true))),
        }
    }

    /// Exchanges the code, finds out whose account it is, and holds it against the one before.
    async fn obtain(&self, row: &Row, app: App, code: &Secret, confirmed: bool) -> Result<Linked, Error> {
        let vault = &self.parts.vault;
        let failed = |e: engine::storage::Error| Error::of_provider(CODE, &e, vault.redact(&e.message));
        let (now, generation) = (self.parts.clock.now(), row.link_generation + 1);
        let code_hash = hash_token(code.expose());
        let kind: StorageKind = wire::parse(&row.kind)?;
        let fresh = match self.pending.get(row.id, &code_hash, generation, now) {
            Some(fresh) => fresh,
            None => {
                let grant = self.exchange(row, kind, &app, code, generation).await?;
                let grant = Arc::new(FreshGrant::new(grant));
                let until = now + LIFETIME;
                let exchanged = Exchanged { code_hash, generation, grant: Arc::clone(&grant), until };
                self.pending.put(row.id, exchanged);
                grant
            }
        };
        let settings = settings(row, kind, app.client_secret);
        let cloud = self.parts.clouds.cloud(&settings, Some(fresh.clone())).map_err(failed)?;
        let about = cloud.about().await.map_err(failed)?;
        if let Some(before) = row.account_id.as_ref().filter(|id| **id != about.id && !confirmed) {
            tracing::info!(
                storage.id = row.id,
                "another account was linked than before; nobody has agreed to it yet"
            );
            let known = row.account.as_deref().unwrap_or(before);
            return Err(Error::OtherAccount(format!(
                "The code is for the account {}, but the Storage Set is linked to {known}. Copies in {known} would stay there, but Storekeep \
                 would no longer see them or remove old ones. Choose {known} in the provider's page, or agree to the other account \
                 (`confirm_other_account`) and save with the code again.",
                about.name
            )));
        }
        let tokens = vault.seal_tokens(row.id, &fresh.now())?;
        let cut = |text: &str| text.chars().take(320).collect::<String>();
        Ok(Linked { tokens, account: cut(&about.name), account_id: cut(&about.id), generation })
    }

    async fn exchange(
        &self,
        row: &Row,
        kind: StorageKind,
        app: &App,
        code: &Secret,
        generation: i64,
    ) -> Result<Grant, Error> {
        let parts = &self.parts;
        let failed = |e: engine::storage::Error| Error::of_provider(CODE, &e, parts.vault.redact(&e.message));
        let verifier = match parts.vault.verifier(row) {
            Ok(Some(verifier)) => verifier,
            _ => {
                let text = "The encryption key of this server has changed while the account was being linked. Start the linking again.";
                return Err(Error::field(CODE, "expired", text));
            }
        };
        let provider = parts.clouds.provider(kind, row.tenant.as_deref()).map_err(failed)?;
        let redirect_uri = row.link_redirect_uri.as_deref().unwrap_or_default();
        let linking = Linking { app, redirect_uri };
        let now = parts.clock.now();
        let grant =
            provider.exchange(parts.clouds.http(), &linking, (code, &verifier), generation, now).await;
        let grant = grant.map_err(failed)?;
        parts.vault.learn_passing(&grant.access_token);
        parts.vault.learn(&grant.refresh_token);
        Ok(grant)
    }
}

/// What a person at the browser is told.
fn told(error: Error) -> String {
    match error {
        Error::Invalid(errors) => errors.into_iter().map(|e| e.message).collect::<Vec<_>>().join(" "),
        Error::OtherAccount(text) | Error::Unreachable(text) => text,
        error => {
            tracing::error!(%error, "an account could not be linked");
            "Something went wrong on the server; its log has the cause. Start the linking again.".into()
        }
    }
}

/// RFC 7636, S256.
fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose().as_bytes()))
}

/// The code that somebody entered: as it is, or in the address that the browser was sent to.
fn code_of(entered: &str) -> Option<String> {
    if !entered.starts_with("https://") && !entered.starts_with("http://") {
        return Some(entered.to_owned());
    }
    let query = entered.split_once('?')?.1.split('#').next()?;
    let found = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
    found.map(|(_, code)| code.into_owned()).filter(|code| !code.is_empty())
}

/// What an administrator should know before the provider's page opens.
fn link_warnings(row: &Row, kind: StorageType, redirect_uri: &str, confirmed: bool) -> Vec<StorageWarning> {
    let mut warnings = Vec::new();
    if kind == StorageType::GoogleDrive {
        warnings.push(google_testing_mode());
    }
    if redirect_uri.starts_with("http://") && contract::is_insecure_endpoint(redirect_uri) {
        let text = "Providers send browsers to https addresses only (and to http on the machine itself). Set STOREKEEP_PUBLIC_URL to the https \
                    address of this server, or link with a code that you copy by hand.";
        warnings.push(warning("redirect_not_https", text));
    }
    if let Some(account) = row.account.as_deref().filter(|_| row.account_id.is_some()) {
        let text = if confirmed {
            format!(
                "If you choose another account than {account}, the copies in {account} stay there, but Storekeep no longer sees them."
            )
        } else {
            format!(
                "Choose the account {account}. Another one is refused, since Storekeep would no longer see the copies in {account}."
            )
        };
        warnings.push(warning("other_account", text));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("4/0Ab-c_d", Some("4/0Ab-c_d"))]
    #[case("https://s.example.org/oauth/callback?state=x&code=4%2F0Ab&scope=y#frag", Some("4/0Ab"))]
    #[case("http://localhost:8080/oauth/callback?code=&state=x", None)]
    #[case("http://localhost:8080/oauth/callback", None)]
    fn codes_are_found_in_addresses(#[case] entered: &str, #[case] code: Option<&str>) {
        assert_eq!(code_of(entered).as_deref(), code);
    }

    #[test]
    fn the_challenge_is_the_one_of_the_standard() {
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
