//! Opaque tokens: random text for the client, a hash of it for the database.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// 256 random bits. Shown once, to whom it is for; everything else keeps its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct OpaqueToken(String);

impl OpaqueToken {
    pub fn random() -> Self {
        OpaqueToken(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> String {
        hash_token(&self.0)
    }
}

impl fmt::Debug for OpaqueToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpaqueToken(..)")
    }
}

/// The form in which a random token is kept: SHA-256, lower-case hexadecimal. Such a token needs no slow hash.
pub fn hash_token(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Compares secrets in a time that does not tell where they differ.
pub fn same_text(a: &str, b: &str) -> bool {
    Sha256::digest(a.as_bytes()).ct_eq(&Sha256::digest(b.as_bytes())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_random_and_not_shown() {
        let (a, b) = (OpaqueToken::random(), OpaqueToken::random());
        assert_ne!(a, b);
        assert_eq!(a.expose().len(), 43);
        assert!(!format!("{a:?}").contains(a.expose()));
        assert_eq!(a.hash(), hash_token(a.expose()));
    }

    #[test]
    fn texts_are_the_same_or_not() {
        assert!(same_text("abc", "abc"));
        assert!(!same_text("abc", "abd") && !same_text("abc", "ab"));
    }
}
