//! The secrets of channels under a new key.

use super::repo;
use super::vault::spot;
use crate::crypto::Sealer;
use crate::db;

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    pub secrets: usize,
    /// Those that the old key does not open; they stay as they are, and have to be entered again.
    pub unreadable: usize,
}

/// Seals every secret with `new` that `old` opens, as a part of the transaction that changes the key.
pub async fn reseal(tx: &db::Tx, old: &Sealer, new: &Sealer) -> Result<Resealed, db::Error> {
    let again = |id: i64, text: &str| match old.open(&spot(id), text) {
        Ok(plain) => new.seal(&spot(id), &plain).map(Some).map_err(|e| db::Error::Custom(e.to_string())),
        Err(_) => Ok(None),
    };
    let (secrets, unreadable) = repo::reseal(tx, again).await?;
    Ok(Resealed { secrets, unreadable })
}
