//! The secrets of channels: encrypted for their rows, and known to the redactor from the moment they are used.

use super::repo::{Row, SECRET};
use crate::config::Secret;
use crate::crypto::{SealError, Sealer, Spot};
use crate::redact::Redactor;

/// Keeps the keys of channels apart from those of other uses.
pub const PURPOSE: &str = "channels";

#[derive(Debug, Clone)]
pub struct Vault {
    sealer: Sealer,
    redactor: Redactor,
}

/// Where the secret of a channel stands.
pub fn spot(id: i64) -> Spot {
    Spot::new("channels", SECRET, id)
}

impl Vault {
    pub fn new(sealer: Sealer, redactor: Redactor) -> Vault {
        Vault { sealer, redactor }
    }

    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// What an administrator may read.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    pub fn seal(&self, id: i64, secret: &str) -> Result<String, SealError> {
        self.redactor.learn(secret);
        self.sealer.seal(&spot(id), secret)
    }

    /// `None` when the channel has no secret.
    ///
    /// # Errors
    /// `Unreadable`.
    pub fn open(&self, row: &Row) -> Result<Option<Secret>, SealError> {
        let Some(sealed) = row.secret_enc.as_deref() else { return Ok(None) };
        let secret = self.sealer.open(&spot(row.id), sealed)?;
        self.redactor.learn(&secret);
        Ok(Some(Secret::new(secret)))
    }
}
