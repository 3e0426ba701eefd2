//! Access tokens.

use super::error::Error;
use crate::crypto::MasterKey;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How long an access token is good for, in seconds.
pub const ACCESS_TOKEN_SEC: i64 = 15 * 60;

/// What an access token says. Who signs in learns it; nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    /// The user's id.
    pub sub: String,
    /// The session.
    pub sid: String,
    pub jti: String,
    /// The user's token version at the time of issue.
    pub ver: i64,
    /// The resources, separated by spaces.
    pub scope: String,
    pub iat: i64,
    pub exp: i64,
}

/// Signs and verifies with a key that is derived from the installation's own and is nowhere stored.
#[derive(Clone)]
pub struct TokenKey {
    sign: EncodingKey,
    verify: DecodingKey,
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(..)")
    }
}

impl TokenKey {
    pub fn new(master: &MasterKey) -> Self {
        let key = master.derive("access tokens");
        TokenKey { sign: EncodingKey::from_secret(&key), verify: DecodingKey::from_secret(&key) }
    }

    pub(super) fn sign(&self, claims: &Claims) -> Result<String, Error> {
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.sign);
        signed.map_err(|e| Error::Internal(anyhow::anyhow!("a token could not be signed: {e}")))
    }

    /// The claims of a token that this installation signed and that has not run out.
    pub(super) fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Claims, Error> {
        let claims = self.claims(token)?;
        if claims.exp <= now.timestamp() { Err(Error::NotSignedIn) } else { Ok(claims) }
    }

    /// The claims of a token that this installation signed, whether it has run out or not.
    pub(super) fn claims(&self, token: &str) -> Result<Claims, Error> {
        // Expiry is judged by our own clock.
        let mut rules = Validation::new(Algorithm::HS256);
        rules.validate_exp = false;
        rules.validate_aud = false;
        rules.set_required_spec_claims(&["sub", "exp"]);
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.verify, &rules);
        decoded.map(|token| token.claims).map_err(|_| Error::NotSignedIn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    fn key(byte: u8) -> TokenKey {
        crate::crypto::install_providers();
        TokenKey::new(&MasterKey::parse(&STANDARD.encode([byte; 32]), "test").unwrap())
    }

    fn claims() -> Claims {
        Claims {
            sub: "1".into(),
            sid: "s".into(),
            jti: "j".into(),
            ver: 1,
            scope: "logs".into(),
            iat: 1000,
            exp: 1900,
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_token_is_good_until_it_runs_out() {
        let token = key(1).sign(&claims()).unwrap();
        assert_eq!(key(1).verify(&token, at(1899)).unwrap(), claims());
        assert!(key(1).verify(&token, at(1900)).is_err());
    }

    #[test]
    fn a_token_of_another_key_or_with_other_claims_is_refused() {
        let token = key(1).sign(&claims()).unwrap();
        assert!(key(2).verify(&token, at(1000)).is_err());
        let mut parts: Vec<String> = token.split('.').map(Into::into).collect();
        let all = Claims { scope: "users".into(), ..claims() };
        parts[1] = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&all).unwrap());
        assert!(key(1).verify(&parts.join("."), at(1000)).is_err());
    }

    #[test]
    fn the_algorithm_is_pinned() {
        let token = key(1).sign(&claims()).unwrap();
        let (_, rest) = token.split_once('.').unwrap();
        let body = rest.split_once('.').unwrap().0;
        for header in [
            r#"{"alg":"none","typ":"JWT"}"#,
            r#"{"alg":"HS384","typ":"JWT"}"#,
            r#"{"alg":"RS256","typ":"JWT"}"#,
        ] {
            let header = URL_SAFE_NO_PAD.encode(header);
            for forged in [format!("{header}.{body}."), format!("{header}.{rest}")] {
                assert!(key(1).verify(&forged, at(1000)).is_err(), "{forged}");
            }
        }
        for nonsense in ["", ".", "a.b.c", "\u{fffd}"] {
            assert!(key(1).verify(nonsense, at(1000)).is_err());
        }
    }
}
