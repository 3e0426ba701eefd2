//! The secrets of Storage Sets: encrypted for their rows, opened for whoever uses them, and known to the redactor from then on.

use super::repo::uploads::Place;
use super::repo::{ACCESS_TOKEN, CLIENT_SECRET, REFRESH_TOKEN, Row, VERIFIER, links};
use crate::crypto::{SealError, Sealer, Spot};
use crate::redact::Redactor;
use engine::storage::Secret;
use engine::storage::oauth::Grant;

/// Keeps the keys of storages apart from those of other uses.
pub const PURPOSE: &str = "storages";
const TABLE: &str = "storages";

#[derive(Debug, Clone)]
pub struct Vault {
    sealer: Sealer,
    redactor: Redactor,
}

/// Where a secret of a Storage Set stands.
pub fn spot(column: &str, id: i64) -> Spot {
    Spot::new(TABLE, column, id)
}

/// Where the state of an upload stands.
pub fn upload_spot(place_hash: &str) -> Spot {
    Spot::new("uploads", "state_enc", place_hash)
}

impl Vault {
    pub fn new(sealer: Sealer, redactor: Redactor) -> Vault {
        Vault { sealer, redactor }
    }

    /// What an administrator may read.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    /// Keeps a secret that came in, and lasts, from being shown.
    pub fn learn(&self, secret: &Secret) {
        self.redactor.learn(secret.expose());
    }

    /// The same for one that is good for an hour at most. Not for what nobody has vouched for: whoever can bring in texts that are masked can
    /// make messages unreadable.
    pub fn learn_passing(&self, secret: &Secret) {
        self.redactor.learn_passing(secret.expose());
    }

    fn learn_for(&self, column: &str, secret: &Secret) {
        match column {
            ACCESS_TOKEN | VERIFIER => self.learn_passing(secret),
            _ => self.learn(secret),
        }
    }

    fn open(&self, column: &str, id: i64, sealed: &str) -> Result<Secret, SealError> {
        let secret = Secret::new(self.sealer.open(&spot(column, id), sealed)?);
        self.learn_for(column, &secret);
        Ok(secret)
    }

    fn seal(&self, column: &str, id: i64, secret: &Secret) -> Result<String, SealError> {
        self.learn_for(column, secret);
        self.sealer.seal(&spot(column, id), secret.expose())
    }

    pub fn seal_client_secret(&self, id: i64, secret: &Secret) -> Result<String, SealError> {
        self.seal(CLIENT_SECRET, id, secret)
    }

    pub fn client_secret(&self, row: &Row) -> Result<Option<Secret>, SealError> {
        row.client_secret_enc.as_deref().map(|s| self.open(CLIENT_SECRET, row.id, s)).transpose()
    }

    pub fn seal_verifier(&self, id: i64, verifier: &Secret) -> Result<String, SealError> {
        self.seal(VERIFIER, id, verifier)
    }

    pub fn verifier(&self, row: &Row) -> Result<Option<Secret>, SealError> {
        row.link_verifier_enc.as_deref().map(|s| self.open(VERIFIER, row.id, s)).transpose()
    }

    pub fn seal_tokens(&self, id: i64, grant: &Grant) -> Result<links::Tokens, SealError> {
        Ok(links::Tokens {
            access_token_enc: self.seal(ACCESS_TOKEN, id, &grant.access_token)?,
            access_token_expires_at: grant.access_expires_at,
            refresh_token_enc: self.seal(REFRESH_TOKEN, id, &grant.refresh_token)?,
        })
    }

    /// The grant of a linked row; `None` when there is none.
    pub fn grant(&self, row: &Row) -> Result<Option<Grant>, SealError> {
        let Some(refresh) = row.refresh_token_enc.as_deref().filter(|_| row.linked) else { return Ok(None) };
        let refresh_token = self.open(REFRESH_TOKEN, row.id, refresh)?;
        // An access token that cannot be had is one that has run out.
        let access = row.access_token_enc.as_deref().and_then(|s| self.open(ACCESS_TOKEN, row.id, s).ok());
        let expires_at = row.access_token_expires_at.filter(|_| access.is_some());
        Ok(Some(Grant {
            access_token: access.unwrap_or_else(|| Secret::new("")),
            access_expires_at: expires_at.unwrap_or_default(),
            refresh_token,
            generation: row.link_generation,
        }))
    }

    pub fn seal_state(&self, place: &Place<'_>, state: &str) -> Result<String, SealError> {
        self.sealer.seal(&upload_spot(&place.hash()), state)
    }

    pub fn state(&self, place: &Place<'_>, sealed: &str) -> Result<String, SealError> {
        self.sealer.open(&upload_spot(&place.hash()), sealed)
    }

    /// Whether everything secret of the row can be read.
    pub fn reads(&self, row: &Row) -> bool {
        self.client_secret(row).is_ok() && self.grant(row).is_ok()
    }
}
