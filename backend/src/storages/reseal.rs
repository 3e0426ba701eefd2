//! Secrets under a new key.

use super::repo;
use super::vault::{spot, upload_spot};
use crate::crypto::Sealer;
use crate::db::{self, Db};

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    pub secrets: usize,
    /// Those that the old key does not open; they stay as they are, and have to be entered again.
    pub unreadable: usize,
}

/// Seals every secret with `new` that `old` opens, in one transaction with `also`.
pub async fn reseal<W>(
    db: &Db,
    old: &Sealer,
    new: &Sealer,
    also: impl Fn(db::Tx) -> W,
) -> Result<Resealed, db::Error>
where
    W: Future<Output = Result<(), db::Error>>,
{
    let again = |spot: &crate::crypto::Spot, text: &str| match old.open(spot, text) {
        Ok(plain) => new.seal(spot, &plain).map(Some).map_err(|e| db::Error::Custom(e.to_string())),
        Err(_) => Ok(None),
    };
    let secret = |s: &repo::Sealed| again(&spot(s.column, s.id), &s.text);
    let upload = |place: &str, text: &str| again(&upload_spot(place), text);
    let (secrets, unreadable) = repo::reseal(db, secret, upload, also).await?;
    Ok(Resealed { secrets, unreadable })
}
