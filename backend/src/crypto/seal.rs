//! Secrets at rest: text that is readable only with the installation's key, and only in the place that it was written for.

use super::MasterKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::fmt;

/// The first part of everything sealed: another way to seal will have another one.
const VERSION: &str = "v1.";

/// AES-256-GCM with random nonces. Cheap to clone.
#[derive(Clone)]
pub struct Sealer(std::sync::Arc<LessSafeKey>);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// Where a sealed text stands: `table.column.row`. It opens nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot(String);

impl Spot {
    pub fn new(table: &str, column: &str, row: impl fmt::Display) -> Spot {
        Spot(format!("{table}.{column}.{row}"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("a secret could not be encrypted")]
    Sealing,
    /// Made under another key, for another place, or damaged: these cannot be told apart.
    #[error("a secret cannot be decrypted: the encryption key has changed, or the row was tampered with")]
    Unreadable,
}

impl Sealer {
    /// `purpose` keeps what is sealed for one use from being opened in another.
    pub fn new(master: &MasterKey, purpose: &'static str) -> Result<Sealer, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, &master.derive(purpose)).map_err(|_| SealError::Sealing)?;
        Ok(Sealer(std::sync::Arc::new(LessSafeKey::new(key))))
    }

    pub fn seal(&self, spot: &Spot, plain: &str) -> Result<String, SealError> {
        let nonce = rand::random::<[u8; NONCE_LEN]>();
        let mut text = plain.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(spot.0.as_bytes()),
                &mut text,
            )
            .map_err(|_| SealError::Sealing)?;
        Ok(format!("{VERSION}{}", URL_SAFE_NO_PAD.encode([&nonce[..], &text[..]].concat())))
    }

    /// # Errors
    /// `Unreadable`.
    pub fn open(&self, spot: &Spot, sealed: &str) -> Result<String, SealError> {
        let unreadable = |_| SealError::Unreadable;
        let encoded = sealed.strip_prefix(VERSION).ok_or(SealError::Unreadable)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| SealError::Unreadable)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or(SealError::Unreadable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(unreadable)?;
        let mut text = text.to_vec();
        let plain =
            self.0.open_in_place(nonce, Aad::from(spot.0.as_bytes()), &mut text).map_err(unreadable)?;
        String::from_utf8(plain.to_vec()).map_err(|_| SealError::Unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&MasterKey::parse(&STANDARD.encode([byte; 32]), "test").unwrap(), "storages").unwrap()
    }

    fn spot(row: i64) -> Spot {
        Spot::new("storages", "client_secret_enc", row)
    }

    #[test]
    fn a_secret_opens_in_its_own_place_alone_and_with_its_own_key_alone() {
        let sealed = sealer(1).seal(&spot(7), "hunter2").unwrap();
        assert_eq!(sealer(1).open(&spot(7), &sealed).as_deref(), Ok("hunter2"));
        assert_eq!(sealer(1).open(&spot(8), &sealed), Err(SealError::Unreadable));
        let other = Spot::new("storages", "refresh_token_enc", 7);
        assert_eq!(sealer(1).open(&other, &sealed), Err(SealError::Unreadable));
        assert_eq!(sealer(2).open(&spot(7), &sealed), Err(SealError::Unreadable));
        let key = MasterKey::parse(&STANDARD.encode([1; 32]), "test").unwrap();
        assert!(Sealer::new(&key, "else").unwrap().open(&spot(7), &sealed).is_err());
    }

    #[test]
    fn the_same_secret_never_looks_the_same_twice() {
        let (a, b) = (sealer(1).seal(&spot(7), "x").unwrap(), sealer(1).seal(&spot(7), "x").unwrap());
        assert!(a != b && a.starts_with("v1."));
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_every_change_is_noticed(plain in "\\PC*", at in 0usize..400, bit in 0u8..6) {
            let sealed = sealer(3).seal(&spot(1), &plain).unwrap();
            prop_assert_eq!(sealer(3).open(&spot(1), &sealed), Ok(plain));
            let mut bytes = sealed.into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                prop_assert!(sealer(3).open(&spot(1), &changed).is_err());
            }
        }

        #[test]
        fn anything_else_is_refused(text in "(v1\\.)?[A-Za-z0-9_-]{0,80}") {
            prop_assert!(sealer(3).open(&spot(1), &text).is_err());
        }
    }
}
